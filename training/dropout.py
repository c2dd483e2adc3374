"""Dropout of hidden units while training; the network that is served has all of them."""

from collections.abc import Sequence

import numpy as np

from mlp.arrays import Float

_LEVELS = 256
"""A unit is dropped by a random byte, so the rate is a multiple of 1/256: a byte costs a quarter of a random float."""


class Dropout:
    """Srivastava et al. 2014, inverted: what is kept is scaled by 1 / (1 − rate), so nothing changes in service.

    Not for softmax in hidden layers, whose derivative needs the activations that were dropped, too.
    """

    def __init__(self, widths: Sequence[int], rows: int, rate: float, rng: np.random.Generator) -> None:
        self._below = round(rate * _LEVELS)
        self._scale = np.float32(_LEVELS / (_LEVELS - self._below))
        self._rng = rng
        self._masks = [np.empty((rows, width), np.float32) for width in widths]

    def drop(self, number: int, a: Float) -> None:
        """Draw which units of hidden layer `number` are dropped, and set and scale its activations a (n, fan_out)."""
        mask = self._masks[number][: len(a)]
        dice = np.frombuffer(self._rng.bytes(a.size), np.uint8).reshape(a.shape)
        np.greater_equal(dice, self._below, out=mask, casting="unsafe")
        mask *= self._scale
        a *= mask

    def restore(self, number: int, a: Float, delta: Float) -> None:
        """Turn delta, dL/d(dropped a), into dL/da, and scale what was kept of a back to what it was."""
        delta *= self._masks[number][: len(a)]
        a *= 1 / self._scale
