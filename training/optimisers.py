"""How a gradient becomes a step, by the name that a recipe uses. How long steps are over a run is in schedules.py."""

from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np

from mlp.arrays import Float

_BLOCK: Final = 65_536
"""Values that are updated at a time: these and their state stay in the processor's cache from one pass to the next."""


class Optimiser:
    """Changes parameters in place, block by block; its state over a run lies in arrays that it is given."""

    STATES: ClassVar[int]
    """Arrays of the parameters' shape that it keeps from step to step, 0 at first."""

    def __init__(
        self,
        values: Float,
        states: Sequence[Float],
        *,
        weights: int,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        """`values` (p,) and each of `states` (p,); the first `weights` of them are weights, the others biases."""
        self._momentum = momentum
        self._weight_decay = weight_decay
        scratch = np.empty(min(_BLOCK, len(values)), values.dtype)
        self._blocks: list[tuple[slice, bool, Float, list[Float], Float]] = []
        for first, end, decays in ((0, weights, weight_decay > 0), (weights, len(values), False)):
            for start in range(first, end, _BLOCK):
                block = slice(start, min(start + _BLOCK, end))
                part = values[block]
                self._blocks.append((block, decays, part, [state[block] for state in states], scratch[: len(part)]))

    def step(self, gradients: Sequence[Float], learning_rate: float, number: int) -> None:
        """Take step `number`, from 1, along the sum of some gradients (p,); uses up the first of them."""
        for block, decays, values, states, scratch in self._blocks:
            gradient = gradients[0][block]
            for other in gradients[1:]:
                gradient += other[block]
            self._direct(gradient, states, scratch, learning_rate, number)
            if decays:
                values *= 1 - learning_rate * self._weight_decay
            values -= gradient

    def _direct(self, gradient: Float, states: list[Float], scratch: Float, learning_rate: float, number: int) -> None:
        """Make the step to be taken off, in place, of the gradient."""
        raise NotImplementedError


class Sgd(Optimiser):
    """Gradient descent, w ← w − η dL/dw; with momentum μ, v ← μ v + dL/dw and w ← w − η v."""

    STATES = 1

    def _direct(self, gradient: Float, states: list[Float], scratch: Float, learning_rate: float, _number: int) -> None:
        if self._momentum:
            (velocity,) = states
            velocity *= self._momentum
            velocity += gradient
            self._look_ahead(gradient, velocity, scratch)
        gradient *= learning_rate

    def _look_ahead(self, gradient: Float, velocity: Float, _scratch: Float) -> None:
        np.copyto(gradient, velocity)


class Nesterov(Sgd):
    """Nesterov's momentum in the form of Sutskever et al. 2013: v ← μ v + dL/dw, w ← w − η (dL/dw + μ v)."""

    def _look_ahead(self, gradient: Float, velocity: Float, scratch: Float) -> None:
        np.multiply(velocity, self._momentum, out=scratch)
        gradient += scratch


class AdamW(Optimiser):
    """Adam (Kingma and Ba 2015, algorithm 1, in the form at the end of section 2) with the weights' decay kept apart
    from the gradient (Loshchilov and Hutter 2019, algorithm 2)."""  # noqa: D205, D209 - two sources, one sentence

    STATES = 2

    _BETA_1: Final = 0.9
    _BETA_2: Final = 0.999
    _EPSILON: Final = 1e-8

    def _direct(self, gradient: Float, states: list[Float], scratch: Float, learning_rate: float, number: int) -> None:
        mean, square = states
        beta_1 = self._momentum or self._BETA_1
        correction = np.sqrt(1 - self._BETA_2**number)
        np.subtract(gradient, mean, out=scratch)
        scratch *= 1 - beta_1
        mean += scratch
        gradient *= gradient
        gradient -= square
        gradient *= 1 - self._BETA_2
        square += gradient
        np.sqrt(square, out=gradient)
        gradient += self._EPSILON * correction
        np.divide(mean, gradient, out=gradient)
        gradient *= learning_rate * correction / (1 - beta_1**number)


OPTIMISERS: Final[dict[str, type[Optimiser]]] = {"sgd": Sgd, "nesterov": Nesterov, "adamw": AdamW}
