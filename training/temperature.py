"""Confidence that means what it says: the temperature that a softmax network's scores need.

C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 4.2.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from mlp.arrays import Float, Ints
from mlp.network import Layer

_LEAST, _MOST = 0.05, 20.0
_STEPS: Final = 60
"""Of golden-section search: the interval shrinks to e-12 of its width, far below what the examples can tell."""

_SMALLEST: Final = 1e-30
"""Keeps log(0) away where a score has been rounded to 0."""


def temperature(scores: Float, labels: Ints) -> float:
    """Give T > 0 for which softmax(z / T) has the least cross-entropy, for scores softmax(z) (n, c) and labels (n,).

    The pre-activations z are known from the scores up to a constant for each row, which softmax does not see. Of the
    targets, 1 / (n + 2) is spread over all classes, as in Platt 1999: where n answers are all right, the next may yet
    be wrong, and without it the more certain would always be the better. Between 0.05 and 20.
    """
    n = len(labels)
    z = np.log(np.maximum(scores, _SMALLEST, dtype=np.float64))  # (n, c)
    wrong = 1 / (n + 2)

    def loss(log_t: float) -> float:
        scaled = z / np.exp(log_t)
        scaled -= scaled.max(axis=1, keepdims=True)
        target = (1 - wrong) * scaled[np.arange(n), labels] + wrong * scaled.mean(axis=1)
        return float((np.log(np.exp(scaled).sum(axis=1)) - target).mean())

    # The loss is convex in 1/T, so along log T it falls and then rises: Kiefer 1953.
    low, high = np.log(_LEAST), np.log(_MOST)
    golden = (np.sqrt(5) - 1) / 2
    inner = [high - golden * (high - low), low + golden * (high - low)]
    losses = [loss(at) for at in inner]
    for _ in range(_STEPS):
        if losses[0] <= losses[1]:
            high, inner[1], losses[1] = inner[1], inner[0], losses[0]
            inner[0] = high - golden * (high - low)
            losses[0] = loss(inner[0])
        else:
            low, inner[0], losses[0] = inner[0], inner[1], losses[1]
            inner[1] = low + golden * (high - low)
            losses[1] = loss(inner[1])
    return float(np.exp((low + high) / 2))


def cooled(layers: Sequence[Layer], t: float) -> tuple[Layer, ...]:
    """Give a softmax network whose pre-activations are those of `layers` divided by `t`; every answer stays."""
    *hidden, last = layers
    scale = last.weights.dtype.type(1 / t)
    return (*hidden, Layer(last.weights * scale, last.biases * scale, last.activation))
