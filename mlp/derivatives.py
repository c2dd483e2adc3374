"""The activations' derivatives, by name, written in the activation a itself, so that z need not be kept.

Each multiplies delta = dL/da, shape (n, fan_out), in place by da/dz and uses up `a` of the same shape while it does:
backpropagation has no further use for it.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from mlp.arrays import Float


def _sigmoid(delta: Float, a: Float) -> None:
    """da/dz = a (1 − a)."""
    delta *= a
    np.subtract(1.0, a, out=a)
    delta *= a


def _tanh(delta: Float, a: Float) -> None:
    """da/dz = 1 − a²."""
    a *= a
    np.subtract(1.0, a, out=a)
    delta *= a


def _relu(delta: Float, a: Float) -> None:
    """da/dz = 1 where a > 0, else 0."""
    np.greater(a, 0.0, out=a, casting="unsafe")  # a third of the time of np.sign
    delta *= a


def _softmax(delta: Float, a: Float) -> None:
    """da_j/dz_k = a_j (1[j = k] − a_k), the whole Jacobian: delta_j ← a_j (delta_j − Σ_k delta_k a_k)."""
    delta -= np.einsum("nc,nc->n", delta, a)[:, np.newaxis]
    delta *= a


def _identity(delta: Float, a: Float) -> None:
    """da/dz = 1."""


DERIVATIVES: Final[dict[str, Callable[[Float, Float], None]]] = {
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "relu": _relu,
    "softmax": _softmax,
    "identity": _identity,
}
