import dataclasses
import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlp import version_file
from mlp.errors import VersionFileError
from mlp.network import Layer
from tests.drafts import make_draft

PACKED = make_draft().pack()


def members(data=PACKED):
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return dict(archive)


def repacked(changes=None, *, honest=False, without=(), **metadata):
    """The good file with some members and fields of the metadata changed; `honest` computes the digest anew."""
    arrays = {name: array for name, array in (members() | (changes or {})).items() if name not in without}
    fields = json.loads(str(arrays.pop("metadata"))) | metadata
    if honest:
        fields["sha256"] = version_file.digest(arrays)
    file = io.BytesIO()
    np.savez(file, metadata=np.array(json.dumps(fields)), **arrays)
    return file.getvalue()


def test_what_is_packed_is_unpacked(draft):
    version = version_file.unpack(draft.pack())

    assert version.metadata.labels == tuple("0123456789")
    assert version.metadata.weights == 784 * 12 + 12 + 12 * 10 + 10
    for found, layer in zip(version.layers, draft.layers, strict=True):
        np.testing.assert_array_equal(found.weights, layer.weights)
        np.testing.assert_array_equal(found.biases, layer.biases)
        assert found.activation == layer.activation
    np.testing.assert_array_equal(version.golden_inputs, draft.golden_inputs)


def test_the_file_is_an_ordinary_npz_with_the_documented_members():
    arrays = members()

    assert sorted(arrays) == ["W1", "W2", "b1", "b2", "golden_inputs", "golden_scores", "metadata"]
    assert arrays["W1"].shape == (784, 12)
    assert arrays["W1"].flags.c_contiguous
    assert json.loads(str(arrays["metadata"]))["format"] == 1


def test_packing_twice_gives_the_same_bytes(draft):
    assert draft.pack() == draft.pack()


def test_a_loaded_version_cannot_be_changed_by_a_slip(draft):
    version = version_file.unpack(draft.pack())

    with pytest.raises(ValueError, match="read-only"):
        version.layers[0].weights[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        version.layers[0].biases[0] = 1


def test_a_large_batch_gives_what_small_ones_give(draft):
    version = version_file.unpack(draft.pack())
    pixels = np.random.default_rng(0).integers(0, 256, (5000, 28, 28), dtype=np.uint8)

    whole = version.scores(pixels)

    assert whole.shape == (5000, 10)
    np.testing.assert_allclose(whole[2040:2060], version.scores(pixels[2040:2060]), atol=1e-6)


def test_metadata_alone_can_be_read(tmp_path, draft):
    (tmp_path / "1.npz").write_bytes(draft.pack())

    assert version_file.read_metadata(tmp_path / "1.npz") == version_file.read(tmp_path / "1.npz").metadata


def nan_weight():
    weights = members()["W1"].copy()
    weights[3, 4] = np.nan
    return {"W1": weights}


def flipped_weight():
    weights = members()["W1"].copy()
    weights.view(np.uint32)[3, 4] ^= 1 << 20
    return {"W1": weights}


def bomb():
    """A few hundred kilobytes that would unpack to more than the limit."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("W1.npy", "w", force_zip64=True) as member,
    ):
        chunk = bytes(2**20)
        for _ in range(version_file.MAX_BYTES // len(chunk) + 1):
            member.write(chunk)
    return file.getvalue()


def with_pickle():
    file = io.BytesIO()
    np.savez(file, **(members() | {"W1": np.array([{"a": 1}], dtype=object)}), allow_pickle=True)
    return file.getvalue()


def twice():
    file = io.BytesIO(PACKED)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(file, "a") as archive:
        archive.writestr("W1.npy", b"")
    return file.getvalue()


def lzma_packed():
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(PACKED)) as archive, zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as other:
        for name in archive.namelist():
            other.writestr(name, archive.read(name))
    return file.getvalue()


def wrong_golden():
    scores = members()["golden_scores"].copy()
    scores[0] = scores[0][::-1]
    return {"golden_scores": scores}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: b"", "not a whole .npz"),
        (lambda: b"not a zip at all", "not a whole .npz"),
        (lambda: PACKED[: len(PACKED) // 2], "not a whole .npz"),
        (lambda: PACKED[:-1], "not a whole .npz"),
        (bomb, "unpacked it would be"),
        (with_pickle, "W1: the array holds Python objects"),
        (twice, "twice"),
        (lzma_packed, "compressed by method 14"),
        (lambda: repacked(without=["W2"]), "has no W2"),
        (lambda: repacked(without=["golden_inputs"]), "has no golden_inputs"),
        (lambda: repacked({"extra": np.zeros(3)}), "more than a version of 2 layers: extra"),
        (lambda: repacked(nan_weight(), honest=True), "W1 has values that are not finite"),
        (lambda: repacked({"b1": np.full(12, np.inf, np.float32)}, honest=True), "b1 has values that are not finite"),
        (lambda: repacked(flipped_weight()), "SHA-256"),
        (
            lambda: repacked({"W1": np.zeros((783, 12), np.float32)}, honest=True),
            r"W1 has shape \(783, 12\), expected \(784, 12\)",
        ),
        (lambda: repacked({"W2": np.zeros((12, 9), np.float32)}, honest=True), "W2 has shape"),
        (lambda: repacked({"W1": np.zeros((784, 12))}, honest=True), "W1 is of type float64, expected float32"),
        (lambda: repacked({"golden_inputs": np.zeros((0, 28, 28), np.uint8)}, honest=True), "golden_inputs has shape"),
        (lambda: repacked(wrong_golden(), honest=True), "golden inputs are off"),
        (lambda: repacked(sizes=[784, 12, 11]), "sizes"),
        (lambda: repacked(activations=["relu", "softmax", "softmax"]), "3 activations"),
        (lambda: repacked(activations=["relu", "__import__"]), "unknown activation"),
        (lambda: repacked(labels=["0"] * 10), "same label"),
        (lambda: repacked(format=2), "format"),
        (lambda: repacked(name="../../etc"), "name"),
        (lambda: repacked(surprise=1), "surprise"),
        (lambda: PACKED.replace("relu".encode("utf-32-le"), "tanh".encode("utf-32-le")), "metadata is damaged"),
    ],
)
def test_a_damaged_or_hostile_file_is_refused_and_the_reason_named(make, says):
    with pytest.raises(VersionFileError, match=says):
        version_file.unpack(make())


def test_metadata_that_is_no_text_is_refused():
    file = io.BytesIO()
    np.savez(file, **(members() | {"metadata": np.zeros(3)}))

    with pytest.raises(VersionFileError, match="not one text"):
        version_file.unpack(file.getvalue())


def test_a_network_that_could_not_be_served_is_not_packed(draft):
    weights = draft.layers[0].weights.copy()
    weights[0, 0] = np.nan
    broken = dataclasses.replace(draft, layers=(Layer(weights, draft.layers[0].biases, "relu"), draft.layers[1]))

    with pytest.raises(VersionFileError, match="not finite"):
        broken.pack()


def test_a_file_over_the_limit_is_refused_without_being_read_whole(tmp_path):
    path = tmp_path / "1.npz"
    with path.open("wb") as file:
        file.truncate(version_file.MAX_BYTES + 1)

    with pytest.raises(VersionFileError, match=r"1\.npz: the file is larger than"):
        version_file.read(path)


def test_metadata_with_characters_that_do_not_exist_is_refused():
    text = members()["metadata"].reshape(1).copy()
    text.view(np.uint32)[5] = 0x7FFFFFFF
    file = io.BytesIO()
    np.savez(file, **(members() | {"metadata": text.reshape(())}))

    with pytest.raises(VersionFileError, match="metadata"):
        version_file.unpack(file.getvalue())


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(PACKED) * 8 - 1))
def test_a_flipped_bit_is_refused_or_changes_nothing(bit):
    damaged = bytearray(PACKED)
    damaged[bit // 8] ^= 1 << bit % 8

    try:
        version = version_file.unpack(bytes(damaged))
    except VersionFileError:
        return

    good = version_file.unpack(PACKED)
    assert version.metadata == good.metadata
    np.testing.assert_array_equal(version.scores(good.golden_inputs), good.scores(good.golden_inputs))


@settings(deadline=None, max_examples=100)
@given(st.integers(0, len(PACKED) - 1))
def test_a_file_cut_short_anywhere_is_refused(length):
    with pytest.raises(VersionFileError):
        version_file.unpack(PACKED[:length])


def test_a_version_under_another_number_is_the_same_network_with_the_same_digest(draft):
    version = version_file.unpack(draft.pack())

    other = version_file.unpack(version_file.renumbered(version, 7))

    assert other.metadata == version.metadata.model_copy(update={"version": 7})
    pixels = draft.golden_inputs
    np.testing.assert_array_equal(other.scores(pixels), version.scores(pixels))
