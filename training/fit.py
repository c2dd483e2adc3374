"""The loop: an epoch's steps, what they have reached, and which weights to keep."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mlp.network import Layer
from training import initialise
from training.descent import Descent
from training.errors import Diverged
from training.measure import Examples, Measure, measure
from training.recipes import Recipe
from training.worker import State


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one pass over the training examples has led to."""

    number: int
    train: Measure
    validation: Measure
    seconds: float
    """Of training alone, without the two measurements."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """The weights that a run keeps, and how it went."""

    layers: tuple[Layer, ...]
    epochs: tuple[Epoch, ...]
    kept: Epoch
    interrupted: bool


def fit(
    recipe: Recipe,
    train: Examples,
    validation: Examples,
    classes: int,
    *,
    more: Examples | None = None,
    on_epoch: Callable[[Epoch], None] = lambda _epoch: None,
    on_batch: Callable[[], None] = lambda: None,
) -> Fitted:
    """Train a new network by `recipe`, and give the weights it says to keep.

    It is trained on `more`, too, and never measured on that; there, the label `classes` means none of the classes.
    Ctrl-C ends the run and keeps what is to be kept of the epochs until then; before the first one is over there is
    nothing to keep, and KeyboardInterrupt goes on. Raises Diverged, WorkerLost.
    """
    height, width = train.pixels.shape[1:]
    sizes = [height * width, *recipe.hidden, classes]
    rng = np.random.default_rng(recipe.seed)
    first = initialise.layers(sizes, recipe.activations, rng, init=recipe.init, scale=recipe.init_scale)
    state = State.begin(first, recipe)
    sample = train.spread(recipe.train_sample)
    epochs: list[Epoch] = []
    kept: tuple[Epoch, tuple[Layer, ...]] | None = None
    interrupted = False
    try:
        with Descent(state, recipe, train + more if more else train) as descent:
            for number in range(1, recipe.epochs + 1):
                seconds = descent.epoch(number, on_batch)
                layers = state.measured
                with np.errstate(over="ignore", invalid="ignore"):  # shows in the loss, and is said there in words
                    measures = measure(layers, sample, recipe), measure(layers, validation, recipe)
                epoch = Epoch(number, *measures, seconds)
                if not np.isfinite(epoch.train.loss):
                    raise Diverged(f"the loss is {epoch.train.loss} after epoch {number}: try a smaller learning_rate")
                epochs.append(epoch)
                if kept is None or recipe.keep == "last" or _rank(epoch) > _rank(kept[0]):
                    kept = epoch, _copy(layers)
                on_epoch(epoch)
                if recipe.patience and number - max(epochs, key=_rank).number >= recipe.patience:
                    break
    except KeyboardInterrupt:
        if kept is None:
            raise
        interrupted = True
    assert kept is not None, "a recipe has at least one epoch"  # noqa: S101
    return Fitted(kept[1], tuple(epochs), kept[0], interrupted)


def _rank(epoch: Epoch) -> tuple[float, float]:
    return epoch.validation.accuracy, -epoch.validation.loss


def _copy(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    return tuple(Layer(layer.weights.copy(), layer.biases.copy(), layer.activation) for layer in layers)
