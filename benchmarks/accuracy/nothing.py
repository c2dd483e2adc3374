"""Pictures of what is no digit: noise, frames, scribbles. Empty sheets are paper.py's, letters fonts.py's."""

import numpy as np
from scipy import ndimage

from benchmarks.accuracy.pens import CANVAS
from mlp.arrays import Uint8


def fine_noise(rng: np.random.Generator) -> Uint8:
    """Give light specks on dark, (28, 28): a picture of the network's own size, which goes to it unchanged."""
    return np.where(rng.random((28, 28)) < 0.2, rng.integers(0, 256, (28, 28)), 0).astype(np.uint8)


def large_noise(rng: np.random.Generator) -> Uint8:
    """Give grey noise, (CANVAS, CANVAS), in grains of one to eight pixels."""
    noise = ndimage.gaussian_filter(rng.normal(0, 1, (CANVAS, CANVAS)), rng.uniform(0.3, 4))
    return np.clip(128 + 40 * noise / noise.std(), 0, 255).astype(np.uint8)


def frame(rng: np.random.Generator) -> Uint8:
    """Give an empty sheet (CANVAS, CANVAS) with a black frame near its edges."""
    canvas = np.full((CANVAS, CANVAS), 255, np.uint8)
    top, left, bottom, right = rng.integers(4, 40, 4)
    width = int(rng.integers(2, 12))
    canvas[top : CANVAS - bottom, left : CANVAS - right] = 0
    canvas[top + width : CANVAS - bottom - width, left + width : CANVAS - right - width] = 255
    return canvas


def scribble(rng: np.random.Generator) -> Uint8:
    """Give a wild line, black on white (CANVAS, CANVAS), through ten random places."""
    places = ndimage.zoom(rng.uniform(40, CANVAS - 40, (10, 2)), (60, 1), order=3)
    line = np.ones((CANVAS, CANVAS), bool)
    row, column = np.clip(np.rint(places), 0, CANVAS - 1).astype(int).T
    line[row, column] = False
    away = ndimage.distance_transform_edt(line)
    return np.rint(255 * np.clip(away - 4.5, 0, 1)).astype(np.uint8)
