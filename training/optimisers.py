"""How a gradient becomes a step, by the name that a recipe uses. How long steps are over a run is in schedules.py."""

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import numpy as np

from mlp.arrays import Float
from mlp.network import Layer
from training.backprop import Gradients

_BLOCK: Final = 65_536
"""Values that are updated at a time: these and their state stay in the processor's cache from one pass to the next."""


class Optimiser(Protocol):
    """State over a run; one call a batch."""

    def step(self, gradients: Gradients, learning_rate: float) -> None:
        """Change weights and biases in place by a step of this length, using up the gradients."""


class _Blocks:
    """The parameters of a network and the optimiser's state, in blocks; weights are told from biases."""

    def __init__(self, layers: Sequence[Layer], states: int) -> None:
        self._parameters = [array.reshape(-1) for layer in layers for array in (layer.weights, layer.biases)]
        self._states = [[np.zeros_like(values) for _ in range(states)] for values in self._parameters]
        self._scratch = np.empty(min(_BLOCK, max(map(len, self._parameters))), self._parameters[0].dtype)

    def __call__(self, gradients: Gradients) -> Iterable[tuple[bool, list[Float]]]:
        """Yield whether it is weights, and [values, gradient, *states, scratch], each of the same length."""
        flat = [array.reshape(-1) for pair in gradients for array in pair]
        for number, (values, gradient, states) in enumerate(zip(self._parameters, flat, self._states, strict=True)):
            for start in range(0, len(values), _BLOCK):
                block = slice(start, start + _BLOCK)
                parts = [values[block], gradient[block], *[state[block] for state in states]]
                yield number % 2 == 0, [*parts, self._scratch[: len(parts[0])]]


class Sgd:
    """Gradient descent, w ← w − η dL/dw; with momentum μ, v ← μ v + dL/dw and w ← w − η v."""

    def __init__(self, layers: Sequence[Layer], *, momentum: float = 0.0, weight_decay: float = 0.0) -> None:
        self._momentum = momentum
        self._weight_decay = weight_decay
        self._blocks = _Blocks(layers, states=1 if momentum else 0)

    def step(self, gradients: Gradients, learning_rate: float) -> None:
        """See `Optimiser.step`."""
        for is_weights, (values, gradient, *velocity, _scratch) in self._blocks(gradients):
            for v in velocity:
                self._add_velocity(gradient, v, _scratch)
            gradient *= learning_rate
            if is_weights and self._weight_decay:
                values *= 1 - learning_rate * self._weight_decay
            values -= gradient

    def _add_velocity(self, gradient: Float, velocity: Float, _scratch: Float) -> None:
        velocity *= self._momentum
        velocity += gradient
        np.copyto(gradient, velocity)


class Nesterov(Sgd):
    """Nesterov's momentum in the form of Sutskever et al. 2013: v ← μ v + dL/dw, w ← w − η (dL/dw + μ v)."""

    def _add_velocity(self, gradient: Float, velocity: Float, scratch: Float) -> None:
        velocity *= self._momentum
        velocity += gradient
        np.multiply(velocity, self._momentum, out=scratch)
        gradient += scratch


class AdamW:
    """Adam (Kingma and Ba 2015, algorithm 1, in the form at the end of section 2) with the weights' decay kept apart
    from the gradient (Loshchilov and Hutter 2019, algorithm 2)."""  # noqa: D205, D209 - two sources, one sentence

    _BETA_1: Final = 0.9
    _BETA_2: Final = 0.999
    _EPSILON: Final = 1e-8

    def __init__(self, layers: Sequence[Layer], *, momentum: float = 0.0, weight_decay: float = 0.0) -> None:
        self._beta_1 = momentum or self._BETA_1
        self._weight_decay = weight_decay
        self._blocks = _Blocks(layers, states=2)
        self._steps = 0

    def step(self, gradients: Gradients, learning_rate: float) -> None:
        """See `Optimiser.step`."""
        self._steps += 1
        correction = np.sqrt(1 - self._BETA_2**self._steps)
        rate = learning_rate * correction / (1 - self._beta_1**self._steps)
        for is_weights, (values, gradient, mean, square, scratch) in self._blocks(gradients):
            np.subtract(gradient, mean, out=scratch)
            scratch *= 1 - self._beta_1
            mean += scratch
            gradient *= gradient
            gradient -= square
            gradient *= 1 - self._BETA_2
            square += gradient
            np.sqrt(square, out=gradient)
            gradient += self._EPSILON * correction
            np.divide(mean, gradient, out=gradient)
            gradient *= rate
            if is_weights and self._weight_decay:
                values *= 1 - learning_rate * self._weight_decay
            values -= gradient


OPTIMISERS: Final[dict[str, type[Sgd] | type[AdamW]]] = {"sgd": Sgd, "nesterov": Nesterov, "adamw": AdamW}
