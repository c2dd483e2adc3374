"""The forward pass, the only one in the repository: training and the service both call it.

Backpropagation is in training/backprop.py; what a version file adds to the layers is in mlp/version.py.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mlp.activations import ACTIVATIONS
from mlp.arrays import Float, Ints, Pixels, Uint8


@dataclass(frozen=True, slots=True)
class Layer:
    """One fully connected layer: a = activation(x @ weights + biases)."""

    weights: Float
    """Shape (fan_in, fan_out), C order."""
    biases: Float
    """Shape (fan_out,)."""
    activation: str
    """A name in `ACTIVATIONS`."""


def activations(
    layers: Sequence[Layer],
    x: Float,
    into: Sequence[Float] | None = None,
    scale: float = 1.0,
    normalise: Callable[[int, Float], None] | None = None,
) -> Iterator[Float]:
    """Yield a_1 … a_L, the output of each layer in turn.

    Parameters
    ----------
    x
        The features, shape (n, d), d the first layer's fan-in; not changed.
    into
        One array of shape (n, fan_out) for each layer, to be filled and yielded. New ones are made without it.
    scale
        What the features are still to be multiplied by: on the first layer's products that costs less than on x.
    normalise
        Changes the products (n, fan_out) of layer 0, 1, … before the biases are added; only training has one.

    The service keeps the last, backpropagation keeps all. Sigmoids may overflow on the way, to the right result: see
    `mlp.activations.sigmoid`.
    """
    a = x
    for number, layer in enumerate(layers):
        z = np.matmul(a, layer.weights, out=None if into is None else into[number])  # (n, fan_out)
        if scale != 1.0 and number == 0:
            z *= scale
        if normalise:
            normalise(number, z)
        z += layer.biases
        ACTIVATIONS[layer.activation](z)
        a = z
        yield a


def scores(layers: Sequence[Layer], x: Float) -> Float:
    """Give the output layer's activations, shape (n, c), for features x of shape (n, d)."""
    a = x
    with np.errstate(over="ignore"):
        for a in activations(layers, x):  # noqa: B007 - the last one is wanted, the others are let go on the way
            pass
    return a


def features(pixels: Pixels, low: float, high: float) -> Float:
    """Give pixels (n, height, width), 0 … 255, as float32 features (n, height × width) from `low` to `high`."""
    x = pixels.reshape(len(pixels), -1).astype(np.float32)  # (n, d)
    x *= np.float32((high - low) / 255)
    x += np.float32(low)
    return x


def winners(scores: Float) -> Ints:
    """Give the index of the highest score of each row of (n, c), shape (n,); the first one where two are equal."""
    return scores.argmax(axis=1)


def one_hot(indices: Ints, classes: int) -> Uint8:
    """Give the rows of the threshold function, shape (n, classes): 1 at each index, 0 elsewhere."""
    rows = np.zeros((len(indices), classes), dtype=np.uint8)
    rows[np.arange(len(indices)), indices] = 1
    return rows
