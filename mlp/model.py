"""A model in a program of one's own, without a server: `load` it, and it answers as POST /predict does.

What a batch of numbers is, is in mlp/pixels.py; what is done to pictures, in mlp/picture.py and mlp/prepare.py.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeGuard

import numpy as np
import numpy.typing as npt
from PIL import Image

from mlp import network, picture, pixels, prepare, version_file
from mlp.aliases import PRODUCTION
from mlp.arrays import Float, Ints, Pixels, Uint8
from mlp.errors import PictureError, WrongShape
from mlp.store import CACHE, open_store
from mlp.version import Version

MAX_PIXELS: Final = 50_000_000
"""Of a picture, checked before it is decoded; the service's limit, as it is without a setting."""

Prepare = Literal["auto", "none"]

Encoded = str | os.PathLike[str] | bytes | bytearray | memoryview
"""A picture's file, by its path, or its content."""

Picture = Image.Image | Encoded

Images = Picture | Sequence[Picture] | npt.ArrayLike


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Predictions:
    """What a model says of n pictures, in their order; the arrays are read-only."""

    labels: tuple[str, ...]
    """The class that each is taken for."""
    indices: Ints
    """Shape (n,): which of the model's classes that is."""
    confidences: Float
    """Shape (n,): the scores of these."""
    scores: Float
    """Shape (n, c): the output layer's activations."""
    one_hot: Uint8
    """Shape (n, c): the threshold function on the scores, 1 at the class and 0 elsewhere."""

    @classmethod
    def of(cls, scores: Float, classes: Sequence[str]) -> "Predictions":
        """Give what scores (n, c) say, freezing them."""
        indices = network.winners(scores)
        confidences = np.take_along_axis(scores, indices[:, np.newaxis], axis=1)[:, 0]
        one_hot = network.one_hot(indices, len(classes))
        for array in (indices, confidences, scores, one_hot):
            array.setflags(write=False)
        return cls(tuple(classes[index] for index in indices.tolist()), indices, confidences, scores, one_hot)

    def __len__(self) -> int:
        """Give n."""
        return len(self.labels)

    def __repr__(self) -> str:
        """Name the classes of the first pictures, with the confidence in each."""
        first = [
            f"{label!r} {confidence:.4f}"
            for label, confidence in zip(self.labels[:_SHOWN], self.confidences.tolist(), strict=False)
        ]
        more = ["…"] if len(self) > _SHOWN else []
        return f"<{len(self)} predictions: {', '.join(first + more)}>"


_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Model:
    """One version of a model; nothing edits it."""

    version: Version

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, in the order of the scores."""
        return self.version.metadata.labels

    def predict(self, images: Images, *, prepare: Prepare = "auto", max_pixels: int = MAX_PIXELS) -> Predictions:
        """Give what the model says of one picture or several.

        Parameters
        ----------
        images
            Numbers, for which (h, w) or (h·w,) is one picture and (n, h, w) or (n, h·w) several: an array or nested
            lists, integers 0 … 255 or floats, which are 0 … 1 where none is above 1, else 0 … 255. Or a picture: one
            that Pillow has opened, the path of a file, or a file's bytes; or a list of these.
        prepare
            "auto" gives a picture the treatment that the network's training data got; with "none" it is only turned
            grey, and must have the network's size. Numbers go to the network unchanged.
        max_pixels
            Most that a picture's file may have.

        Raises PictureError, of several with the index of the picture at its text's beginning, WrongShape,
        ValueOutOfRange, and OSError for a file that cannot be read.
        """
        if _is_picture(images):
            batch: Pixels = self._prepared(images, prepare, max_pixels)[np.newaxis]
        elif isinstance(images, Sequence) and len(images) > 0 and _is_picture(images[0]):
            batch = self._batch(images, prepare, max_pixels)
        else:
            batch = self._from_numbers(images)
        return Predictions.of(self.version.scores(batch), self.classes)

    def __repr__(self) -> str:
        """Name the version, and what goes in and comes out."""
        about = self.version.metadata
        size = f"{about.input.height}×{about.input.width}"
        return f"<{about.name} version {about.version}: {size} pixels, {len(about.labels)} classes>"

    def _batch(self, images: Sequence[object], prepare: Prepare, max_pixels: int) -> Uint8:
        spec = self.version.metadata.input
        batch = np.empty((len(images), spec.height, spec.width), np.uint8)
        for index, image in enumerate(images):
            if not _is_picture(image):
                raise WrongShape(f"item {index} is {type(image).__name__}, and the first one is a picture")
            try:
                batch[index] = self._prepared(image, prepare, max_pixels)
            except PictureError as error:
                raise type(error)(f"item {index}: {error}") from error
        return batch

    def _prepared(self, image: Picture, how: Prepare, max_pixels: int) -> Uint8:
        """Give one picture as pixels (height, width). Raises PictureError, OSError."""
        spec = self.version.metadata.input
        if how not in ("auto", "none"):
            raise ValueError(f'prepare is {how!r}, expected "auto" or "none"')
        if isinstance(image, Image.Image):
            upright = picture.taken(image)
            if how == "none":
                return prepare.exact(upright, spec.height, spec.width)
            return prepare.PREPARATIONS[spec.preparation](upright, spec.height, spec.width)
        data = Path(image).read_bytes() if isinstance(image, str | os.PathLike) else bytes(image)
        if how == "none":
            return prepare.exact(picture.decode(data, max_pixels=max_pixels), spec.height, spec.width)
        return prepare.prepared(data, spec.preparation, spec.height, spec.width, max_pixels=max_pixels)

    def _from_numbers(self, numbers: object) -> Pixels:
        spec = self.version.metadata.input
        try:
            array = np.asarray(numbers)
        except ValueError as error:  # lists of different lengths
            raise WrongShape(f"not an array: {error}; {pixels.expected(spec)}") from error
        return pixels.batch(array, spec, pixels.full_scale(array))


def load(source: str | os.PathLike[str], version: int | str | None = None, *, cache: str | Path = CACHE) -> Model:
    """Read a version of a model, and check it.

    Parameters
    ----------
    source
        The model in its store, "models/digits" or "s3://bucket/prefix/digits", or one version's file,
        "models/digits/3.npz".
    version
        A number or an alias; without it, what `production` names. A version file has none.
    cache
        The folder in which what is read from a bucket is kept.

    Raises ModelNotFound, VersionNotFound, VersionFileError, AliasDocumentError, StoreUnavailable, InvalidLocation, all
    of them MlpError; OSError when there is no such version file.
    """
    text = os.fspath(source)
    if text.endswith(".npz") and "://" not in text:
        if version is not None:
            raise ValueError(f"{text} is one version already; to choose {version!r}, give the model's folder")
        return Model(version_file.read(Path(text)))
    if "://" in text:
        location, _, name = text.rstrip("/").rpartition("/")
    else:
        location, name = str(Path(text).parent), Path(text).name
    store = open_store(location, cache)
    return Model(store.read(name, store.resolve(name, PRODUCTION if version is None else str(version))))


def _is_picture(value: object) -> TypeGuard[Picture]:
    return isinstance(value, Image.Image | str | os.PathLike | bytes | bytearray | memoryview)
