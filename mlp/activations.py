"""The activation functions, by the name that a version file stores. Their derivatives are in mlp/derivatives.py.

Each works in place on a layer's pre-activations z of shape (n, fan_out), float32 or float64: the forward pass owns
that array, and a second one would cost more than the function itself.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from mlp.arrays import Float


def sigmoid(z: Float) -> None:
    """1 / (1 + exp(−z)).

    exp overflows below −88, to ∞, whose reciprocal is the 0 that is right: callers let NumPy not warn of it (`over`),
    which costs less than a bound on z.
    """
    np.negative(z, out=z)
    np.exp(z, out=z)
    z += 1.0
    np.reciprocal(z, out=z)


def tanh(z: Float) -> None:
    """(exp(z) − exp(−z)) / (exp(z) + exp(−z))."""
    np.tanh(z, out=z)


def relu(z: Float) -> None:
    """max(z, 0)."""
    np.maximum(z, 0.0, out=z)


def softmax(z: Float) -> None:
    """exp(z_j) / Σ_k exp(z_k) along the classes; the row's maximum is taken off first, so that nothing overflows."""
    z -= z.max(axis=-1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=-1, keepdims=True)


def identity(z: Float) -> None:
    """Leave z as it is."""


ACTIVATIONS: Final[dict[str, Callable[[Float], None]]] = {
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "softmax": softmax,
    "identity": identity,
}
