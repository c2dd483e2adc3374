"""Training as an estimator of scikit-learn, for its pipelines and searches; the loop is that of training/fit.py.

Nothing else in the project needs scikit-learn to train; it is in the extra `compare`. How a fitted estimator becomes a
version is in training/interchange/estimator.py.
"""

import warnings
from numbers import Integral
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from mlp.arrays import Float, Ints
from mlp.network import winners
from training import run
from training.answers import scores
from training.errors import DataError
from training.fit import fit, patience_is_over
from training.measure import Examples
from training.recipes import Recipe
from training.split import stratified

_AS_THEY_ARE: Final = {"low": 0.0, "high": 255.0}
"""The scale by which a network's features are the numbers that it is given."""

_OUTPUTS: Final = ("softmax", "sigmoid")
"""Those whose scores can be made chances: from 0 to 1, one for each class."""


class MultilayerPerceptron(ClassifierMixin, BaseEstimator):
    r"""A classifier for rows of real-valued features, trained as pictures are, by a recipe's fields.

    The features should be of about the same size: put a StandardScaler in front of it. There are no sample weights.

    Parameters
    ----------
    hidden, activation, output, loss, init, init_scale, optimiser, momentum, learning_rate, schedule, warmup, \
    batch_size, epochs, l2, weight_decay, dropout, batch_norm, label_smoothing, average, calibrate, patience, keep, \
    workers
        Fields of a recipe; training/recipes.py says what each means, and `output` is softmax or sigmoid. Some defaults
        are made for a few hundred to a few thousand rows.
    validation
        The number of examples, or their fraction, kept from training: it is decided on these which epoch's weights are
        kept and when patience is over, and scores are calibrated on them. With None it is decided on the training
        examples, and nothing is calibrated.
    random_state
        Decides the first weights, the order and the validation examples.

    Attributes
    ----------
    classes_
        The labels, sorted, shape (c,): the order of the columns of `predict_proba`.
    layers_
        The network: a `mlp.network.Layer` of float32 for each.
    n_iter_, best_epoch_
        How many epochs were trained, and which one's weights these are, from 1.
    loss_curve_
        The loss after each epoch on the training examples, 10,000 of them at most.
    validation_scores_
        The accuracy after each epoch on the validation examples, None where there are none.
    recipe_
        What it was trained by.
    n_features_in_, feature_names_in_
        As scikit-learn has them.
    """

    def __init__(
        self,
        hidden: tuple[int, ...] = (100,),
        *,
        activation: str = "relu",
        output: str = "softmax",
        loss: str = "cross_entropy",
        init: str = "he",
        init_scale: float = 1.0,
        optimiser: str = "adamw",
        momentum: float = 0.0,
        learning_rate: float = 0.003,
        schedule: str = "cosine",
        warmup: float = 0.0,
        batch_size: int | str = 32,
        epochs: int = 100,
        l2: float = 0.0,
        weight_decay: float = 0.0,
        dropout: float = 0.0,
        batch_norm: bool = False,
        label_smoothing: float = 0.0,
        average: float = 0.0,
        calibrate: bool = True,
        validation: float | None = None,
        patience: int = 0,
        keep: str = "best",
        workers: int = 1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.output = output
        self.loss = loss
        self.init = init
        self.init_scale = init_scale
        self.optimiser = optimiser
        self.momentum = momentum
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.warmup = warmup
        self.batch_size = batch_size
        self.epochs = epochs
        self.l2 = l2
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.label_smoothing = label_smoothing
        self.average = average
        self.calibrate = calibrate
        self.validation = validation
        self.patience = patience
        self.keep = keep
        self.workers = workers
        self.random_state = random_state

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:  # noqa: N803 - scikit-learn gives the name
        """Train a new network on rows X (n, d), cast to float32, and their labels y (n,), numbers or texts.

        Raises ValueError for data or parameters that will not do, Diverged when numbers are no longer finite. Warns
        with ConvergenceWarning when `patience` was given and the last epochs were still getting better.
        """
        x, y = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has only one class, {self.classes_.tolist()[0]!r}; two or more are needed to tell them apart"
            )
        recipe = self._recipe()
        train, validation = self._parts(x, labels, recipe)
        # One BLAS thread, as for the command line: with more, the result depends on their number.
        with threadpool_limits(1):
            fitted = fit(recipe, train, validation, len(self.classes_))
            if fitted.interrupted:
                raise KeyboardInterrupt  # a search around this one has to end, too
            layers = fitted.layers if validation is None else run.calibrated(fitted.layers, validation, recipe)
        self.layers_, self.recipe_ = layers, recipe
        self.n_iter_, self.best_epoch_ = len(fitted.epochs), fitted.kept.number
        self.loss_curve_ = [epoch.train.loss for epoch in fitted.epochs]
        measured = fitted.epochs if validation is not None else None
        self.validation_scores_ = measured and [epoch.validation.accuracy for epoch in measured]
        if recipe.patience and not patience_is_over(fitted.epochs, recipe):
            message = f"epochs={recipe.epochs} are over, and patience={recipe.patience} is not: more might do better"
            warnings.warn(message, ConvergenceWarning, stacklevel=2)
        return self

    def predict_proba(self, X: npt.ArrayLike) -> Float:  # noqa: N803
        """Give the chance of each class, (n, c) float32, its columns in the order of `classes_`, for rows X (n, d).

        Sigmoid outputs are divided by their sum.
        """
        found = self._scores(X)
        if self.recipe_.output == "sigmoid":
            found = np.maximum(found, np.finfo(np.float32).tiny)
            found /= found.sum(axis=1, keepdims=True)
        return found

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:  # noqa: N803
        """Give the label of the class with the highest score, (n,), for rows X (n, d)."""
        found = winners(self._scores(X))
        return self.classes_[found]

    def _scores(self, X: npt.ArrayLike) -> Float:  # noqa: N803
        check_is_fitted(self)
        return scores(self.layers_, validate_data(self, X, dtype=np.float32, reset=False), self.recipe_)

    def _recipe(self) -> Recipe:
        given = {name: _plain(value) for name, value in self.get_params(deep=False).items()}
        state = given.pop("random_state")
        seed = int(state) if isinstance(state, Integral) else check_random_state(state).randint(2**31 - 1)
        if given["validation"] is None:
            del given["validation"]
        if given["output"] not in _OUTPUTS:
            raise ValueError(f"output is {given['output']!r}, expected one of {', '.join(_OUTPUTS)}")
        try:
            return Recipe.model_validate({**given, **_AS_THEY_ARE, "seed": seed})
        except ValidationError as error:
            lines = (f"{'.'.join(map(str, e['loc'])) or 'parameters'}: {e['msg']}" for e in error.errors())
            raise ValueError("; ".join(lines).replace("seed: ", "random_state: ")) from error

    def _parts(self, x: npt.NDArray[np.float32], labels: Ints, recipe: Recipe) -> tuple[Examples, Examples | None]:
        if self.validation is None:
            return Examples(x, labels), None
        rng = np.random.default_rng([recipe.seed, 0x5B117])
        try:
            held = run.count(recipe.validation, len(labels))
            parts = stratified(labels, [len(labels) - held, held], rng)
        except DataError as error:
            raise ValueError(f"validation={self.validation!r}: {error}") from error
        train, validation = (Examples(x[part], labels[part]) for part in parts)
        return train, validation


def _plain(value: Any) -> Any:
    """Give Python's own number for one of NumPy's, which searches draw."""
    return value.item() if isinstance(value, np.generic) else value
