"""Batch normalisation of the hidden layers while training (Ioffe and Szegedy 2015).

The network that is measured, stored and served has none of it: it is folded into the weights and biases.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from mlp.arrays import Float
from mlp.network import Layer, activations

_EPSILON: Final = 1e-5
"""Added to each variance, so that a unit that is the same for all examples is not divided by 0."""


class BatchNorm:
    """Normalises each hidden unit over the examples of a batch, in arrays that are made once."""

    def __init__(self, gammas: Sequence[Float], gradients: Sequence[Float], rows: int) -> None:
        """`gammas`, one (fan_out,) for each hidden layer, and dL/dγ, to be filled; batches of at most `rows`."""
        self._gammas, self._gradients = gammas, gradients
        self._ones = np.ones(rows, gammas[0].dtype)
        self._normalised = [np.empty((rows, len(gamma)), gamma.dtype) for gamma in gammas]
        self._factors = [np.empty_like(gamma) for gamma in gammas]

    def normalise(self, number: int, z: Float) -> None:
        """Replace z (n, fan_out) of hidden layer `number` by γ (z − mean) / √(variance + ε): algorithm 1.

        Its β is the layer's bias, which is added afterwards. The output layer stays as it is.
        """
        if number == len(self._gammas):
            return
        n, normalised, factor = len(z), self._normalised[number][: len(z)], self._factors[number]
        np.subtract(z, self._ones[:n] @ z / n, out=normalised)
        np.einsum("nh,nh->h", normalised, normalised, out=factor)
        factor /= n
        factor += _EPSILON
        np.sqrt(factor, out=factor)
        np.reciprocal(factor, out=factor)
        normalised *= factor
        np.multiply(normalised, self._gammas[number], out=z)

    def restore(self, number: int, delta: Float) -> None:
        """Turn delta (n, fan_out), dL/d(normalised z), into dL/dz in place, and fill dL/dγ: section 3.

        The derivatives of mean and variance in it are those of the batch: dL/dz sums to 0 over the examples.
        """
        if number == len(self._gammas):
            return
        n, normalised, gradient = len(delta), self._normalised[number][: len(delta)], self._gradients[number]
        np.einsum("nh,nh->h", delta, normalised, out=gradient)
        normalised *= gradient / n
        delta -= normalised
        delta -= self._ones[:n] @ delta / n
        delta *= self._factors[number] * self._gammas[number]


def folded(layers: Sequence[Layer], gammas: Sequence[Float], x: Float) -> tuple[Layer, ...]:
    """Give the plain network that answers as the normalised one does, with the statistics of features x (k, d).

    Algorithm 2 with the population's mean and variance taken from x, layer by layer: nothing has to be carried along
    in training, and they fit the weights at hand, averaged ones, too.
    """
    a, plain = x, []
    for layer, gamma in zip(layers[:-1], gammas, strict=True):
        z = a @ layer.weights  # (k, fan_out)
        factor = gamma / np.sqrt(z.var(axis=0) + _EPSILON)
        plain.append(Layer(layer.weights * factor, layer.biases - z.mean(axis=0) * factor, layer.activation))
        (a,) = activations(plain[-1:], a)
    return *plain, layers[-1]
