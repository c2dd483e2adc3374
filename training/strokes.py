"""Thicker and thinner pens, and blur, on pictures of bytes with bright ink on a dark ground.

Each works on all pictures as one flat array, whose neighbours are a shift away; an empty edge keeps pictures apart.
"""

import numpy as np

from mlp.arrays import Uint8
from training.warp import EDGE


class Strokes:
    """Changes at most `rows` pictures of `height` × `width`, each by a strength of its own."""

    def __init__(self, height: int, width: int, rows: int) -> None:
        self._line = width + 2 * EDGE
        size = rows * (height + 2 * EDGE) * self._line
        self._bytes = np.empty((2, size), np.uint8)
        self._words = np.empty((2, size), np.uint16)

    def thicken(self, padded: Uint8, strength: np.ndarray) -> None:
        """Change padded (k, height + 2, width + 2) by strength (k,): 1 widens a stroke by a pixel on each side.

        −1 narrows it as much, 0 leaves it. Grey dilation and erosion by a plus of 3 × 3 pixels (Sternberg 1986), the
        four arms of which are lower than its middle by 255 · (1 − |strength|).
        """
        flat = padded.reshape(-1)
        height = np.rint(255 * (1 - np.abs(strength)))
        most, least = self._bytes[:, : flat.size]
        pictures = most.reshape(padded.shape)
        self._neighbours(np.maximum, flat, most)
        low = np.where(strength > 0, height, 255).astype(np.uint8)[:, None, None]
        np.maximum(pictures, low, out=pictures)
        pictures -= low  # the neighbours lowered, and 0 where that would be below it
        pictures = least.reshape(padded.shape)
        self._neighbours(np.minimum, flat, least)
        low = np.where(strength < 0, height, 255).astype(np.uint8)[:, None, None]
        np.minimum(pictures, 255 - low, out=pictures)
        pictures += low
        np.maximum(flat, most, out=flat)
        np.minimum(flat, least, out=flat)
        _empty_edges(padded)

    def _neighbours(self, of: np.ufunc, flat: Uint8, out: Uint8) -> None:
        """Fill out with the most or the least of the four neighbours of each pixel; edges get anything."""
        line = self._line
        middle = out[line:-line]
        of(flat[: -2 * line], flat[2 * line :], out=middle)
        of(middle, flat[line - 1 : -line - 1], out=middle)
        of(middle, flat[line + 1 : flat.size - line + 1], out=middle)

    def blur(self, padded: Uint8, strength: np.ndarray) -> None:
        """Replace strength (k,), 0 … 1, of each pixel of padded by the mean of its four neighbours.

        At 0.8 that is the mean over the plus.
        """
        line, flat = self._line, padded.reshape(-1)
        wide, total = self._words[:, : flat.size]
        np.copyto(wide, flat)
        middle = total[line:-line]
        np.add(wide[: -2 * line], wide[2 * line :], out=middle)
        middle += wide[line - 1 : -line - 1]
        middle += wide[line + 1 : wide.size - line + 1]
        # sixty-fourths: 256 times a byte is the most that a word holds
        part = np.rint(64 * strength).astype(np.uint16)[:, None, None]
        own, others = wide.reshape(padded.shape), total.reshape(padded.shape)
        own *= 256 - 4 * part
        others *= part
        own += others
        own >>= 8
        np.copyto(padded, own, casting="unsafe")
        _empty_edges(padded)


def _empty_edges(padded: Uint8) -> None:
    """Set the edges of padded (k, height + 2, width + 2) to 0: cheaper than to work between them only."""
    padded[:, :EDGE] = 0
    padded[:, -EDGE:] = 0
    padded[:, :, :EDGE] = 0
    padded[:, :, -EDGE:] = 0
