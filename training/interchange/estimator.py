"""A fitted MultilayerPerceptron of training/estimator.py, alone or behind affine steps of a pipeline, as a network."""

import warnings
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from mlp.arrays import Float
from mlp.network import Layer
from training.errors import ImportRefused
from training.interchange.imported import Imported

_PROBES: Final = 8
"""Random rows on which a step has to be the affine map that it is taken for."""


def from_estimator(fitted: Any) -> Imported:
    """Take the network of a fitted estimator, a pipeline that ends in one, or a search for the best of such.

    What comes before it in a pipeline becomes part of the first layer, so it has to be affine, as scalers, PCA and
    choices of features are. Raises ImportRefused.
    """
    from sklearn import __version__
    from sklearn.pipeline import Pipeline

    from training.estimator import MultilayerPerceptron

    found = getattr(fitted, "best_estimator_", fitted)
    *before, last = [step for _, step in found.steps] if isinstance(found, Pipeline) else [found]
    if not isinstance(last, MultilayerPerceptron):
        raise ImportRefused(f"it is a {type(last).__name__}, not a MultilayerPerceptron")
    if not hasattr(last, "layers_"):
        raise ImportRefused("the estimator has not been fitted")
    layers = _behind([step for step in before if step != "passthrough"], last.layers_)
    return Imported(layers, tuple(map(str, last.classes_)), {"scikit-learn": __version__})


def _behind(steps: Sequence[Any], layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """Give the network of what goes into the first step: x A + b, then x W + c, is x (A W) + (b W + c)."""
    if not steps:
        return layers
    first, *rest = layers
    slopes, offset = _affine(steps)
    weights = first.weights.astype(np.float64)
    biases = offset @ weights + first.biases
    return (Layer((slopes @ weights).astype(np.float32), biases.astype(np.float32), first.activation), *rest)


def _affine(steps: Sequence[Any]) -> tuple[Float, Float]:
    """Give A (d, k) and b (k,) of what fitted steps make of rows (n, d). Raises ImportRefused if it is not x A + b."""
    d = steps[0].n_features_in_

    def transformed(x: Float) -> Float:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            for step in steps:
                x = np.asarray(step.transform(x), np.float64)
        return x

    (offset,) = transformed(np.zeros((1, d)))
    slopes = transformed(np.eye(d)) - offset
    probes = np.random.default_rng(0).normal(0, 100, (_PROBES, d))
    if not np.allclose(transformed(probes), probes @ slopes + offset, rtol=1e-6, atol=1e-6):
        names = ", ".join(type(step).__name__ for step in steps)
        raise ImportRefused(f"what comes before the network ({names}) is not affine, so no version can hold it")
    return slopes, offset
