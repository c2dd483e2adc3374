"""The loop: an epoch's steps, what they have reached, and which weights to keep."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mlp.network import Layer
from training import initialise, interrupt, parameters
from training.checkpoint import Checkpoint
from training.descent import Descent
from training.errors import Diverged
from training.measure import Epoch, Examples, measure
from training.recipes import Recipe
from training.worker import State


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
    validation: Examples | None,
    classes: int,
    *,
    first: Sequence[Layer] = (),
    more: Examples | None = None,
    checkpoint: Checkpoint | None = None,
    on_epoch: Callable[[Epoch], None] = lambda _epoch: None,
    on_batch: Callable[[], None] = lambda: None,
) -> Fitted:
    """Train a network by `recipe`, a new one or from the weights of `first` on, and give the weights it says to keep.

    Without `validation` examples, what is kept and when to end is decided on those that it is trained on. The
    network is trained on `more`, too, and never measured on that; there, the label `classes` means none of the classes.
    Ctrl-C ends the run and keeps what is to be kept of the epochs until then; before the first one is over there is
    nothing to keep, and KeyboardInterrupt goes on. With a `checkpoint` the run goes on from there, and leaves one after
    each epoch. Raises Diverged, WorkerLost, CheckpointError.
    """
    sizes = [math.prod(train.pixels.shape[1:]), *recipe.hidden, classes]
    rng = np.random.default_rng(recipe.seed)
    first = first or initialise.layers(sizes, recipe.activations, rng, init=recipe.init, scale=recipe.init_scale)
    trained_on = train + more if more else train
    state = State.begin(first, recipe, trained_on)
    parameters_kept = np.zeros(parameters.counts(first)[1], state.rows.dtype)
    epochs, best = checkpoint.load(state.rows, parameters_kept) if checkpoint else ((), 0)
    sample = train.spread(recipe.train_sample)
    interrupted = False
    try:
        with Descent(state, recipe, trained_on, done=len(epochs)) as descent:
            for number in range(len(epochs) + 1, recipe.epochs + 1):
                if patience_is_over(epochs, recipe):
                    break
                seconds = descent.epoch(number, on_batch)
                with np.errstate(over="ignore", invalid="ignore"):  # shows in the loss, and is said there in words
                    network = state.network(train, recipe)
                    on_sample = measure(network, sample, recipe)
                    on_validation = measure(network, validation, recipe) if validation is not None else on_sample
                epoch = Epoch(number, on_sample, on_validation, seconds)
                if not np.isfinite(epoch.train.loss):
                    raise Diverged(f"the loss is {epoch.train.loss} after epoch {number}: try a smaller learning_rate")
                with interrupt.put_off():  # in the middle of this there would be no best epoch to give back
                    if not best or recipe.keep == "last" or _rank(epoch) > _rank(epochs[best - 1]):
                        best = number
                        parameters.fill(parameters_kept, network)
                    epochs = (*epochs, epoch)
                    if checkpoint:
                        checkpoint.save(state.rows, parameters_kept, epochs, best)
                    on_epoch(epoch)
    except KeyboardInterrupt:
        if not best:
            raise
        interrupted = True
    return Fitted(parameters.views(state.layers, parameters_kept), epochs, epochs[best - 1], interrupted)


def patience_is_over(epochs: Sequence[Epoch], recipe: Recipe) -> bool:
    """Tell whether a run ends before all of its epochs, because the last ones were no better."""
    return bool(recipe.patience and epochs) and len(epochs) - max(epochs, key=_rank).number >= recipe.patience


def _rank(epoch: Epoch) -> tuple[float, float]:
    return epoch.validation.accuracy, -epoch.validation.loss
