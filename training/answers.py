"""A network's answers to labelled examples, and what is counted from them; scores are computed once and kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlp import network
from mlp.arrays import Float, Ints, Pixels
from mlp.components import Bools
from mlp.network import Layer
from training.losses import LOSSES
from training.measure import Examples, Measure
from training.recipes import Recipe

_ROWS = 2048
"""Examples that go through the network at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """n examples, at least one, and the scores that a network gives them."""

    examples: Examples
    scores: Float
    """Shape (n, c)."""

    @property
    def winners(self) -> Ints:
        """Index of the answered class, shape (n,)."""
        return network.winners(self.scores)

    @property
    def right(self) -> Bools:
        """Whether the answer is the true class, shape (n,)."""
        return self.winners == self.examples.labels

    @property
    def confidence(self) -> Float:
        """Score of the answered class, shape (n,), float64."""
        return self.scores.max(axis=1).astype(np.float64)

    @property
    def confusion(self) -> Ints:
        """Counts of examples, shape (c, c): row the true class, column the answer."""
        counts = np.zeros((self.scores.shape[1],) * 2, np.intp)
        np.add.at(counts, (self.examples.labels, self.winners), 1)
        return counts

    def measure(self, recipe: Recipe) -> Measure:
        """Give the recipe's loss, and the accuracy."""
        y = network.one_hot(self.examples.labels, self.scores.shape[1]).astype(np.float32)  # (n, c)
        return Measure(LOSSES[recipe.loss].value(self.scores, y, recipe.output), float(self.right.mean()))


def answers(layers: Sequence[Layer], examples: Examples, recipe: Recipe) -> Answers:
    """Let a network that was trained by `recipe` answer `examples`, at least one."""
    return Answers(examples, scores(layers, examples.pixels, recipe))


def scores(layers: Sequence[Layer], pixels: Pixels, recipe: Recipe) -> Float:
    """Give the scores (n, c) of a network that was trained by `recipe`, n ≥ 1."""
    parts = [pixels[start : start + _ROWS] for start in range(0, len(pixels), _ROWS)]
    return np.concatenate([network.scores(layers, network.features(part, recipe.low, recipe.high)) for part in parts])
