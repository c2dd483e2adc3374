import contextlib
import dataclasses
import gzip
import hashlib
import io
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.drafts import ROOT
from training import datasets, fashion
from training.errors import DataError, MalformedIdx, MalformedNpz
from training.labelled import Part, data_set

MNIST = ROOT / "data" / "mnist"
FASHION = ROOT.parent / "shared" / "data" / "fashion-mnist"

PICTURES = np.arange(4 * 2 * 3, dtype=np.uint8).reshape(4, 2, 3)
LABELS = np.array([0, 1, 2, 1])


def idx(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def idx_folder(root, *, images=PICTURES, labels=LABELS, test=True, classes=None):
    for part in ("train", "t10k") if test else ("train",):
        (root / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
        (root / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    if classes is not None:
        (root / "classes.txt").write_text(classes, encoding="utf-8")
    return root


def npz(path, **arrays):
    np.savez_compressed(path, **arrays)
    return path


# MNIST, which comes with the repository


def test_mnist_is_found_from_any_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    data = datasets.load("mnist")

    assert data.name == "mnist"
    assert data.classes == tuple("0123456789")
    assert (data.train.images.shape, data.train.images.dtype) == ((60_000, 28, 28), np.uint8)
    assert (data.train.labels.shape, data.train.labels.dtype) == ((60_000,), np.intp)
    assert data.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert data.test.images.shape == (10_000, 28, 28)
    # Versions are compared with the data set by this: when it changes, older versions no longer know their data.
    assert data.sha256 == "3ec263710620e9f3274014ab693875cb6d37f88d3a4789a09a6ce317d3c47d78"


def test_mnist_is_what_an_independent_reading_gives(mnist_test):
    images, labels = mnist_test

    data = datasets.load("mnist")

    np.testing.assert_array_equal(data.test.images, images)
    np.testing.assert_array_equal(data.test.labels, labels)


def test_mnist_files_have_the_digests_beside_them():
    lines = (MNIST / "SHA256SUMS").read_text(encoding="ascii").splitlines()

    sums = dict(reversed(line.split("  ", 1)) for line in lines)

    assert sorted(sums) == sorted(path.name for path in MNIST.glob("*.gz"))
    for name, expected in sums.items():
        assert hashlib.sha256((MNIST / name).read_bytes()).hexdigest() == expected


def test_mnist_readme_gives_the_sizes_and_digests_of_the_files():
    readme = (MNIST / "README.md").read_text(encoding="utf-8")

    for path in MNIST.glob("*.gz"):
        inside = gzip.decompress(path.read_bytes())
        row = next(line for line in readme.splitlines() if path.name in line)
        assert f"| {path.stat().st_size:,} | {len(inside):,} | `{hashlib.sha256(inside).hexdigest()}` |" in row


# Fashion-MNIST


@pytest.mark.skipif(not FASHION.is_dir(), reason="Fashion-MNIST's files are not beside this repository")
def test_fashion_mnist_is_loaded_with_the_names_of_its_classes():
    data = datasets.load_fashion(FASHION, download=False)

    assert data.name == "fashion-mnist"
    assert data.classes == fashion.CLASSES
    assert data.train.labels[:5].tolist() == [9, 0, 0, 3, 0]
    assert np.bincount(data.train.labels).tolist() == [6000] * 10
    assert np.bincount(data.test.labels).tolist() == [1000] * 10
    assert data.sha256 == "677b88441be5f62113138e13f1a910868e666e91396b0846c2489b494a7b479b"


# IDX files


def test_idx_folder_packed_and_unpacked_is_read(tmp_path):
    data = datasets.load(str(idx_folder(tmp_path)))

    assert data.classes == tuple("0123456789")
    np.testing.assert_array_equal(data.train.images, PICTURES)
    np.testing.assert_array_equal(data.test.labels, LABELS)


def test_idx_folder_without_test_files_has_no_test_part(tmp_path):
    assert datasets.load(str(idx_folder(tmp_path, test=False))).test is None


def test_idx_classes_come_from_the_caller_or_from_classes_txt(tmp_path):
    folder = idx_folder(tmp_path, classes="Äpfel\nBirnen \n\nQuitten\n")

    assert datasets.load_idx(folder).classes == ("Äpfel", "Birnen", "Quitten")
    assert datasets.load_idx(folder, classes=("x", "y", "z")).classes == ("x", "y", "z")


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"labels": LABELS[:3]}, DataError, r"training part has 4 pictures and labels of shape \(3,\)"),
        ({"labels": LABELS + 8}, DataError, "labels from 8 to 10; there are 10 classes, expected 0 to 9"),
        ({"classes": "a\nb\n"}, DataError, "labels from 0 to 2; there are 2 classes"),
        ({"classes": "a\nb\na\n"}, DataError, "two or more different names"),
        ({"labels": PICTURES}, MalformedIdx, r"labels-idx1-ubyte\.gz: the array has 3 dimensions, expected 1"),
        ({"images": LABELS}, MalformedIdx, "images-idx3-ubyte: the array has 1 dimensions, expected 3"),
    ],
)
def test_idx_files_that_do_not_fit_together_are_refused(tmp_path, change, error, says):
    with pytest.raises(error, match=says):
        datasets.load(str(idx_folder(tmp_path, **change)))


@pytest.mark.parametrize(
    ("gone", "says"),
    [
        ("train-labels-idx1-ubyte.gz", "has train-images-idx3-ubyte, but no train-labels-idx1-ubyte"),
        ("t10k-images-idx3-ubyte", "has t10k-labels-idx1-ubyte, but no t10k-images-idx3-ubyte"),
    ],
)
def test_a_missing_idx_file_is_named(tmp_path, gone, says):
    (idx_folder(tmp_path) / gone).unlink()

    with pytest.raises(DataError, match=says):
        datasets.load(str(tmp_path))


def test_idx_pictures_must_be_bytes(tmp_path):
    idx_folder(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"\0\0\x0d\x03" + struct.pack(">III", 1, 1, 1) + bytes(4))

    with pytest.raises(MalformedIdx, match="values are float32, expected unsigned bytes"):
        datasets.load(str(tmp_path))


def test_train_and_test_pictures_of_different_sizes_are_refused(tmp_path):
    idx_folder(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(PICTURES.reshape(4, 3, 2)))

    with pytest.raises(DataError, match="training pictures of 2x3 and test pictures of 3x2"):
        datasets.load(str(tmp_path))


# .npz


def test_npz_with_the_names_of_keras_is_read(tmp_path):
    labels = LABELS.astype(np.uint8)
    path = npz(tmp_path / "set.npz", x_train=PICTURES, y_train=labels, x_test=PICTURES[:2], y_test=labels[:2])

    data = datasets.load(str(path))

    assert (data.name, data.classes) == ("set", ("0", "1", "2"))
    np.testing.assert_array_equal(data.train.images, PICTURES)
    assert data.test.labels.tolist() == [0, 1]


def test_npz_with_images_and_labels_has_no_test_part(tmp_path):
    data = datasets.load(str(npz(tmp_path / "set.npz", images=PICTURES[..., None].astype(np.int64), labels=LABELS)))

    assert data.test is None
    assert data.train.images.dtype == np.uint8
    assert data.train.images.shape == PICTURES.shape


@pytest.mark.parametrize(
    ("labels", "classes", "names", "indices"),
    [
        (np.array([20, 3, 3, 100]), None, ("3", "20", "100"), [1, 0, 0, 2]),
        (np.array(["pear", "fig", "fig", "pear"]), None, ("fig", "pear"), [1, 0, 0, 1]),
        (np.array(["pear", "fig", "fig", "pear"]), np.array(["pear", "fig"]), ("pear", "fig"), [0, 1, 1, 0]),
        (np.array([1, 0, 0, 1], np.uint8), np.array(["pear", "fig"]), ("pear", "fig"), [1, 0, 0, 1]),
    ],
)
def test_npz_labels_are_numbers_or_texts(tmp_path, labels, classes, names, indices):
    more = {} if classes is None else {"classes": classes}

    data = datasets.load_npz(npz(tmp_path / "set.npz", images=PICTURES, labels=labels, **more))

    assert data.classes == names
    assert data.train.labels.tolist() == indices


GOOD = {"images": PICTURES, "labels": LABELS}


@pytest.mark.parametrize(
    ("arrays", "error", "says"),
    [
        ({"x": PICTURES}, MalformedNpz, "there is none, expected x_train, y_train, x_test, y_test or images, labels"),
        ({"x_train": PICTURES, "y_train": LABELS}, MalformedNpz, "there is x_train, y_train, expected"),
        (GOOD | {"images": PICTURES / 255}, MalformedNpz, "images is float64 .*, expected integers"),
        (GOOD | {"images": PICTURES.reshape(4, 6)}, MalformedNpz, r"\(4, 6\), expected integers \(n, height, width\)"),
        (GOOD | {"images": PICTURES.astype(int) - 1}, MalformedNpz, "values from -1 to 22, expected 0 to 255"),
        (GOOD | {"images": PICTURES[:0]}, MalformedNpz, r"\(0, 2, 3\)"),
        (GOOD | {"labels": LABELS[:2]}, DataError, "4 pictures and labels of shape"),
        (GOOD | {"labels": np.eye(4)}, MalformedNpz, r"labels is float64 \(4, 4\), expected integers or texts"),
        (GOOD | {"labels": LABELS * 0}, DataError, "two or more different names"),
        (GOOD | {"classes": np.array(["a", "b"])}, DataError, "labels from 0 to 2; there are 2 classes"),
        (GOOD | {"labels": LABELS - 1, "classes": np.array(["a", "b", "c"])}, DataError, "labels from -1 to 1"),
        (GOOD | {"classes": np.array([1, 2, 3])}, MalformedNpz, "classes is int64 .*, expected texts"),
        (
            {"x_train": PICTURES, "y_train": LABELS, "x_test": PICTURES, "y_test": LABELS + 1},
            MalformedNpz,
            "y_test has the label 3, which is none of the classes",
        ),
    ],
)
def test_npz_that_is_no_data_set_is_refused_with_the_reason(tmp_path, arrays, error, says):
    with pytest.raises(error, match=says):
        datasets.load_npz(npz(tmp_path / "set.npz", **arrays))


def test_npz_with_python_objects_is_refused(tmp_path):
    path = tmp_path / "set.npz"
    np.savez(path, allow_pickle=True, images=PICTURES, labels=np.array(["a", "b", "c", None], dtype=object))

    with pytest.raises(MalformedNpz, match="Python objects"):
        datasets.load_npz(path)


def test_npz_that_would_unpack_to_too_much_is_refused(tmp_path):
    path = npz(tmp_path / "set.npz", images=np.zeros((1000, 28, 28), np.uint8), labels=np.zeros(1000, int))

    with pytest.raises(MalformedNpz, match=r"unpacked it would be \d+ bytes, the most is 100000"):
        datasets.load_npz(path, max_bytes=100_000)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_npz_packed_as_numpy_does_not_is_refused(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "set.npz", "w", method) as archive:
        for name in ("images.npy", "labels.npy"):
            archive.writestr(name, b"anything")

    with pytest.raises(MalformedNpz, match="packed by method"):
        datasets.load_npz(tmp_path / "set.npz")


def test_npz_with_texts_that_are_no_characters_is_refused(tmp_path):
    labels = np.zeros(4, "<U1")
    labels.view("<u4")[:] = [97, 98, 0x110000, 99]

    with pytest.raises(MalformedNpz, match="no characters"):
        datasets.load_npz(npz(tmp_path / "set.npz", images=PICTURES, labels=labels))


@given(st.data())
def test_damaged_npz_gives_a_data_set_or_the_one_error(tmp_path_factory, data):
    path = npz(tmp_path_factory.getbasetemp() / "damaged.npz", images=PICTURES, labels=np.array(["a", "b", "b", "c"]))
    damaged = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged)

    with contextlib.suppress(DataError):
        datasets.load_npz(path)


@pytest.mark.parametrize("keep", [0, 10, 300, -1])
def test_npz_that_is_cut_short_is_refused(tmp_path, keep):
    path = npz(tmp_path / "set.npz", **GOOD)
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(MalformedNpz, match="not a whole"):
        datasets.load_npz(path)
    with pytest.raises(DataError, match=r"no whole \.npz"):
        datasets.load(str(path))


# Sources


def test_class_folders_are_brought_to_the_size_asked_for(tmp_path):
    for name in "ab":
        file = io.BytesIO()
        Image.new("L", (9, 9), 100).save(file, "PNG")
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(file.getvalue())

    data = datasets.load(str(tmp_path), height=5, width=7, preparation="fit")

    assert data.classes == ("a", "b")
    assert data.train.images.shape == (2, 5, 7)


@pytest.mark.parametrize("source", ["nothing/here", "empty", "text", "~nobody-of-this-name/x", "x" * 5000, "a\0b"])
def test_a_source_that_is_no_data_set_is_told_what_is_accepted(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("hello")

    with pytest.raises(DataError, match=r"no data set at (.|\n)*mnist(.|\n)*fashion-mnist(.|\n)*sub-folder(.|\n)*npz"):
        datasets.load(source)


# What every data set keeps


def test_arrays_cannot_be_changed_by_mistake(tmp_path):
    data = datasets.load(str(idx_folder(tmp_path)))

    with pytest.raises(ValueError, match="read-only"):
        data.train.images[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        data.test.labels[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.name = "other"


def test_digest_is_the_same_from_idx_and_npz_and_differs_with_any_content(tmp_path):
    classes = ("a", "b", "c")
    part = Part(PICTURES, LABELS)
    from_idx = datasets.load_idx(idx_folder(tmp_path), classes=classes)
    texts = np.array(classes)[LABELS]
    from_npz = datasets.load_npz(
        npz(tmp_path / "set.npz", x_train=PICTURES, y_train=texts, x_test=PICTURES, y_test=texts)
    )

    changed = [
        data_set("x", classes, part, None),
        data_set("x", (*classes, "d"), part, part),
        data_set("x", classes, Part(PICTURES[::-1], LABELS), part),
        data_set("x", classes, Part(PICTURES.reshape(4, 3, 2), LABELS), Part(PICTURES.reshape(4, 3, 2), LABELS)),
        data_set("x", classes, part, Part(PICTURES, LABELS[::-1])),
    ]

    assert from_idx.sha256 == from_npz.sha256 == data_set("x", classes, part, part).sha256
    assert len({from_idx.sha256, *(other.sha256 for other in changed)}) == 6
