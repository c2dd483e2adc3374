"""The network beside simpler classifiers on the same split: accuracy, time to train, time to predict, size."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from mlp import network
from mlp.arrays import Float, Ints
from training.fit import fit
from training.measure import Examples
from training.recipes import Recipe

_NETWORKS: Final = {
    "Adaline": Recipe(
        low=0, hidden=(), output="identity", loss="mse", init="normal", init_scale=0.01, learning_rate=0.05,
        epochs=20, keep="last",
    ),
    "MLP, the book's": Recipe(
        low=0, hidden=(50,), activation="sigmoid", output="sigmoid", loss="mse", init="normal", init_scale=0.1,
        learning_rate=5, epochs=50, keep="last",
    ),
    "MLP, 256 ReLU": Recipe(
        low=0, hidden=(256,), optimiser="nesterov", momentum=0.9, learning_rate=0.1, schedule="cosine", warmup=0.3,
        epochs=20, keep="last",
    ),
}  # fmt: skip
"""Adaline (Widrow and Hoff 1960) is a network without hidden layers: linear units, least squares, gradient descent."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a classifier has reached."""

    name: str
    accuracy: float
    train_seconds: float
    predict_seconds: float
    """For one picture, when many are asked for at once."""
    bytes: int
    """Of the arrays that are needed to predict, as the library has them."""


@dataclass(frozen=True, slots=True)
class _Fitted:
    predict: Callable[[Float], Ints]
    arrays: tuple[Any, ...]


def compare(train: Examples, validation: Examples, test: Examples, classes: int) -> Iterator[Result]:
    """Train one after the other, and yield its result on the test examples; raises ModuleNotFoundError for sklearn."""
    x, x_test = (network.features(part.pixels, 0, 1) for part in (train, test))
    contestants: dict[str, Callable[[], _Fitted]] = {
        **{name: _network(recipe, train, validation, classes) for name, recipe in _NETWORKS.items()},
        **{name: _scikit_learn(estimator, x, train.labels) for name, estimator in _estimators().items()},
    }
    for name, learn in contestants.items():
        start = time.perf_counter()
        fitted = learn()
        trained = time.perf_counter()
        answers = fitted.predict(x_test)
        predicted = time.perf_counter()
        yield Result(
            name,
            float((answers == test.labels).mean()),
            trained - start,
            (predicted - trained) / len(test),
            sum(array.nbytes for array in fitted.arrays),
        )


def _network(recipe: Recipe, train: Examples, validation: Examples, classes: int) -> Callable[[], _Fitted]:
    def learn() -> _Fitted:
        layers = fit(recipe, train, validation, classes).layers
        arrays = tuple(array for layer in layers for array in (layer.weights, layer.biases))
        return _Fitted(lambda x: network.winners(network.scores(layers, x)), arrays)

    return learn


def _estimators() -> dict[str, Any]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC, LinearSVC

    return {
        "logistic regression": LogisticRegression(C=0.1, max_iter=500),
        "SVM, linear": LinearSVC(C=0.01),
        "SVM, RBF": SVC(C=10, gamma="scale"),
    }


def _scikit_learn(estimator: Any, x: Float, labels: Ints) -> Callable[[], _Fitted]:
    def learn() -> _Fitted:
        estimator.fit(x, labels)
        names = ("coef_",) if not hasattr(estimator, "support_vectors_") else ("support_vectors_", "dual_coef_")
        return _Fitted(estimator.predict, tuple(getattr(estimator, name) for name in (*names, "intercept_")))

    return learn


def table(results: list[Result]) -> str:
    """Give a Markdown table."""
    lines = [
        f"| {result.name} | {result.accuracy:.2%} | {result.train_seconds:.1f} s "
        f"| {result.predict_seconds * 1e6:.1f} µs | {result.bytes / 1e3:,.0f} kB |"
        for result in results
    ]
    return "\n".join(
        ["| classifier | test accuracy | training | a picture | size |", "|---|---:|---:|---:|---:|", *lines]
    )
