"""An average of the weights over the last part of a run: it is steadier than they are, and mostly better."""

from typing import Final

import numpy as np

from mlp.arrays import Float

EVERY: Final = 8
"""Steps between two updates: a pass over all weights costs as much as a tenth of a step of a large network."""

_BLOCK: Final = 65_536


class Average:
    """w̄ ← decay · w̄ + (1 − decay) · w a step (Polyak and Juditsky 1992, with forgetting), done for a few at a time.

    The first values count less and less than `decay` says: it is held below (1 + n) / (10 + n) after n updates, so
    that the random beginning is forgotten.
    """

    def __init__(self, values: Float, mean: Float, decay: float) -> None:
        """`mean` follows `values`, both (p,); it must hold the first of them."""
        self._decay = decay**EVERY
        starts = range(0, len(values), _BLOCK)
        self._blocks = [(values[start : start + _BLOCK], mean[start : start + _BLOCK]) for start in starts]
        self._scratch = np.empty(min(_BLOCK, len(values)), values.dtype)

    def update(self, step: int) -> None:
        """Count step `step`, from 1."""
        if step % EVERY:
            return
        updates = step // EVERY
        share = 1 - min(self._decay, (1 + updates) / (10 + updates))
        for values, mean in self._blocks:
            scratch = self._scratch[: len(values)]
            np.subtract(values, mean, out=scratch)
            scratch *= share
            mean += scratch
