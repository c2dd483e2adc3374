"""How a gradient becomes a step, by the name that a recipe uses. How long steps are over a run is in schedules.py."""

import math
from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np

from mlp.arrays import Float

_BLOCK: Final = 32_768
"""Values that are updated at a time: these and their state stay in the processor's cache from one pass to the next."""


class Optimiser:
    """Changes parameters in place, block by block; its state over a run lies in arrays that it is given."""

    STATES: ClassVar[int]
    """Arrays of the parameters' shape that it keeps from step to step, 0 at first."""

    SCALED: ClassVar[bool]
    """Whether the gradients it is given are to be multiplied by the learning rate already."""

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
        self._blocks: list[tuple[slice, bool, Float, list[Float]]] = []
        for first, end, decays in ((0, weights, weight_decay > 0), (weights, len(values), False)):
            for start in range(first, end, _BLOCK):
                block = slice(start, min(start + _BLOCK, end))
                self._blocks.append((block, decays, values[block], [state[block] for state in states]))

    def step(self, gradients: Sequence[Float], learning_rate: float, number: int) -> None:
        """Take step `number`, from 1, along the sum of some gradients (p,); uses up the first of them."""
        for block, decays, values, states in self._blocks:
            gradient = gradients[0][block]
            for other in gradients[1:]:
                gradient += other[block]
            if decays:
                values *= 1 - learning_rate * self._weight_decay
            self._step(values, gradient, states, learning_rate, number)

    def _step(self, values: Float, gradient: Float, states: list[Float], learning_rate: float, number: int) -> None:
        raise NotImplementedError


class Sgd(Optimiser):
    """Gradient descent, w ← w − η dL/dw; with momentum μ, v ← μ v − η dL/dw and w ← w + v (Polyak 1964, eq. 9)."""

    STATES = 1
    SCALED = True

    def _step(self, values: Float, gradient: Float, states: list[Float], _learning_rate: float, _number: int) -> None:
        if not self._momentum:
            values -= gradient
            return
        (velocity,) = states
        velocity *= self._momentum
        velocity -= gradient
        values += velocity


class Nesterov(Sgd):
    """Nesterov's momentum in the form of Sutskever et al. 2013, eq. 3 and 4, seen from where the gradient is taken:
    v ← μ v − η dL/dw, w ← w + μ v − η dL/dw."""  # noqa: D205, D209 - one sentence

    def _step(self, values: Float, gradient: Float, states: list[Float], _learning_rate: float, _number: int) -> None:
        (ahead,) = states  # μ v: kept instead of v, it takes four passes over the parameters, not five
        ahead -= gradient
        ahead *= self._momentum
        values += ahead
        values -= gradient


class AdamW(Optimiser):
    """Adam (Kingma and Ba 2015, algorithm 1, in the form at the end of section 2) with the weights' decay kept apart
    from the gradient (Loshchilov and Hutter 2019, algorithm 2)."""  # noqa: D205, D209 - two sources, one sentence

    STATES = 2
    SCALED = False  # the step's length does not depend on the gradient's

    _BETA_1: Final = 0.9
    _BETA_2: Final = 0.999
    _EPSILON: Final = 1e-8

    def _step(self, values: Float, gradient: Float, states: list[Float], learning_rate: float, number: int) -> None:
        total, squares = states  # the sums whose (1 − β₁)-th and (1 − β₂)-th parts are the paper's m and v
        beta_1 = self._momentum or self._BETA_1
        part = (1 - beta_1) / (1 - beta_1**number)
        root = math.sqrt((1 - self._BETA_2) / (1 - self._BETA_2**number))
        total *= beta_1
        total += gradient
        gradient *= gradient
        squares *= self._BETA_2
        squares += gradient
        np.sqrt(squares, out=gradient)
        gradient += self._EPSILON / root
        np.divide(total, gradient, out=gradient)
        gradient *= learning_rate * part / root
        values -= gradient


OPTIMISERS: Final[dict[str, type[Optimiser]]] = {"sgd": Sgd, "nesterov": Nesterov, "adamw": AdamW}
