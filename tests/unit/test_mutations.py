"""Damage to every region of a version file: each is refused, or changes nothing that anybody could notice."""

import contextlib
import io
import json
import random
import struct
import zipfile

import numpy as np
import pytest

from mlp import version_file
from mlp.errors import VersionFileError
from mlp.version import Version
from tests.drafts import make_draft

PACKED = make_draft(hidden=(5,), height=6, width=6, labels="abc").pack()
GOOD = version_file.unpack(PACKED)
INPUTS = np.random.default_rng(0).integers(0, 256, (50, 6, 6), dtype=np.uint8)
ARRAYS = ("W1", "b1", "W2", "b2", "golden_inputs", "golden_scores")
END_RECORD = 22


def regions() -> dict[str, range]:
    """The offsets of each part of the file, by its name; together they are the whole file."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(PACKED)) as archive:
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            lengths = struct.unpack_from("<HH", PACKED, info.header_offset + 26)
            start = info.header_offset + 30 + sum(lengths)
            header = start + 10 + struct.unpack_from("<H", PACKED, start + 8)[0]
            found[f"{name}: local header"] = range(info.header_offset, start)
            found[f"{name}: npy header"] = range(start, header)
            found[f"{name}: data"] = range(header, start + info.file_size)
        directory = archive.start_dir
    found["central directory"] = range(directory, len(PACKED) - END_RECORD)
    found["end record"] = range(len(PACKED) - END_RECORD, len(PACKED))
    return found


REGIONS = regions()


def outcome(data: bytes) -> str:
    """Give "refused" or "harmless"; anything else fails the test: another error, other scores, other words."""
    with contextlib.suppress(VersionFileError):  # a list of versions shows what damaged ones say of themselves, too
        version_file.metadata_in(io.BytesIO(data))
    try:
        version = version_file.unpack(data)
    except VersionFileError:
        return "refused"
    assert same(version)
    return "harmless"


def same(version: Version) -> bool:
    return version.metadata == GOOD.metadata and np.array_equal(version.scores(INPUTS), GOOD.scores(INPUTS))


def test_the_regions_are_the_whole_file():
    assert sorted(offset for region in REGIONS.values() for offset in region) == list(range(len(PACKED)))
    assert {name.partition(":")[0] for name in REGIONS} >= {*ARRAYS, "metadata", "central directory", "end record"}


@pytest.mark.parametrize("region", REGIONS)
def test_a_changed_byte_is_refused_or_harmless(region):
    draw = random.Random(region)  # a text seeds it alike everywhere
    found = [
        outcome(PACKED[:offset] + bytes([changed]) + PACKED[offset + 1 :])
        for offset in REGIONS[region]
        for changed in {PACKED[offset] ^ 1 << draw.randrange(8), draw.randrange(256), 0, 255} - {PACKED[offset]}
    ]

    assert "refused" in found
    if region.endswith(("data", "npy header")):  # what the checksums cover; in the rest, there is a date, for one
        assert "harmless" not in found


@pytest.mark.parametrize("region", REGIONS)
def test_damage_to_many_bytes_is_refused_or_harmless(region):
    draw = random.Random(region)
    for _ in range(60):
        start = draw.choice(REGIONS[region])
        length = draw.randint(1, 64)
        kind = draw.randrange(4)
        if kind == 0:
            damaged = PACKED[:start] + draw.randbytes(length) + PACKED[start + length :]
        elif kind == 1:
            damaged = PACKED[:start] + bytes(length) + PACKED[start + length :]
        elif kind == 2:
            damaged = PACKED[:start] + PACKED[start + length :]
        else:
            damaged = PACKED[:start] + PACKED[start : start + length] + PACKED[start:]
        outcome(damaged)


def test_a_file_cut_short_anywhere_is_refused():
    for length in range(len(PACKED)):
        with pytest.raises(VersionFileError):
            version_file.unpack(PACKED[:length])


def test_bytes_before_or_after_the_file_are_refused_or_harmless():
    for length in (1, 2, 3, 21, 22, 23, 100, 5000):
        for more in (bytes(length), b"x" * length, PACKED[-length:]):
            outcome(PACKED + more)
            outcome(more + PACKED)
    outcome(PACKED + PACKED)


def rebuilt(arrays: dict, *, digest: bool, **fields: object) -> bytes:
    """A file of these arrays in a zip without a fault, with a right digest or the old one."""
    metadata = GOOD.metadata.model_dump(mode="json") | fields
    if digest:
        metadata["sha256"] = version_file.digest(arrays)
    file = io.BytesIO()
    np.savez(file, metadata=np.array(json.dumps(metadata)), **arrays)
    return file.getvalue()


def arrays_of(data: bytes) -> dict:
    with np.load(io.BytesIO(data)) as archive:
        return {name: archive[name] for name in ARRAYS}


@pytest.mark.parametrize("name", ARRAYS)
def test_a_changed_value_in_a_zip_without_a_fault_is_refused(name):
    """As a writer with a bad memory would make it: all checksums are those of the changed bytes, but the digest."""
    draw = random.Random(name)
    arrays = arrays_of(PACKED)
    size = arrays[name].nbytes
    for offset in draw.sample(range(size), min(size, 100)):
        changed = arrays[name].copy()
        changed.view(np.uint8).reshape(-1)[offset] ^= 1 << draw.randrange(8)
        with pytest.raises(VersionFileError):
            version_file.unpack(rebuilt(arrays | {name: changed}, digest=False))


def with_value(array: np.ndarray, value: float) -> np.ndarray:
    changed = array.copy()
    changed.reshape(-1)[changed.size // 2] = value
    return changed


REFUSED = {
    **{f"{value} in {name}": ({name: value}, {}) for name in ARRAYS[:4] for value in (np.nan, np.inf, -np.inf, 3e38)},
    "nan in golden_scores": ({"golden_scores": np.nan}, {}),
    **{f"{name} as float64": ({name: lambda a: a.astype(float)}, {}) for name in ARRAYS},
    **{f"{name} in the other byte order": ({name: lambda a: a.astype(">f4")}, {}) for name in ARRAYS},
    **{f"{name} as text": ({name: lambda a: a.astype("U8")}, {}) for name in ARRAYS},
    **{f"{name} without its last": ({name: lambda a: a[:-1]}, {}) for name in ARRAYS[:4]},
    **{f"{name} one dimension up": ({name: lambda a: a[None]}, {}) for name in ARRAYS},
    **{f"{name} flat": ({name: lambda a: a.reshape(-1)}, {}) for name in ("W1", "W2", "golden_inputs")},
    **{f"{name} empty": ({name: lambda a: a[:0]}, {}) for name in ARRAYS},
    **{f"no {name}": ({name: None}, {}) for name in ARRAYS},
    "W1 turned": ({"W1": lambda a: np.ascontiguousarray(a.T)}, {}),
    "other weights": ({"W1": lambda a: a[::-1].copy()}, {}),
    "other golden inputs": ({"golden_inputs": lambda a: 255 - a}, {}),
    "other golden scores": ({"golden_scores": lambda a: a[:, ::-1].copy()}, {}),
    "more golden inputs than scores": ({"golden_scores": lambda a: a[:-1]}, {}),
    "another activation": ({}, {"activations": ["tanh", "softmax"]}),
    "another output": ({}, {"activations": ["relu", "sigmoid"]}),
    "another scale": ({}, {"input": GOOD.metadata.input.model_dump() | {"high": 1.1}}),
    "another height": ({}, {"input": GOOD.metadata.input.model_dump() | {"height": 4, "width": 9}}),
    "fewer classes": ({}, {"labels": ["a", "b"]}),
    "fewer units": ({}, {"sizes": [36, 4, 3]}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_network_with_a_right_digest_is_refused(case):
    changes, fields = REFUSED[case]
    arrays = arrays_of(PACKED)
    for name, change in changes.items():
        array = arrays.pop(name)
        if change is not None:
            arrays[name] = change(array) if callable(change) else with_value(array, change)
    ordered = {name: arrays[name] for name in ARRAYS if name in arrays}

    with pytest.raises(VersionFileError):
        version_file.unpack(rebuilt(ordered, digest=True, **fields))


def test_a_right_network_with_a_right_digest_is_taken():
    """Or else the tests above would say nothing."""
    assert same(version_file.unpack(rebuilt(arrays_of(PACKED), digest=True)))
