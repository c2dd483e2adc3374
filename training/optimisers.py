"""How a gradient becomes a step, by the name that a recipe uses."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import numpy as np

from mlp.network import Layer
from training.backprop import Gradients


class Optimiser(Protocol):
    """State over a run; one call a batch."""

    def step(self, layers: Sequence[Layer], gradients: Gradients) -> None:
        """Change the layers' weights and biases in place, using up the gradients."""


class Sgd:
    """Plain gradient descent: w ← w − learning_rate · dL/dw."""

    def __init__(self, learning_rate: float) -> None:
        self._learning_rate = learning_rate

    def step(self, layers: Sequence[Layer], gradients: Gradients) -> None:
        """See `Optimiser.step`."""
        for layer, (d_weights, d_biases) in zip(layers, gradients, strict=True):
            d_weights *= self._learning_rate
            d_biases *= self._learning_rate
            np.subtract(layer.weights, d_weights, out=layer.weights)
            np.subtract(layer.biases, d_biases, out=layer.biases)


OPTIMISERS: Final[dict[str, Callable[[float], Optimiser]]] = {"sgd": Sgd}
