"""Backpropagation for any depth: the gradient of a loss with respect to every weight and bias of a network."""

from collections.abc import Sequence

import numpy as np

from mlp.arrays import Float
from mlp.network import Layer, activations
from training.derivatives import DERIVATIVES
from training.dropout import Dropout
from training.losses import LOSSES

Gradients = list[tuple[Float, Float]]
"""(dL/dW, dL/db) of each layer, of the shapes of its weights and biases."""


class Backprop:
    """The gradients of one loss over batches of at most `rows` examples, in arrays that are made once.

    What is optimised is loss + l2 / 2 · Σ w², over all weights and no biases; the loss alone is what is reported.
    """

    def __init__(
        self, layers: Sequence[Layer], rows: int, *, loss: str, l2: float = 0.0, dropout: Dropout | None = None
    ) -> None:
        self._layers = layers
        self._dropout = dropout
        self._loss = LOSSES[loss]
        self._l2 = l2
        dtype = layers[0].weights.dtype
        self._activations = [np.empty((rows, len(layer.biases)), dtype) for layer in layers]
        self._deltas = [np.empty_like(a) for a in self._activations[:-1]]
        self.gradients: Gradients = [(np.empty_like(layer.weights), np.empty_like(layer.biases)) for layer in layers]
        self._ones = np.ones(rows, dtype)

    def __call__(self, x: Float, y: Float) -> Gradients:
        """Give the gradients at features x (n, d) and targets y (n, c), n at most `rows`; overwritten by the next call.

        Rumelhart, Hinton and Williams 1986: delta of the last layer from the loss, then, from back to front,
        dL/dW_l = a_{l−1}ᵀ delta_l, dL/db_l = Σ_n delta_l, delta_{l−1} = (delta_l W_lᵀ) · da_{l−1}/dz_{l−1}.
        """
        n = len(x)
        outputs = [x]  # a_0 … a_L
        for number, a in enumerate(activations(self._layers, x, [a[:n] for a in self._activations])):
            if self._dropout and number < len(self._layers) - 1:
                self._dropout.drop(number, a)
            outputs.append(a)
        delta = outputs[-1]
        self._loss.delta(delta, y, self._layers[-1].activation)  # (n, c)
        for number in reversed(range(len(self._layers))):
            layer, a = self._layers[number], outputs[number]
            d_weights, d_biases = self.gradients[number]
            np.matmul(a.T, delta, out=d_weights)  # (fan_in, fan_out)
            np.matmul(self._ones[:n], delta, out=d_biases)  # (fan_out,); a third of the time of delta.sum(axis=0)
            if self._l2:
                d_weights += self._l2 * layer.weights
            if number:
                below = self._deltas[number - 1][:n]
                np.matmul(delta, layer.weights.T, out=below)  # (n, fan_in)
                if self._dropout:
                    self._dropout.restore(number - 1, a, below)
                DERIVATIVES[self._layers[number - 1].activation](below, a)
                delta = below
        return self.gradients
