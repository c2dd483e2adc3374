"""Digits in ways that the shipped model does not know, each drawing another: what people may correct."""

from typing import Final

import numpy as np
from PIL import Image, ImageDraw

SIDE = 280

Points = list[tuple[float, float]]


def drawing(strokes: list[Points], rng: np.random.Generator) -> np.ndarray:
    """A dark pen on white along `strokes`, points from 0 to 1, unsteady; turned a little, wider or narrower."""
    turn, wide, high = rng.normal(0, 0.07), rng.uniform(0.75, 1.1), rng.uniform(0.85, 1.1)
    pen = int(rng.integers(14, 26))
    sheet = Image.new("L", (SIDE, SIDE), 255)
    draw = ImageDraw.Draw(sheet)
    for stroke in strokes:
        at = (np.array(stroke) + rng.normal(0, 0.025, (len(stroke), 2)) - 0.5) * (wide, high) * SIDE * 0.6
        turned = at @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + SIDE / 2
        line = [tuple(point) for point in turned.tolist()]
        draw.line(line, fill=20, width=pen, joint="curve")
        for x, y in line:
            draw.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=20)
    return np.asarray(sheet)


def arc(x: float, y: float, across: float, down: float, start: float, turn: float) -> Points:
    """Points of an ellipse about (x, y), anticlockwise from `start` of a turn, 0 at its right."""
    angles = 2 * np.pi * (start + np.linspace(0, turn, 12))
    return [(float(x + across * np.cos(angle)), float(y - down * np.sin(angle))) for angle in angles]


STYLES: Final[dict[str, tuple[str, list[Points]]]] = {
    "7 as a V": ("7", [[(0.1, 0.0), (0.5, 1.0), (0.9, 0.0)]]),  # as Arabic has it
    "8 as a caret": ("8", [[(0.1, 1.0), (0.5, 0.0), (0.9, 1.0)]]),  # likewise
    "4 as an epsilon": (
        "4",
        [[(0.85, 0.1), (0.2, 0.15), (0.25, 0.42), (0.65, 0.5), (0.2, 0.6), (0.15, 0.9), (0.85, 0.95)]],
    ),
    "3 mirrored": ("3", [arc(0.5, 0.25, 0.35, 0.25, 0.1, 0.65), arc(0.5, 0.75, 0.4, 0.25, 0.25, 0.65)]),
    "2 mirrored": ("2", [[(0.9, 0.2), (0.6, 0.0), (0.2, 0.1), (0.2, 0.35), (0.9, 1.0), (0.1, 1.0)]]),
    "6 mirrored": ("6", [[(0.3, 0.0), (0.75, 0.3), (0.85, 0.7)], arc(0.5, 0.72, 0.35, 0.27, 0.0, 1.0)]),
    "0 with a slash": ("0", [arc(0.5, 0.5, 0.35, 0.5, 0.25, 1.0), [(0.95, 0.0), (0.05, 1.0)]]),
}
"""By name: the label that a person gives it, and its strokes."""


def drawings(style: str, count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """So many drawings of a style, each another."""
    return [drawing(STYLES[style][1], rng) for _ in range(count)]
