"""All parameters of a network in one array: the weights of each layer, the biases of each, then other things' own.

One pass over it does what would take two for each layer, and processes can share it and each update a part.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from mlp.arrays import Float
from mlp.network import Layer


def counts(layers: Sequence[Layer]) -> tuple[int, int]:
    """Give the number of weights, and of weights and biases."""
    weights = sum(layer.weights.size for layer in layers)
    return weights, weights + sum(layer.biases.size for layer in layers)


def views(layers: Sequence[Layer], values: Float) -> tuple[Layer, ...]:
    """Give layers of the same shapes and activations whose weights and biases are the first of `values`."""
    arrays = [layer.weights for layer in layers] + [layer.biases for layer in layers]
    ends = np.cumsum([array.size for array in arrays])
    parts = [part.reshape(array.shape) for part, array in zip(np.split(values, ends), arrays, strict=False)]
    pairs = zip(parts[: len(layers)], parts[len(layers) :], layers, strict=True)
    return tuple(Layer(weights, biases, layer.activation) for weights, biases, layer in pairs)


def gammas(layers: Sequence[Layer], values: Float) -> list[Float]:
    """Give a vector for each hidden layer, its units long, from what in `values` comes after weights and biases."""
    ends = np.cumsum([counts(layers)[1], *(len(layer.biases) for layer in layers[:-1])])
    return [values[start:end] for start, end in pairwise(ends)]


def fill(values: Float, layers: Sequence[Layer]) -> None:
    """Copy the parameters of `layers` to the front of `values`."""
    for view, layer in zip(views(layers, values), layers, strict=True):
        view.weights[...] = layer.weights
        view.biases[...] = layer.biases
