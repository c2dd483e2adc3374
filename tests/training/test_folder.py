import io
import os

import numpy as np
import pytest
from PIL import Image

from training.errors import DataError
from training.folder import load_folder


def png(grey, size=(6, 6)):
    file = io.BytesIO()
    Image.new("L", size, grey).save(file, "PNG")
    return file.getvalue()


def make(root, tree):
    for name, data in tree.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def load(path, **how):
    return load_folder(path, 4, 4, "fit", **how)


def test_sub_folders_are_classes_in_natural_order(tmp_path):
    names = ["10", "2", "1", "b", "A"]
    path = make(tmp_path, {f"{name}/x.png": png(20 * at) for at, name in enumerate(names)})

    data = load(path)

    assert data.classes == ("1", "2", "10", "A", "b")
    assert data.train.labels.tolist() == [0, 1, 2, 3, 4]
    assert data.train.images[:, 0, 0].tolist() == [40, 20, 0, 80, 60]
    assert data.train.images.shape == (5, 4, 4)
    assert data.test is None
    assert data.name == tmp_path.name


def test_pictures_come_in_natural_order_of_their_names(tmp_path):
    data = load(make(tmp_path, {"a/10.png": png(10), "a/9.png": png(9), "a/1.png": png(1), "b/x.png": png(0)}))

    assert data.train.images[:3, 0, 0].tolist() == [1, 9, 10]


def test_train_and_test_folders_become_the_two_parts(tmp_path):
    path = make(
        tmp_path, {"train/a/1.png": png(1), "train/b/1.png": png(2), "test/b/1.png": png(3), "train/a/2.png": png(4)}
    )

    data = load(path)

    assert data.classes == ("a", "b")
    assert data.train.labels.tolist() == [0, 0, 1]
    assert data.test.labels.tolist() == [1]
    assert data.test.images[0, 0, 0] == 3


def test_classes_that_are_called_train_and_bus_are_classes(tmp_path):
    data = load(make(tmp_path, {"train/1.png": png(1), "bus/1.png": png(2)}))

    assert data.classes == ("bus", "train")


def test_classes_that_are_called_train_and_test_are_classes_when_pictures_lie_in_them(tmp_path):
    data = load(make(tmp_path, {"train/1.png": png(1), "test/1.png": png(2)}))

    assert data.classes == ("test", "train")


def test_a_bad_picture_is_left_out_and_listed_with_the_reason(tmp_path):
    path = make(
        tmp_path,
        {
            "a/good.png": png(1),
            "a/cut.png": png(2)[:40],
            "a/notes.txt": b"hello",
            "b/good.png": png(3),
            "b/nil.png": b"",
        },
    )

    data = load(path)

    assert len(data.train.labels) == 2
    assert [skipped.path for skipped in data.skipped] == [
        str(path / name) for name in ("a/cut.png", "a/notes.txt", "b/nil.png")
    ]
    assert all(skipped.reason for skipped in data.skipped)


def test_a_bad_picture_is_an_error_when_asked_for(tmp_path):
    path = make(tmp_path, {"a/1.png": png(1), "b/1.png": png(2), "b/2.png": b"no picture"})

    with pytest.raises(DataError, match=r"b/2\.png: "):
        load(path, strict=True)


def test_a_picture_with_nothing_drawn_on_it_is_left_out_by_the_preparation_for_digits(tmp_path):
    drawn = Image.new("L", (40, 40), 255)
    drawn.paste(0, (15, 5, 22, 35))
    file = io.BytesIO()
    drawn.save(file, "PNG")
    path = make(tmp_path, {"0/1.png": file.getvalue(), "1/1.png": file.getvalue(), "1/empty.png": png(255, (40, 40))})

    data = load_folder(path, 28, 28, "digit")

    assert [os.path.basename(skipped.path) for skipped in data.skipped] == ["empty.png"]  # noqa: PTH119
    assert data.train.images.max() > 200


def test_hidden_files_and_folders_and_what_lies_deeper_are_ignored(tmp_path):
    path = make(
        tmp_path,
        {
            "a/1.png": png(1),
            "b/1.png": png(1),
            "a/.DS_Store": b"x",
            ".git/config": b"x",
            "b/more/2.png": png(2),
            "README.md": b"x",
        },
    )

    data = load(path)

    assert data.classes == ("a", "b")
    assert len(data.train.labels) == 2
    assert data.skipped == ()


def test_links_in_circles_end_and_links_to_nothing_are_listed(tmp_path):
    path = make(tmp_path, {"a/1.png": png(1), "b/1.png": png(1)})
    (path / "a" / "up").symlink_to(path)
    (path / "a" / "nothing.png").symlink_to(path / "gone.png")
    (path / "a" / "self.png").symlink_to(path / "a" / "self.png")

    data = load(path)

    assert len(data.train.labels) == 2
    assert {os.path.basename(skipped.path) for skipped in data.skipped} == {"nothing.png", "self.png"}  # noqa: PTH119


def test_a_named_pipe_is_not_waited_on(tmp_path):
    path = make(tmp_path, {"a/1.png": png(1), "b/1.png": png(1)})
    os.mkfifo(path / "a" / "pipe.png")

    assert [skipped.reason for skipped in load(path).skipped] == ["not a file, or a link to nothing"]


@pytest.mark.parametrize(
    ("tree", "says"),
    [
        ({"a/1.png": b"x", "b/1.png": b"y"}, "0 of 2 files are usable pictures, and the class 'a' has none"),
        ({"a/1.png": png(1), "b/1.png": b"y"}, "1 of 2 files are usable pictures, and the class 'b' has none"),
        ({"a/1.png": png(1)}, r"classes \['a'\], expected two or more"),
        ({"1.png": png(1)}, "no pictures, expected one sub-folder a class"),
        ({"train/a/1.png": png(1), "train/b/1.png": png(1), "test/c/1.png": png(1)}, "the classes c, which .* has not"),
        ({"train/a/1.png": png(1), "train/b/1.png": png(1), "test/.x": b""}, "test has no pictures"),
        ({"train/a/1.png": png(1), "val/a/1.png": png(1)}, "directly in each class's folder"),
        ({f"{'a' * 201}/1.png": png(1), "b/1.png": png(1)}, "1 to 200 characters"),
        ({os.fsdecode(b"\xff/1.png"): png(1), "b/1.png": png(1)}, "in UTF-8"),
    ],
)
def test_a_folder_that_is_no_data_set_is_refused_with_the_reason(tmp_path, tree, says):
    with pytest.raises(DataError, match=says):
        load(make(tmp_path, tree))


def test_a_missing_folder_and_an_unknown_preparation_are_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        load(tmp_path / "nothing")
    with pytest.raises(DataError, match="no preparation 'sharpen', expected digit or fit"):
        load_folder(tmp_path, 4, 4, "sharpen")


def test_the_digest_is_of_the_content_not_of_the_place(tmp_path):
    tree = {"a/1.png": png(1), "b/1.png": png(2)}
    one, other = load(make(tmp_path / "one", tree)), load(make(tmp_path / "other", tree))
    changed = load(make(tmp_path / "changed", tree | {"a/1.png": png(3)}))

    assert one.sha256 == other.sha256 != changed.sha256
    np.testing.assert_array_equal(one.train.images, other.train.images)
