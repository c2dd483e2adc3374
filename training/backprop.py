"""Backpropagation for any depth: the gradient of a loss with respect to every weight and bias of a network."""

from collections.abc import Sequence

import numpy as np

from mlp.arrays import Float
from mlp.derivatives import DERIVATIVES
from mlp.network import Layer, activations
from training import parameters
from training.batch_norm import BatchNorm
from training.dropout import Dropout
from training.losses import LOSSES


class Backprop:
    """The gradient of one loss over batches of at most `rows` examples, in arrays that are made once.

    What is optimised is loss + l2 / 2 · Σ w², over all weights and no biases; the loss alone is what is reported.
    It is given x, where the features are scale · x + shift, and of each row the first w of d where the others are 0: so
    no pass over the features is needed, and what is blank in a whole batch is left out of all products.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        rows: int,
        *,
        loss: str,
        l2: float = 0.0,
        dropout: Dropout | None = None,
        batch_norm: BatchNorm | None = None,
        into: Float | None = None,
        scale: float = 1.0,
        shift: float = 0.0,
    ) -> None:
        """`into` is where gradients go, weights and biases first; without it there is an array for them here."""
        self._scale = scale
        # A shift moves a unit's z alike for all examples, and batch normalisation takes that off again.
        self._shift = 0.0 if batch_norm else shift
        self._layers = layers
        self._dropout = dropout
        self._batch_norm = batch_norm
        self._loss = LOSSES[loss]
        self._l2 = l2
        dtype = layers[0].weights.dtype
        self._activations = [np.empty((rows, len(layer.biases)), dtype) for layer in layers]
        self._deltas = [np.empty_like(a) for a in self._activations[:-1]]
        self._penalties = [np.empty_like(layer.weights) for layer in layers] if l2 else []
        self._ones = np.ones(max(rows, len(layers[0].weights)), dtype)
        self._shifted = np.empty_like(layers[0].biases)
        self.gradient = np.empty(parameters.counts(layers)[1], dtype) if into is None else into
        self.gradients = parameters.views(layers, self.gradient)
        """dL/dW and dL/db where a layer has W and b; views of `gradient`."""

    def __call__(self, x: Float, y: Float, examples: int | None = None, rate: float = 1.0) -> tuple[Layer, ...]:
        """Fill `gradients` for x (n, w) and targets y (n, c), n at most `rows`, and give them; y is used up.

        The loss is a mean over `examples`, n without it: where others have the rest of a batch, the sum of all is its
        gradient. All is multiplied by `rate`, which costs nothing here and a pass over all gradients later.

        Rumelhart, Hinton and Williams 1986: delta of the last layer from the loss, then, from back to front,
        dL/dW_l = a_{l−1}ᵀ delta_l, dL/db_l = Σ_n delta_l, delta_{l−1} = (delta_l W_lᵀ) · da_{l−1}/dz_{l−1}.
        """
        n, width = x.shape
        layers = (self._first(width), *self._layers[1:])
        outputs = self._forward(layers, x)  # a_0 … a_L
        delta = self._loss.delta(outputs[-1], y, layers[-1].activation, rate / (examples or n))  # (n, c)
        for number in reversed(range(len(layers))):
            layer, a, gradient = layers[number], outputs[number], self.gradients[number]
            np.matmul(self._ones[:n], delta, out=gradient.biases)  # a third of the time of delta.sum(axis=0)
            if self._batch_norm:
                self._batch_norm.restore(number, delta)
            if number == 0:
                gradient.weights[width:] = 0.0
                delta *= self._scale
            np.matmul(a.T, delta, out=gradient.weights[: a.shape[1]])  # (fan_in, fan_out)
            if number == 0 and self._shift:
                np.add(
                    gradient.weights, np.multiply(gradient.biases, self._shift, out=self._shifted), out=gradient.weights
                )
            if self._l2:
                penalty = np.multiply(self._layers[number].weights, rate * self._l2, out=self._penalties[number])
                np.add(gradient.weights, penalty, out=gradient.weights)
            if number:
                below = self._deltas[number - 1][:n]
                np.matmul(delta, layer.weights.T, out=below)  # (n, fan_in)
                if self._dropout:
                    self._dropout.restore(number - 1, a, below)
                DERIVATIVES[layers[number - 1].activation](below, a)
                delta = below
        return self.gradients

    def _first(self, width: int) -> Layer:
        """Give the first layer for x of this width: shift · Σ w over all features is the same for every example."""
        layer, biases = self._layers[0], self._layers[0].biases
        if self._shift:
            biases = np.matmul(self._ones[: len(layer.weights)], layer.weights, out=self._shifted)
            biases *= self._shift
            biases += layer.biases
        return Layer(layer.weights[:width], biases, layer.activation)

    def _forward(self, layers: Sequence[Layer], x: Float) -> list[Float]:
        outputs = [x]
        normalise = self._batch_norm.normalise if self._batch_norm else None
        into = [a[: len(x)] for a in self._activations]
        for number, a in enumerate(activations(layers, x, into, self._scale, normalise)):
            if self._dropout and number < len(layers) - 1:
                self._dropout.drop(number, a)
            outputs.append(a)
        return outputs
