"""Read pictures between and beside their pixels. Where to read is drawn in training/displacement.py."""

import numpy as np

from mlp.arrays import Float, Ints

EDGE = 1
"""Empty pixels around each picture, so that what is read from outside fades to 0 and needs no test."""


class Warp:
    """Bilinear reading of at most `rows` pictures of `height` × `width`, in arrays that are made once.

    It is four `take`s with one index into all pictures at once, 0.1 ms each for 128 pictures of 28 × 28. Pictures
    kept transposed, (d, pictures), are taken 16 at a time in a third of that, but must then share a field, and
    bringing them there and back and weighting lines of 16 takes 0.4 ms more.
    """

    def __init__(self, height: int, width: int, rows: int) -> None:
        d = height * width
        self._line = width + 2 * EDGE
        self._most = height + EDGE, width + EDGE
        starts = np.arange(rows) * ((height + 2 * EDGE) * self._line)
        self._starts = starts[:, None].astype(np.int32)  # (rows, 1)
        self._corners = np.empty(2 * rows * d, np.float32)
        self._places = np.empty(rows * d, np.int32)  # from float32 to int64 at one go takes twice as long
        self._indices = np.empty(rows * d, np.intp)
        self._lower = np.empty(rows * d, np.float32)

    def __call__(self, padded: Float, coordinates: Float, out: Float) -> None:
        """Fill out (k, d) with what padded (k, height + 2, width + 2) has at y, x = coordinates (2, k, d).

        Coordinates count from the corner of the edge, and are changed. What is outside is 0.
        """
        _, k, d = coordinates.shape
        size = k * d
        corners = self._corners[: 2 * size].reshape(2, k, d)
        places, indices = self._places[:size].reshape(k, d), self._indices[:size].reshape(k, d)
        lower = self._lower[:size].reshape(k, d)
        for along, most in zip(coordinates, self._most, strict=True):
            np.clip(along, 0, most, out=along)  # a third of the time of np.maximum and np.minimum with a number
        np.floor(coordinates, out=corners)
        coordinates -= corners  # the fraction of the way from one pixel to the next
        corners[0] *= self._line
        corners[0] += corners[1]
        np.copyto(places, corners[0], casting="unsafe")
        places += self._starts[:k]
        np.copyto(indices, places)
        source, scratch = padded.reshape(-1), corners[0]
        _between(source, indices, coordinates[1], out, scratch)
        _between(source[self._line :], indices, coordinates[1], lower, scratch)
        _blend(out, lower, coordinates[0])


def _between(source: Float, indices: Ints, fraction: Float, out: Float, scratch: Float) -> None:
    """Fill out with what lies between the pixels at `indices` and those to their right.

    mode="clip" lets `take` write to `out` directly. What it clips is past the last edge, where the fraction is 0.
    """
    np.take(source, indices, out=out, mode="clip")
    np.take(source[1:], indices, out=scratch, mode="clip")
    _blend(out, scratch, fraction)


def _blend(out: Float, other: Float, fraction: Float) -> None:
    """Move out by `fraction` of the way to other, which is changed."""
    other -= out
    other *= fraction
    out += other
