"""The loop: batch, gradient, step; and after each epoch, what has been reached."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mlp import network
from mlp.arrays import Ints, Uint8
from mlp.network import Layer
from training import batches, initialise, schedules
from training.augment import Augment
from training.average import Average
from training.backprop import Backprop
from training.dropout import Dropout
from training.errors import Diverged
from training.losses import LOSSES
from training.optimisers import OPTIMISERS
from training.recipes import Recipe

_ROWS = 2048
"""Examples measured at a time."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Pixels (n, height, width) uint8 and labels (n,), indices into the classes."""

    pixels: Uint8
    labels: Ints

    def __len__(self) -> int:
        """Give n."""
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Measure:
    """Loss, and accuracy from 0 to 1, over some examples."""

    loss: float
    accuracy: float


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


def measure(layers: Sequence[Layer], examples: Examples, recipe: Recipe) -> Measure:
    """Give loss and accuracy of a network over `examples`, at least one."""
    rows = np.eye(len(layers[-1].biases), dtype=np.float32)
    loss, right = 0.0, 0
    for start in range(0, len(examples), _ROWS):
        labels = examples.labels[start : start + _ROWS]
        x = network.features(examples.pixels[start : start + _ROWS], recipe.low, recipe.high)
        a = network.scores(layers, x)  # (k, c)
        right += int((network.winners(a) == labels).sum())
        loss += LOSSES[recipe.loss].value(a, rows[labels], recipe.output) * len(labels)
    return Measure(loss / len(examples), right / len(examples))


def descend(
    layers: Sequence[Layer],
    recipe: Recipe,
    train: Examples,
    validation: Examples,
    rng: np.random.Generator,
    on_batch: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Epoch, Sequence[Layer]]]:
    """Train `layers` in place; after each epoch yield it and the weights that it measured.

    `on_batch` is called after each batch.

    Raises Diverged when the loss is no longer finite.
    """
    rows = batches.size(len(train), recipe.batch_size)
    height, width = train.pixels.shape[1:]
    epoch_batches = batches.Batches(
        train.pixels,
        train.labels,
        classes=len(layers[-1].biases),
        rows=rows,
        low=recipe.low,
        high=recipe.high,
        rng=rng,
        smoothing=recipe.label_smoothing,
        change=Augment(height, width, rows, recipe, rng) if recipe.changes else None,
    )
    dropout = Dropout(recipe.hidden, rows, recipe.dropout, rng) if recipe.dropout and recipe.hidden else None
    gradients = Backprop(layers, rows, loss=recipe.loss, l2=recipe.l2, dropout=dropout)
    optimiser = OPTIMISERS[recipe.optimiser](layers, momentum=recipe.momentum, weight_decay=recipe.weight_decay)
    average = Average(layers, recipe.average) if recipe.average else None
    kept = average.layers if average else layers
    sample = _sample(train, recipe.train_sample)
    steps, steps_an_epoch = 0, batches.count(len(train), recipe.batch_size)
    for number in range(1, recipe.epochs + 1):
        start = time.perf_counter()
        with np.errstate(over="ignore", invalid="ignore"):  # shows in the loss, and is said there in words
            for x, y in epoch_batches:
                steps += 1
                factor = schedules.factor(recipe.schedule, steps / steps_an_epoch, recipe.epochs, recipe.warmup)
                optimiser.step(gradients(x, y), recipe.learning_rate * factor)
                if average:
                    average.update()
                on_batch()
            seconds = time.perf_counter() - start
            epoch = Epoch(number, measure(kept, sample, recipe), measure(kept, validation, recipe), seconds)
        if not np.isfinite(epoch.train.loss):
            raise Diverged(f"the loss is {epoch.train.loss} after epoch {number}: try a smaller learning_rate")
        yield epoch, kept


def fit(
    recipe: Recipe,
    train: Examples,
    validation: Examples,
    classes: int,
    *,
    on_epoch: Callable[[Epoch], None] = lambda _epoch: None,
    on_batch: Callable[[], None] = lambda: None,
) -> Fitted:
    """Train a new network by `recipe`, and give the weights it says to keep.

    Ctrl-C ends the run and keeps the epoch that was best on validation; before the first epoch is over there is
    nothing to keep, and KeyboardInterrupt goes on. Raises Diverged.
    """
    rng = np.random.default_rng(recipe.seed)
    height, width = train.pixels.shape[1:]
    sizes = [height * width, *recipe.hidden, classes]
    layers = initialise.layers(sizes, recipe.activations, rng, init=recipe.init, scale=recipe.init_scale)
    epochs: list[Epoch] = []
    kept: tuple[Epoch, tuple[Layer, ...]] | None = None
    interrupted = False
    try:
        for epoch, measured in descend(layers, recipe, train, validation, rng, on_batch):
            epochs.append(epoch)
            if kept is None or _rank(epoch) > _rank(kept[0]):
                kept = epoch, _copy(measured)
            last = tuple(measured)
            on_epoch(epoch)
            if recipe.patience and epoch.number - kept[0].number >= recipe.patience:
                break
    except KeyboardInterrupt:
        if kept is None:
            raise
        interrupted = True
    assert kept is not None, "a recipe has at least one epoch"  # noqa: S101
    if recipe.keep == "last" and not interrupted:
        kept = epochs[-1], last
    return Fitted(kept[1], tuple(epochs), kept[0], interrupted)


def _rank(epoch: Epoch) -> tuple[float, float]:
    return epoch.validation.accuracy, -epoch.validation.loss


def _copy(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    return tuple(Layer(layer.weights.copy(), layer.biases.copy(), layer.activation) for layer in layers)


def _sample(train: Examples, size: int) -> Examples:
    """Give `size` examples spread evenly over `train`, which is shuffled; all of them for 0."""
    if size == 0 or size >= len(train):
        return train
    chosen = np.linspace(0, len(train) - 1, size).astype(np.intp)
    return Examples(train.pixels[chosen], train.labels[chosen])
