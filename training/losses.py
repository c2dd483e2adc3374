"""A loss and the error term that it begins backpropagation with, as a pair, by the name that a recipe uses."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from mlp.arrays import Float
from mlp.derivatives import DERIVATIVES

_LEAST = 1e-12
"""Keeps log(0) away where a score has been rounded to 0 or 1."""


@dataclass(frozen=True, slots=True)
class Loss:
    """`a` is the output layer's activations (n, c), `y` the targets (n, c), one-hot."""

    value: Callable[[Float, Float, str], float]
    """(a, y, output activation) → the loss."""
    delta: Callable[[Float, Float, str, float], Float]
    """(a, y, output activation, factor): give factor · dE/dz, the derivative of the loss's sum over the examples with
    respect to the pre-activations, (n, c); in place of `a` or of `y`, and both are used up."""
    outputs: tuple[str, ...]
    """The output activations for which it is defined."""


def _mse(a: Float, y: Float, _output: str) -> float:
    """L = Σ (a − y)² / (n c): the mean over examples and classes.

    The book prints this, and descends the gradient of Σ (a − y)² / n, which is c times as large: its learning rate 0.1
    is 1.0 here for ten classes.
    """
    return float(np.square(a - y).mean(dtype=np.float64))


def _mse_delta(a: Float, y: Float, output: str, factor: float) -> Float:
    """Give factor · 2 (a − y) / c, times the derivative of the output activation."""
    error = np.subtract(a, y, out=y)
    error *= 2.0 * factor / a.shape[1]
    DERIVATIVES[output](error, a)
    return error


def _cross_entropy(a: Float, y: Float, output: str) -> float:
    """L = −Σ y ln a / n for softmax; for sigmoid, c yes-or-no questions: −Σ (y ln a + (1 − y) ln(1 − a)) / n."""
    total = (y * np.log(np.maximum(a, _LEAST))).sum(dtype=np.float64)
    if output == "sigmoid":
        total += ((1 - y) * np.log(np.maximum(1 - a, _LEAST))).sum(dtype=np.float64)
    return float(-total / len(a))


def _cross_entropy_delta(a: Float, y: Float, _output: str, factor: float) -> Float:
    """Give factor · (a − y), for softmax and sigmoid: their derivative cancels (Bishop 2006, section 5.2)."""
    a -= y
    a *= factor
    return a


LOSSES: Final[dict[str, Loss]] = {
    "mse": Loss(_mse, _mse_delta, ("sigmoid", "tanh", "relu", "softmax", "identity")),
    "cross_entropy": Loss(_cross_entropy, _cross_entropy_delta, ("softmax", "sigmoid")),
}
