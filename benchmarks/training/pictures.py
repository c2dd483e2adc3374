"""The examples that all train on, as files that every contestant's process reads."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

CLASSES = 10


@dataclass(frozen=True, slots=True)
class Pictures:
    """Training and test examples: pixels (n, height, width) uint8, labels (n,) below `CLASSES`."""

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.intp]
    test_pixels: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.intp]

    @classmethod
    def read(cls, folder: Path, examples: int | None = None) -> Self:
        """Give what `write` has written; of the training examples only the first so many, if a number is given."""
        arrays = {name: np.load(folder / f"{name}.npy") for name in cls.__dataclass_fields__}
        for name in ("pixels", "labels"):
            arrays[name] = arrays[name][:examples]
        return cls(**arrays)

    def write(self, folder: Path) -> None:
        """Write one .npy for each array."""
        for name in self.__dataclass_fields__:
            np.save(folder / f"{name}.npy", getattr(self, name))


def features(pixels: npt.NDArray[np.uint8], dtype: type[np.floating]) -> npt.NDArray[Any]:
    """Give pixels (n, height, width) as features (n, d) from 0 to 1."""
    x = pixels.reshape(len(pixels), -1).astype(dtype)
    x *= 1 / 255
    return x
