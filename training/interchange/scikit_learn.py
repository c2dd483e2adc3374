"""A trained `sklearn.neural_network.MLPClassifier`, as an object or from a .skops file, which runs no code."""

from pathlib import Path
from typing import Any, Final

import numpy as np

from mlp.arrays import Float
from training.errors import ImportRefused
from training.interchange.imported import Imported, layers

_ACTIVATIONS: Final = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}

_TRUSTED: Final = (
    "numpy.random.mtrand.RandomState",
    "sklearn.neural_network._multilayer_perceptron.MLPClassifier",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.preprocessing._label.LabelBinarizer",
)
"""What a classifier's file holds besides numbers and texts."""


def read(path: Path) -> Imported:
    """Read a classifier that `skops.io.dump` has written. Raises ImportRefused, also where it holds other types."""
    from skops import io

    try:
        unknown = set(io.get_untrusted_types(file=path)) - set(_TRUSTED)
        found = None if unknown else io.load(path, trusted=list(_TRUSTED))
    except Exception as error:  # skops lets through whatever a damaged file leads to
        raise ImportRefused(f"{path} cannot be read as a .skops file: {error}") from error
    if unknown:
        raise ImportRefused(f"{path} holds {', '.join(sorted(unknown))}, which an MLPClassifier does not need")
    return from_classifier(found)


def from_classifier(classifier: Any) -> Imported:
    """Take the network of a fitted MLPClassifier; float64 becomes float32.

    For two classes scikit-learn has one sigmoid unit, the chance of the second class: here it is softmax over 0 and
    that unit, which is the same. Raises ImportRefused for what is no such classifier, or has several labels a row.
    """
    from sklearn import __version__
    from sklearn.neural_network import MLPClassifier

    if not isinstance(classifier, MLPClassifier):
        raise ImportRefused(f"it is a {type(classifier).__name__}, not an MLPClassifier")
    if not hasattr(classifier, "coefs_"):
        raise ImportRefused("the classifier has not been fitted")
    if getattr(classifier._label_binarizer, "y_type_", "") == "multilabel-indicator":
        raise ImportRefused("the classifier gives several labels to a row, and a version gives one")
    arrays: list[tuple[Float, Float]] = list(zip(classifier.coefs_, classifier.intercepts_, strict=True))
    if classifier.out_activation_ == "logistic":
        weights, biases = arrays[-1]
        arrays[-1] = np.hstack([np.zeros_like(weights), weights]), np.concatenate([np.zeros_like(biases), biases])
    names = [_ACTIVATIONS[classifier.activation]] * (len(arrays) - 1) + ["softmax"]
    return Imported(layers(arrays, names), tuple(map(str, classifier.classes_)), {"scikit-learn": __version__})
