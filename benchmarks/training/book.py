"""What the book's chapter 11 does, written anew from its mathematics: NumPy in float64, every array a new one.

One hidden layer, sigmoid on both, one-hot targets made for each batch, squared error, plain gradient descent. The
book's loop also measures loss and accuracy on training and validation examples after each epoch; that is not here.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.training.pictures import CLASSES, Pictures, features
from benchmarks.training.shapes import Shape

Double = npt.NDArray[np.float64]


def _sigmoid(z: Double) -> Double:
    return 1.0 / (1.0 + np.exp(-z))


class Trainer:
    """The network and its gradients in one, as there."""

    def __init__(self, shape: Shape, pictures: Pictures, _cores: int) -> None:
        (self._hidden,) = shape.hidden
        self._shape = shape
        self._x = features(pictures.pixels, np.float64)  # (n, d)
        self._labels = pictures.labels
        self._test = features(pictures.test_pixels, np.float64), pictures.test_labels
        # It descends the gradient of Σ (a − y)² / n, not of the mean over classes too: c times as large.
        self._rate = shape.learning_rate / CLASSES

    def prepare(self) -> None:  # noqa: D102 - as Contestant says
        self._rng = np.random.default_rng(self._shape.seed)
        d, h = self._x.shape[1], self._hidden
        self._w_h, self._b_h = self._rng.normal(0.0, 0.1, (h, d)), np.zeros(h)
        self._w_out, self._b_out = self._rng.normal(0.0, 0.1, (CLASSES, h)), np.zeros(CLASSES)

    def epoch(self) -> None:  # noqa: D102
        order = self._rng.permutation(len(self._x))
        for start in range(0, len(order), self._shape.batch):
            batch = order[start : start + self._shape.batch]
            self._step(self._x[batch], self._labels[batch])

    def _forward(self, x: Double) -> tuple[Double, Double]:
        a_h = _sigmoid(np.dot(x, self._w_h.T) + self._b_h)  # (n, h)
        a_out = _sigmoid(np.dot(a_h, self._w_out.T) + self._b_out)  # (n, c)
        return a_h, a_out

    def _step(self, x: Double, labels: npt.NDArray[Any]) -> None:
        y = np.zeros((len(labels), CLASSES))
        y[np.arange(len(labels)), labels] = 1
        a_h, a_out = self._forward(x)
        delta_out = 2.0 * (a_out - y) / len(y) * a_out * (1.0 - a_out)  # (n, c)
        delta_h = np.dot(delta_out, self._w_out) * a_h * (1.0 - a_h)  # (n, h)
        self._w_out -= self._rate * np.dot(delta_out.T, a_h)
        self._b_out -= self._rate * delta_out.sum(axis=0)
        self._w_h -= self._rate * np.dot(delta_h.T, x)
        self._b_h -= self._rate * delta_h.sum(axis=0)

    def accuracy(self) -> float:  # noqa: D102
        x, labels = self._test
        return float((self._forward(x)[1].argmax(axis=1) == labels).mean())

    def close(self) -> None:
        """Nothing is open."""
