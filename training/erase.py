"""Rectangles of a picture taken away, so that no single part of it decides.

Z. Zhong, L. Zheng, G. Kang, S. Li, Y. Yang, "Random Erasing Data Augmentation", AAAI 2020.
"""

from typing import Final

import numpy as np

from mlp.arrays import Float

_AREA: Final = (0.02, 0.25)
"""Share of the picture that a rectangle covers; the paper's go up to 0.4, and such pictures a plain MLP cannot fit."""

_SHAPE: Final = 3.0
"""Most that a rectangle is longer one way than the other, as in the paper."""


def erase(pixels: Float, share: float, rng: np.random.Generator) -> None:
    """Cover in a share of pixels (k, height, width), where they are, a rectangle with a grey of its own, 0 … 255."""
    _, height, width = pixels.shape
    chosen = np.flatnonzero(rng.random(len(pixels)) < share)
    k = len(chosen)
    sides = np.sqrt(rng.uniform(*_AREA, k) * height * width)
    longer = np.exp(rng.uniform(-np.log(_SHAPE), np.log(_SHAPE), k) / 2)
    tall = np.minimum(np.rint(sides * longer), height).astype(np.intp)
    wide = np.minimum(np.rint(sides / longer), width).astype(np.intp)
    tops, lefts = rng.integers(0, height - tall + 1), rng.integers(0, width - wide + 1)
    greys = rng.uniform(0, 255, k)
    for number, top, left, h, w, grey in zip(chosen, tops, lefts, tall, wide, greys, strict=True):
        pixels[number, top : top + h, left : left + w] = grey
