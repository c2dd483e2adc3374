"""Rendered photographs of pen on paper, from evenly lit to a hard shadow over pencil on ruled paper."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from benchmarks.accuracy import pens
from mlp.arrays import Float, Uint8

HEIGHT: Final = 400
WIDTH: Final = 300

_BLEED: Final = 50
"""Pixels of sheet beyond each edge of the photograph, which turning and tilting bring into it."""
_INKS: Final = {"blue": (35, 55, 150), "black": (40, 38, 42), "pencil": (105, 105, 110)}

Colour = npt.NDArray[np.float32]
"""Shape (h, w, 3), 0 … 255."""


@dataclass(frozen=True, slots=True)
class Scene:
    """How hard a photograph is to read."""

    name: str
    inks: tuple[str, ...]
    paper: tuple[float, float]
    """Least and most lightness of the paper, 0 … 255."""
    slope: float
    """Most loss of light from one side to the other, of all light."""
    vignette: float
    """Loss of light in the corners."""
    shadow: float
    """Loss of light in a cast shadow; 0 for none."""
    edge: float
    """Width in pixels of that shadow's edge."""
    rules: bool
    """Ruled or squared paper."""
    noise: float
    """Standard deviation of the sensor's noise, grey levels."""
    quality: int
    """Of the JPEG."""
    turn: float
    """Most rotation, degrees."""
    tilt: float
    """Most shift of each corner by perspective, of the picture's side."""


_PEN: Final = ("blue", "black")
_ANY: Final = ("blue", "black", "pencil")
SCENES: Final = (
    Scene("evenly lit, pen", _PEN, (215, 250), 0.05, 0.0, 0.0, 1, False, 2, 92, 2, 0.0),
    Scene("light from one side", _ANY, (200, 250), 0.3, 0.15, 0.0, 1, False, 4, 85, 5, 0.02),
    Scene("soft cast shadow", _ANY, (180, 245), 0.3, 0.2, 0.3, 40, False, 6, 75, 8, 0.04),
    Scene("ruled or squared paper", _PEN, (190, 245), 0.3, 0.15, 0.0, 1, True, 5, 75, 8, 0.04),
    Scene("hard shadow, grey ground, rules", _ANY, (120, 200), 0.4, 0.2, 0.4, 4, True, 9, 55, 12, 0.06),
)


def photographed(image: Uint8 | None, scene: Scene, rng: np.random.Generator) -> Uint8:
    """Give a photograph (HEIGHT, WIDTH, 3) of one of MNIST's digits (28, 28), or of an empty sheet for None."""
    sheet = _sheet(scene, rng)
    if image is not None:
        side = rng.uniform(90, 180)
        stroke = pens.coverage(pens.distances(image), side, side * rng.uniform(0.04, 0.09))
        name = scene.inks[rng.integers(len(scene.inks))]
        ink = np.pad(pens.placed(stroke, HEIGHT, WIDTH, 30, rng), _BLEED)
        grain = rng.uniform(0.6, 1, ink.shape) if name == "pencil" else rng.uniform(0.9, 1, ink.shape)
        ink = (ink * grain)[..., None].astype(np.float32)
        sheet = (sheet * (1 - ink) + ink * np.array(_INKS[name])).astype(np.float32)
    seen = _tilted(sheet, scene, rng) * _light(scene, rng)[..., None]
    seen = ndimage.gaussian_filter(seen, (0.7, 0.7, 0))  # the lens
    seen += scene.noise * rng.standard_normal(seen.shape, np.float32)
    return np.clip(np.rint(seen), 0, 255).astype(np.uint8)


def _sheet(scene: Scene, rng: np.random.Generator) -> Colour:
    tint = np.array([1, rng.uniform(0.96, 1), rng.uniform(0.88, 1)], np.float32)
    shape = HEIGHT + 2 * _BLEED, WIDTH + 2 * _BLEED
    sheet = np.broadcast_to(rng.uniform(*scene.paper) * tint, (*shape, 3)).astype(np.float32)
    if not scene.rules:
        return sheet
    step, squared = rng.uniform(22, 50), rng.random() < 0.5
    rows, columns = (_lines(length, step, rng) for length in shape)
    lines = np.maximum(rows[:, None], columns[None, :] * squared)[..., None] * 0.4
    return (sheet * (1 - lines) + lines * np.array([110, 130, 180])).astype(np.float32)


def _lines(length: int, step: float, rng: np.random.Generator) -> Float:
    """Give how much of each pixel along a side lines cover that are `step` pixels apart and 1.5 wide."""
    away = np.abs((np.arange(length) + rng.uniform(0, step)) % step - step / 2)
    return np.clip(1.25 - away, 0, 1).astype(np.float32)


def _light(scene: Scene, rng: np.random.Generator) -> Float:
    """Give the share of light (HEIGHT, WIDTH) that reaches each place, 0 … 1."""
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    along = (x * np.cos(angle) + y * np.sin(angle)) / np.sqrt(2)  # −1 … 1
    light = 1 - rng.uniform(0.5, 1) * scene.slope * (along + 1) / 2
    light *= 1 - scene.vignette * (x**2 + y**2) / 2
    if scene.shadow:
        angle, start = rng.uniform(0, 2 * np.pi), rng.uniform(-0.4, 0.4)
        beyond = (x * np.cos(angle) + y * np.sin(angle) - start) * WIDTH / 2  # pixels
        light *= 1 - scene.shadow * np.clip(beyond / scene.edge + 0.5, 0, 1)
    return light.astype(np.float32)


def _tilted(sheet: Colour, scene: Scene, rng: np.random.Generator) -> Colour:
    """Give what the camera sees of the sheet: (HEIGHT, WIDTH, 3)."""
    corners = np.array([(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)], float)
    angle = np.deg2rad(rng.uniform(-scene.turn, scene.turn))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = np.array([WIDTH, HEIGHT]) / 2
    shifted = corners + rng.uniform(-scene.tilt, scene.tilt, (4, 2)) * WIDTH
    places = (shifted - centre) @ turn.T + centre + _BLEED
    picture = Image.fromarray(np.rint(sheet).astype(np.uint8))
    seen = picture.transform(
        (WIDTH, HEIGHT), Image.Transform.PERSPECTIVE, _homography(corners, places), Image.Resampling.BILINEAR
    )
    return np.asarray(seen, np.float32)


def _homography(corners: npt.NDArray[np.float64], places: npt.NDArray[np.float64]) -> list[float]:
    """Give a … h with x' = (ax + by + c) / (gx + hy + 1) and y' = (dx + ey + f) / (gx + hy + 1) for four points."""
    rows = []
    for (x, y), (u, v) in zip(corners, places, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return np.linalg.solve(np.array(rows), places.ravel()).tolist()
