"""MNIST's digits corrupted as in MNIST-C, in five strengths each. The definitions are our own, not that data set's.

N. Mu, J. Gilmer, "MNIST-C: A Robustness Benchmark for Computer Vision", 2019, arXiv:1906.02337, has the idea. Each
function takes a digit (28, 28), float32, 0 ground … 1 ink, a strength in the unit its table entry names, and random
numbers, and gives the same shape. The same numbers are given for every strength, so that only the strength differs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from scipy import ndimage

from mlp.arrays import Float, Uint8

Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Corruption:
    """One kind of damage."""

    unit: str
    """What the strengths count."""
    strengths: tuple[float, float, float, float, float]
    damage: Callable[[Float, float, Random], Float]


def corrupted(image: Uint8, name: str, strength: int, rng: Random) -> Uint8:
    """Damage a digit (28, 28) by the corruption of that name, at strength 1 … 5."""
    corruption = CORRUPTIONS[name]
    damaged = corruption.damage((image / 255).astype(np.float32), corruption.strengths[strength - 1], rng)
    return np.rint(255 * np.clip(damaged, 0, 1)).astype(np.uint8)


def _shot_noise(x: Float, photons: float, rng: Random) -> Float:
    return rng.poisson(x * photons) / np.float32(photons)


def _impulse_noise(x: Float, share: float, rng: Random) -> Float:
    chance, salt = rng.random(x.shape), rng.random(x.shape) < 0.5
    return np.where(chance < share, salt, x).astype(np.float32)


def _blur(x: Float, sigma: float, _rng: Random) -> Float:
    return ndimage.gaussian_filter(x, sigma)


def _motion_blur(x: Float, length: float, rng: Random) -> Float:
    angle = rng.uniform(0, np.pi)
    steps = np.linspace(-length / 2, length / 2, 2 * round(length) + 1)
    moved = [ndimage.shift(x, (t * np.sin(angle), t * np.cos(angle)), order=1) for t in steps]
    return np.mean(moved, axis=0)


def _affine(x: Float, matrix: list[list[float]], shift: tuple[float, float] = (0, 0)) -> Float:
    """Take each pixel at (row, column) from `matrix` · it, about the centre, then shift by (rows, columns)."""
    centre = (np.array(x.shape) - 1) / 2
    inverse = np.array(matrix)
    return ndimage.affine_transform(x, inverse, centre - inverse @ (centre + np.array(shift)), order=1)


def _shear(x: Float, slope: float, rng: Random) -> Float:
    return _affine(x, [[1, 0], [rng.choice([-1, 1]) * slope, 1]])


def _scale(x: Float, factor: float, _rng: Random) -> Float:
    return _affine(x, [[1 / factor, 0], [0, 1 / factor]])


def _rotate(x: Float, degrees: float, rng: Random) -> Float:
    angle = np.deg2rad(rng.choice([-1, 1]) * degrees)
    return _affine(x, [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _brightness(x: Float, added: float, _rng: Random) -> Float:
    return np.minimum(1, x + np.float32(added))


def _translate(x: Float, distance: float, rng: Random) -> Float:
    angle = rng.uniform(0, 2 * np.pi)
    return _affine(x, [[1, 0], [0, 1]], (distance * np.sin(angle), distance * np.cos(angle)))


def _stripe(x: Float, width: float, rng: Random) -> Float:
    left = int(rng.integers(8, 20 - 6))  # within the digit, whatever the width
    striped = x.copy()
    striped[:, left : left + int(width)] = 1 - striped[:, left : left + int(width)]
    return striped


def _fog(x: Float, share: float, rng: Random) -> Float:
    cloud = sum(ndimage.gaussian_filter(rng.normal(0, 1, x.shape), s) * s for s in (2, 4, 8))
    cloud = (cloud - cloud.min()) / np.ptp(cloud)  # 0 … 1
    return ((1 - share) * x + share * cloud).astype(np.float32)


def _spatter(x: Float, share: float, rng: Random) -> Float:
    drops = ndimage.gaussian_filter(rng.normal(0, 1, x.shape), 1)
    wet = drops > np.quantile(drops, 1 - share)
    return np.where(wet, np.float32(0.8), x)


def _distance_from(a: Float, b: Float, shape: tuple[int, ...]) -> tuple[Float, Float]:
    """Give each pixel's distance from the segment a … b, and how far along it its foot is, in pixels."""
    places = np.moveaxis(np.indices(shape), 0, -1).astype(np.float32)
    length = float(np.hypot(*(b - a)))
    along = np.clip((places - a) @ ((b - a) / length), 0, length)
    foot = a + along[..., None] * (b - a) / length
    return np.hypot(*np.moveaxis(places - foot, -1, 0)), along


def _ends(rng: Random, shape: tuple[int, ...]) -> tuple[Float, Float]:
    """Give two points at opposite edges, across or down."""
    low, high = rng.uniform(3, shape[0] - 4, 2).astype(np.float32)
    a, b = np.array([low, 0], np.float32), np.array([high, shape[1] - 1], np.float32)
    return (a, b) if rng.random() < 0.5 else (a[::-1], b[::-1])


def _dotted_line(x: Float, lines: float, rng: Random) -> Float:
    for _ in range(int(lines)):
        away, along = _distance_from(*_ends(rng, x.shape), x.shape)
        x = np.maximum(x, np.clip(1.3 - away, 0, 1) * (along % 4 < 2))
    return x.astype(np.float32)


def _zigzag(x: Float, brightness: float, rng: Random) -> Float:
    a, b = _ends(rng, x.shape)
    corners = a + np.linspace(0, 1, 8)[:, None].astype(np.float32) * (b - a)
    across = np.array([-(b - a)[1], (b - a)[0]]) / np.hypot(*(b - a))
    corners = corners + across * np.where(np.arange(8) % 2, 3, -3)[:, None]
    away = np.min([_distance_from(p, q, x.shape)[0] for p, q in pairwise(corners)], axis=0)
    return np.maximum(x, brightness * np.clip(1.2 - away, 0, 1)).astype(np.float32)


CORRUPTIONS: Final = {
    "shot noise": Corruption("photons at full ink", (60, 20, 8, 4, 2), _shot_noise),
    "impulse noise": Corruption("share of pixels", (0.02, 0.05, 0.1, 0.17, 0.25), _impulse_noise),
    "blur": Corruption("σ, pixels", (0.5, 0.8, 1.2, 1.6, 2), _blur),
    "motion blur": Corruption("length, pixels", (2, 4, 6, 8, 10), _motion_blur),
    "shear": Corruption("slope", (0.1, 0.2, 0.35, 0.5, 0.7), _shear),
    "scale": Corruption("factor", (0.9, 0.8, 0.7, 0.6, 0.5), _scale),
    "rotate": Corruption("degrees", (10, 20, 30, 40, 50), _rotate),
    "brightness": Corruption("added, of full ink", (0.1, 0.2, 0.35, 0.5, 0.7), _brightness),
    "translate": Corruption("pixels", (1, 2, 3, 4, 6), _translate),
    "stripe": Corruption("width inverted, pixels", (1, 2, 3, 4, 6), _stripe),
    "fog": Corruption("share", (0.1, 0.2, 0.35, 0.5, 0.65), _fog),
    "spatter": Corruption("share of pixels", (0.02, 0.05, 0.1, 0.15, 0.2), _spatter),
    "dotted line": Corruption("lines", (1, 2, 3, 4, 5), _dotted_line),
    "zigzag": Corruption("brightness", (0.2, 0.4, 0.6, 0.8, 1), _zigzag),
}
