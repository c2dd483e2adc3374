"""What a data set is once it is in memory, whatever it came from. Where it comes from is in datasets.py."""

import hashlib
import json
from dataclasses import dataclass

import numpy as np

from mlp.arrays import Ints, Uint8
from training.errors import DataError

_LONGEST_NAME = 200
"""Characters of a class name: what mlp/metadata.py allows a label. Better said before training than after."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Pictures and what they show; both arrays are read-only."""

    images: Uint8
    """Shape (n, height, width), n ≥ 1."""
    labels: Ints
    """Shape (n,), indices into the data set's classes."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A picture that could not be used, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class DataSet:
    """Labelled pictures of one size, with the test part that they came with, if they came with one."""

    name: str
    classes: tuple[str, ...]
    train: Part
    test: Part | None
    sha256: str
    """Hex digest of the content, as `digest` computes it: the same wherever the data set was read from."""
    skipped: tuple[Skipped, ...] = ()


def data_set(
    name: str, classes: tuple[str, ...], train: Part, test: Part | None, skipped: tuple[Skipped, ...] = ()
) -> DataSet:
    """Put a data set together and freeze its arrays.

    Raises DataError when there are fewer than two classes, one name twice or one that a version file cannot hold, parts
    of different picture sizes, or labels that are no index into the classes.
    """
    _check_classes(name, classes)
    for title, part in (("training", train), ("test", test)):
        if part is not None:
            _check(f"{name}'s {title} part", part, len(classes))
            part.images.setflags(write=False)
            part.labels.setflags(write=False)
    if test is not None and test.images.shape[1:] != train.images.shape[1:]:
        raise DataError(f"{name} has training pictures of {_size(train)} and test pictures of {_size(test)} pixels")
    return DataSet(name, classes, train, test, digest(classes, train, test), skipped)


def digest(classes: tuple[str, ...], train: Part, test: Part | None) -> str:
    r"""Give the SHA-256, in hex, over the class names, shapes, pictures and labels.

    First the class names as JSON, then for each part the line "train <n>x<height>x<width>\n", the pictures' bytes and
    the labels as int64, little-endian.
    """
    sha = hashlib.sha256(json.dumps(classes).encode())
    for title, part in (("train", train), ("test", test)):
        if part is not None:
            sha.update(f"{title} {'x'.join(map(str, part.images.shape))}\n".encode())
            sha.update(np.ascontiguousarray(part.images).data)
            sha.update(np.ascontiguousarray(part.labels, "<i8").data)
    return sha.hexdigest()


def _check_classes(name: str, classes: tuple[str, ...]) -> None:
    if len(classes) < 2 or len(set(classes)) < len(classes):
        raise DataError(f"{name} has the classes {str(list(classes))[:200]}, expected two or more different names")
    for label in classes:
        # A file name that is no UTF-8 comes with surrogates in it, which JSON for a version file cannot hold.
        if not 0 < len(label) <= _LONGEST_NAME or any("\ud800" <= character <= "\udfff" for character in label):
            raise DataError(
                f"{name} has the class {label!r}, expected a name of 1 to {_LONGEST_NAME} characters in UTF-8"
            )


def _check(title: str, part: Part, classes: int) -> None:
    images, labels = part.images, part.labels
    if images.ndim != 3 or images.dtype != np.uint8 or 0 in images.shape:
        raise DataError(f"{title} has pictures as {images.dtype} {images.shape}, expected uint8 (n, height, width)")
    if labels.shape != images.shape[:1]:
        raise DataError(f"{title} has {len(images)} pictures and labels of shape {labels.shape}, expected one each")
    if labels.min() < 0 or labels.max() >= classes:
        raise DataError(
            f"{title} has labels from {labels.min()} to {labels.max()}; there are {classes} classes, "
            f"expected 0 to {classes - 1}"
        )


def _size(part: Part) -> str:
    return "x".join(map(str, part.images.shape[1:]))
