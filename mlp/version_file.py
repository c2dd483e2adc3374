"""A version is one .npz file: this room turns it into a `Version` and back, and trusts nothing in it.

The layout, and what is refused, is in docs/version-file.md. Files get their place and number in mlp/store.py.
"""

import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from mlp import network, npy
from mlp.arrays import Float, Uint8
from mlp.errors import MalformedNpy, VersionFileError
from mlp.metadata import Metadata
from mlp.version import Version

MAX_BYTES: Final = 256 * 2**20
"""Of the file, and of everything in it once unpacked: 64 million weights, five times the largest plain MLP in print."""

MAX_METADATA_BYTES: Final = 2**20

GOLDEN_TOLERANCE: Final = 1e-4
"""Most by which a golden score may differ. Other processors and BLAS builds round sums differently, by about 1e-6."""

_Arrays = Mapping[str, npt.NDArray[Any]]


def read(path: Path) -> Version:
    """Read and check the version file at `path`.

    Raises VersionFileError, its text beginning with the file's name, and OSError when there is nothing to read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size  # as much memory as may be read is taken before anything is
        data = file.read(min(size, MAX_BYTES) + 1)
    try:
        return unpack(data)
    except VersionFileError as error:
        raise VersionFileError(f"{path.name}: {error}") from error


def read_metadata(path: Path) -> Metadata:
    """Read what the file at `path` says of itself, without its weights and without checking them.

    Raises VersionFileError and OSError as `read` does.
    """
    try:
        with path.open("rb") as file:
            return metadata_in(file)
    except VersionFileError as error:
        raise VersionFileError(f"{path.name}: {error}") from error


def metadata_in(file: IO[bytes] | io.RawIOBase) -> Metadata:
    """Read what a version file says of itself; of `file` the end and one member are read. Raises VersionFileError."""
    with _zip(file) as archive:
        return _metadata(_member(archive, _info(archive, "metadata")))


def pack(metadata: Metadata, layers: Sequence[network.Layer], golden_inputs: Uint8) -> bytes:
    """Give the version file of a network; its digest and golden scores are computed here.

    golden_inputs is (k, height, width) uint8, k ≥ 1. Raises VersionFileError when the network could not be served.
    """
    x = network.features(golden_inputs, metadata.input.low, metadata.input.high)
    arrays = _arrays(layers, golden_inputs, network.scores(layers, x))
    data = _written(metadata.model_copy(update={"sha256": digest(arrays)}), arrays)
    unpack(data)
    return data


def renumbered(version: Version, number: int) -> bytes:
    """Give the file of a version under another number: metadata anew, and the arrays, thus the digest, as they were."""
    arrays = _arrays(version.layers, version.golden_inputs, version.golden_scores)
    return _written(version.metadata.model_copy(update={"version": number}), arrays)


def unpack(data: bytes) -> Version:
    """Check the bytes of a version file and give what is in it, its arrays read-only.

    Raises VersionFileError naming what is wrong: size, zip structure, members, types, shapes, values, digest or the
    answers to the golden inputs.
    """
    if len(data) > MAX_BYTES:
        raise VersionFileError(f"the file is larger than {MAX_BYTES} bytes, the most that is read")
    with _zip(io.BytesIO(data)) as archive:
        infos = _infos(archive)
        if "metadata" not in infos:
            raise VersionFileError("the file has no metadata")
        metadata = _metadata(_member(archive, infos["metadata"]))
        names = _names(len(metadata.activations))
        _same_names(infos, names)
        arrays = {name: _member(archive, infos[name]) for name in names}
    _check(metadata, arrays)
    return _verified(metadata, arrays)


def digest(arrays: _Arrays) -> str:
    """Give the SHA-256, in hex, over the arrays in the order W1, b1, …, WL, bL, golden_inputs, golden_scores.

    Each array counts as the UTF-8 line "<name> <dtype> <length>x<length>…", a newline, and its bytes in C order.
    """
    sha = hashlib.sha256()
    for name, array in arrays.items():
        sha.update(f"{name} {array.dtype.str} {'x'.join(map(str, array.shape))}\n".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()


def _written(metadata: Metadata, arrays: _Arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, metadata=np.array(metadata.model_dump_json()), **arrays)
    return file.getvalue()


def _names(layers: int) -> list[str]:
    weights = [f"{letter}{number}" for number in range(1, layers + 1) for letter in "Wb"]
    return [*weights, "golden_inputs", "golden_scores"]


def _arrays(layers: Sequence[network.Layer], golden_inputs: Uint8, golden_scores: Float) -> _Arrays:
    values = [array for layer in layers for array in (layer.weights, layer.biases)]
    return dict(zip(_names(len(layers)), [*values, golden_inputs, golden_scores], strict=True))


def _zip(file: Any) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OverflowError) as error:
        raise VersionFileError(f"not a whole .npz file, perhaps cut short: {error}") from error


def _infos(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Give the members by array name; refuse what would unpack to too much before anything is unpacked."""
    infos = archive.infolist()
    if (total := sum(info.file_size for info in infos)) > MAX_BYTES:
        raise VersionFileError(f"unpacked it would be {total} bytes, more than the {MAX_BYTES} that are read")
    by_name = {info.filename.removesuffix(".npy"): info for info in infos if info.filename.endswith(".npy")}
    if len(by_name) != len(infos):
        raise VersionFileError("a member is there twice or is no .npy array")
    return by_name


def _info(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    try:
        return archive.getinfo(f"{name}.npy")
    except KeyError:
        raise VersionFileError(f"the file has no {name}") from None


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> npt.NDArray[Any]:
    name = info.filename.removesuffix(".npy")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise VersionFileError(f"{name} is compressed by method {info.compress_type}, which NumPy does not write")
    if name == "metadata" and info.file_size > MAX_METADATA_BYTES:
        raise VersionFileError(f"the metadata is {info.file_size} bytes, more than {MAX_METADATA_BYTES}")
    try:
        return npy.parse(archive.read(info))
    except MalformedNpy as error:
        raise VersionFileError(f"{name}: {error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as error:
        # RuntimeError: encrypted.
        raise VersionFileError(f"{name} is damaged: {error}") from error


def _metadata(array: npt.NDArray[Any]) -> Metadata:
    if array.shape != () or array.dtype.kind != "U":
        raise VersionFileError(f"the metadata is {array.dtype} of shape {array.shape}, not one text")
    try:
        return Metadata.model_validate_json(str(array))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the JSON"
        raise VersionFileError(f"the metadata is wrong at {where}: {first['msg']}") from error
    except (ValueError, SystemError) as error:  # characters that do not exist
        raise VersionFileError(f"the metadata is no text: {error}") from error


def _same_names(found: Mapping[str, object], expected: Sequence[str]) -> None:
    wanted = {*expected, "metadata"}
    if missing := sorted(wanted - set(found)):
        raise VersionFileError(f"the file has no {', '.join(missing)}")
    if extra := sorted(set(found) - wanted):
        raise VersionFileError(
            f"the file has more than a version of {len(expected) // 2 - 1} layers: {', '.join(extra)}"
        )


def _check(metadata: Metadata, arrays: _Arrays) -> None:
    """Compare types, shapes and the digest with the metadata, and look for values that are not finite."""
    sizes = metadata.sizes
    for number, (fan_in, fan_out) in enumerate(pairwise(sizes), start=1):
        _check_array(f"W{number}", arrays[f"W{number}"], "<f4", (fan_in, fan_out))
        _check_array(f"b{number}", arrays[f"b{number}"], "<f4", (fan_out,))
    k = len(arrays["golden_inputs"]) if arrays["golden_inputs"].ndim else 0
    _check_array("golden_inputs", arrays["golden_inputs"], "|u1", (k, metadata.input.height, metadata.input.width))
    _check_array("golden_scores", arrays["golden_scores"], "<f4", (k, sizes[-1]))
    if (found := digest(arrays)) != metadata.sha256:
        raise VersionFileError(f"the arrays' SHA-256 is {found}, the metadata says {metadata.sha256}")


def _check_array(name: str, array: npt.NDArray[Any], dtype: str, shape: tuple[int, ...]) -> None:
    if array.dtype.str != dtype:
        raise VersionFileError(f"{name} is of type {array.dtype}, expected {np.dtype(dtype)}")
    if array.shape != shape or array.size == 0:
        raise VersionFileError(f"{name} has shape {array.shape}, expected {shape} and none of these 0")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise VersionFileError(f"{name} has values that are not finite")


def _verified(metadata: Metadata, arrays: _Arrays) -> Version:
    """Build the version and let it answer its golden inputs."""
    layers = tuple(
        network.Layer(np.ascontiguousarray(arrays[f"W{number}"]), arrays[f"b{number}"], activation)
        for number, activation in enumerate(metadata.activations, start=1)
    )
    version = Version(metadata, layers, arrays["golden_inputs"], arrays["golden_scores"])
    with np.errstate(all="ignore"):  # an overflow shows as a difference just below
        difference = np.abs(version.scores(version.golden_inputs) - version.golden_scores).max()
    if not difference <= GOLDEN_TOLERANCE:
        raise VersionFileError(
            f"its answers to the golden inputs are off by {difference:.3g}, more than {GOLDEN_TOLERANCE:g}: "
            "the network in the file does not compute what it was published to compute"
        )
    for layer in layers:
        layer.weights.setflags(write=False)
    return version
