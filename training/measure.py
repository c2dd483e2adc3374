"""Labelled examples, and how well a network does on them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlp import network
from mlp.arrays import Ints, Pixels, Uint8
from mlp.network import Layer
from training.losses import LOSSES
from training.recipes import Recipe

_ROWS = 2048
"""Examples measured at a time."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Pixels (n, height, width) uint8 and labels (n,), indices into the classes.

    Instead of pixels any numbers will do, (n, d) float32: by a recipe that goes from 0 to 255 they are the features.
    """

    pixels: Pixels
    labels: Ints

    @property
    def pictures(self) -> Uint8:
        """The pixels, for what needs bytes; raises TypeError where there are other features instead."""
        if self.pixels.dtype != np.uint8:
            raise TypeError(f"examples of {self.pixels.dtype} are features and no pictures")
        return self.pixels.astype(np.uint8, copy=False)

    def __len__(self) -> int:
        """Give n."""
        return len(self.labels)

    def __add__(self, more: "Examples") -> "Examples":
        """Give both together."""
        return Examples(np.concatenate([self.pixels, more.pixels]), np.concatenate([self.labels, more.labels]))

    def __mul__(self, times: int) -> "Examples":
        """Give each of them so many times."""
        every = np.repeat(np.arange(len(self)), times)
        return Examples(self.pixels[every], self.labels[every])

    def spread(self, size: int) -> "Examples":
        """Give `size` of them, evenly spread; all of them for 0."""
        if size == 0 or size >= len(self):
            return self
        chosen = np.linspace(0, len(self) - 1, size).astype(np.intp)
        return Examples(self.pixels[chosen], self.labels[chosen])


@dataclass(frozen=True, slots=True)
class Measure:
    """Loss, and accuracy from 0 to 1, over some examples."""

    loss: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one pass over the training examples has led to."""

    number: int
    train: Measure
    validation: Measure
    seconds: float
    """Of training alone, without the two measurements."""


def measure(layers: Sequence[Layer], examples: Examples, recipe: Recipe) -> Measure:
    """Give loss and accuracy of a network over `examples`, at least one."""
    rows = np.eye(len(layers[-1].biases), dtype=np.float32)
    loss, right = 0.0, 0
    for start in range(0, len(examples), _ROWS):
        labels = examples.labels[start : start + _ROWS]
        x = network.features(examples.pixels[start : start + _ROWS], recipe.low, recipe.high)
        a = network.scores(layers, x)  # (k, c)
        right += int((network.winners(a) == labels).sum())
        loss += LOSSES[recipe.loss].value(a, rows[labels], recipe.output) * len(labels)
    return Measure(loss / len(examples), right / len(examples))
