"""scikit-learn's `MLPClassifier` in float32: `partial_fit` is one epoch of shuffled mini-batches, and nothing more.

`fit` would also look for an early end, and begin its momentum anew with each call. The classifier has softmax outputs
and cross-entropy alone, also with sigmoid hidden units, and draws its first weights its own way. It has Adam with an L2
penalty for AdamW, and no cosine.
"""

from typing import Any

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier

from benchmarks.training.pictures import CLASSES, Pictures, features
from benchmarks.training.shapes import Shape

_ACTIVATIONS = {"sigmoid": "logistic", "relu": "relu"}
_SOFTMAX_RATE = 0.1
"""For shapes of the book's kind, whose rate is for squared error."""


class Trainer:
    """One classifier."""

    def __init__(self, shape: Shape, pictures: Pictures, _cores: int) -> None:
        if shape.schedule != "constant" or shape.warmup:
            raise ValueError(f"scikit-learn has no schedule {shape.schedule} with warm-up")
        self._shape = shape
        self._x = features(pictures.pixels, np.float32)  # (n, d)
        self._labels = pictures.labels
        self._test = features(pictures.test_pixels, np.float32), pictures.test_labels
        sklearn.set_config(assume_finite=True)  # else each epoch begins with a pass over all features

    def prepare(self) -> None:  # noqa: D102 - as Contestant says
        shape = self._shape
        kind: dict[str, Any] = {"solver": "adam"}
        if shape.optimiser != "adamw":
            nesterov = shape.optimiser == "nesterov"
            kind = {"solver": "sgd", "momentum": shape.momentum, "nesterovs_momentum": nesterov}
        self._classifier = MLPClassifier(
            shape.hidden,
            activation=_ACTIVATIONS[shape.activation],
            alpha=shape.weight_decay,
            batch_size=shape.batch,
            learning_rate_init=_SOFTMAX_RATE if shape.activation == "sigmoid" else shape.learning_rate,
            random_state=shape.seed,
            **kind,
        )
        self._classes: Any = np.arange(CLASSES)

    def epoch(self) -> None:  # noqa: D102
        self._classifier.partial_fit(self._x, self._labels, classes=self._classes)
        self._classes = None  # are to be named in the first call

    def accuracy(self) -> float:  # noqa: D102
        return float(self._classifier.score(*self._test))

    def close(self) -> None:
        """Nothing is open."""
