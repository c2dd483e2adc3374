"""How far confidence is from accuracy: the reliability diagram's bins, and the expected calibration error.

C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 2.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from mlp.arrays import Float, Ints
from mlp.components import Bools

BINS: Final = 15
"""Of equal width between 0 and 1, as the paper has it."""


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """n examples sorted by confidence into m bins; the k-th, from 1, holds those in ((k − 1)/m, k/m]."""

    counts: Ints
    """Examples in each bin, shape (m,)."""
    accuracy: Float
    """Share of right answers in each bin, shape (m,); 0 where it is empty."""
    confidence: Float
    """Mean confidence in each bin, shape (m,); 0 where it is empty."""

    @property
    def error(self) -> float:
        """Expected calibration error, from 0 to 1: Σ_k n_k/n · |accuracy_k − confidence_k| (equation 3)."""
        gaps = np.abs(self.accuracy - self.confidence)
        return float((self.counts * gaps).sum() / self.counts.sum())


def reliability(confidence: Float, right: Bools, bins: int = BINS) -> Reliability:
    """Sort n ≥ 1 answers into bins: `confidence` (n,) from 0 to 1, and whether each is `right` (n,)."""
    indices = np.clip(np.ceil(confidence * bins).astype(np.intp) - 1, 0, bins - 1)  # (n,)
    counts = np.bincount(indices, minlength=bins)
    sums = (np.bincount(indices, weights=values, minlength=bins) for values in (right, confidence))
    return Reliability(counts, *(total / np.maximum(counts, 1) for total in sums))
