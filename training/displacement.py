"""Where each pixel of a bent picture is read from: affine maps and elastic fields, drawn at random.

Reading the pixels there is in training/warp.py.
"""

import math

import numpy as np

from mlp.arrays import Float
from training.warp import EDGE

_KEPT = 0.98
"""Share of an elastic field's variance that its modes keep: at 28 × 28 and sigma 4 that takes 22 of 784, a product of
0.15 ms for 128 pictures; for 99.9 % it takes 42. What is left out are the finest ripples."""


def elastic_modes(height: int, width: int, sigma: float) -> Float:
    """Give fields (m, height × width) whose sum, each times a standard normal number, is a smooth random field.

    The field has variance 1 on average over the picture, and is what white noise becomes under a Gaussian filter of
    `sigma` pixels (Simard, Steinkraus and Platt 2003, section 2): its covariance is exp(−r² / 4σ²), which is a
    product over rows and columns, so that its eigenvectors are products of theirs (Karhunen 1947, Loève 1948).
    """
    spectra = []
    for size in (height, width):
        at = np.arange(size)
        values, vectors = np.linalg.eigh(np.exp(-((at[:, None] - at) ** 2) / (4 * sigma**2)))
        spectra.append((values.clip(0), vectors))
    (rows, row_vectors), (columns, column_vectors) = spectra
    variances = np.outer(rows, columns).ravel()  # of the products, in sum height × width
    order = variances.argsort()[::-1]
    share = variances[order].cumsum() / variances.sum()
    order = order[: int((share < _KEPT).sum()) + 1]
    i, j = np.unravel_index(order, (height, width))
    modes = row_vectors.T[i, :, None] * column_vectors.T[j, None, :]  # (m, height, width)
    modes *= np.sqrt(variances[order] / share[len(order) - 1])[:, None, None]
    return modes.reshape(len(order), -1).astype(np.float32)


class Displacement:
    """Draws for each picture an affine map and an elastic field, and gives both in one matrix product.

    A coordinate of the affine map is a sum of three pictures (y, x and 1), that of the field one of m modes: their
    coefficients are drawn for each picture, and one product gives all coordinates.
    """

    def __init__(
        self,
        height: int,
        width: int,
        rows: int,
        rng: np.random.Generator,
        *,
        rotation: float = 0.0,
        scale: float = 0.0,
        shear: float = 0.0,
        shift: float = 0.0,
        elastic: float = 0.0,
        elastic_sigma: float = 4.0,
    ) -> None:
        """Take at most `rows` pictures a call; the strengths are those of `training.augment.Augmentation`."""
        self._rng = rng
        self._rotation, self._scale, self._shear = math.radians(rotation), math.log1p(scale), shear
        self._shift = shift
        self._centre = (height - 1) / 2, (width - 1) / 2
        y, x = np.mgrid[:height, :width].reshape(2, -1)
        pictures = np.stack([y - self._centre[0], x - self._centre[1], np.ones(height * width)])
        if elastic:
            pictures = np.concatenate([pictures, elastic * elastic_modes(height, width, elastic_sigma)])
        self._pictures = pictures.astype(np.float32)  # (3 + m, d)
        self._coefficients = np.zeros((2, rows, len(pictures)), np.float32)
        self._normals = np.empty((2, rows, len(pictures) - 3), np.float32)
        self._coordinates = np.empty(2 * rows * height * width, np.float32)

    def __call__(self, k: int) -> Float:
        """Give y and x that each pixel of k pictures is read from: (2, k, d), in pixels from the corner of the edge.

        The next call overwrites them.
        """
        coefficients = self._coefficients[:, :k]  # (2, k, 3 + m)
        coefficients[..., :3] = self._affine(k)
        if self._normals.size:
            self._rng.standard_normal(dtype=np.float32, out=self._normals)
            coefficients[..., 3:] = self._normals[:, :k]
        d = self._pictures.shape[1]
        coordinates = self._coordinates[: 2 * k * d].reshape(2, k, d)
        return np.matmul(coefficients, self._pictures, out=coordinates)

    def _affine(self, k: int) -> Float:
        """Draw what the coordinates about the centre (y, x, 1) are multiplied with: (2, k, 3).

        [y'; x'] = R(θ) · [1 0; s 1] · [1/a 0; 0 1/b] · [y; x] + centre − t
        """
        angle, shear = self._uniform(self._rotation, k), self._uniform(self._shear, k)
        down, right = np.exp(self._uniform(self._scale, k)), np.exp(self._uniform(self._scale, k))
        cosine, sine = np.cos(angle), np.sin(angle)
        top, left = self._centre[0] + EDGE, self._centre[1] + EDGE
        y = [(cosine - sine * shear) / down, -sine / right, top - self._uniform(self._shift, k)]
        x = [(sine + cosine * shear) / down, cosine / right, left - self._uniform(self._shift, k)]
        return np.array([y, x]).transpose(0, 2, 1)

    def _uniform(self, most: float, k: int) -> Float:
        return self._rng.uniform(-most, most, k)
