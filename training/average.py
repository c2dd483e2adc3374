"""An average of the weights over the last part of a run: it is steadier than they are, and mostly better."""

from collections.abc import Sequence

import numpy as np

from mlp.network import Layer

EVERY = 8
"""Batches between two updates: a pass over all weights costs as much as a tenth of a step of a large network."""


class Average:
    """w̄ ← decay · w̄ + (1 − decay) · w a step (Polyak and Juditsky 1992, with forgetting), done for a few at a time.

    The first values count less and less than `decay` says: it is held below (1 + n) / (10 + n) after n updates, so
    that the random beginning is forgotten.
    """

    def __init__(self, layers: Sequence[Layer], decay: float) -> None:
        self._layers = layers
        self._decay = decay**EVERY
        self._steps = 0
        self.layers = [Layer(layer.weights.copy(), layer.biases.copy(), layer.activation) for layer in layers]
        self._scratch = np.empty(max(layer.weights.size for layer in layers), layers[0].weights.dtype)

    def update(self) -> None:
        """Count a step."""
        self._steps += 1
        if self._steps % EVERY:
            return
        updates = self._steps // EVERY
        share = 1 - min(self._decay, (1 + updates) / (10 + updates))
        for mean, layer in zip(self.layers, self._layers, strict=True):
            for average, now in ((mean.weights, layer.weights), (mean.biases, layer.biases)):
                scratch = self._scratch[: now.size].reshape(now.shape)
                np.subtract(now, average, out=scratch)
                scratch *= share
                average += scratch
