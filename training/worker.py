"""A run's state in memory, and what each process does of an epoch: the gradient of its examples, the update of its
parameters."""  # noqa: D205, D209 - one sentence

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from mlp.arrays import Float, Ints
from mlp.network import Layer, features
from training import batches, parameters, pixel_order, schedules, shared
from training.augment import Augment
from training.average import Average
from training.backprop import Backprop
from training.batch_norm import BatchNorm, folded
from training.batches import Batches, Share
from training.dropout import Dropout
from training.measure import Examples
from training.optimisers import OPTIMISERS
from training.recipes import Recipe

_STATISTICS: Final = 10_000
"""Training examples whose means and variances batch normalisation is folded with."""

_ORDER: Final = 1
_CHANGES: Final = 2
"""Which generator of an epoch it is: the order is the same in all processes, augmentation and dropout are not."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """All that a run carries from one epoch into the next. The processes of a run share it."""

    layers: tuple[Layer, ...]
    """The network in training; its arrays are views of `rows[0]`."""
    rows: Float
    """Shape (1 + states, p), and one row more with an average: parameters, optimiser's state, averaged parameters.
    Parameters are weights, biases, and with batch normalisation its γ."""
    gradients: Float
    """Shape (workers, p)."""
    averaged: bool
    normalised: bool
    order: Ints | None
    """Shape (d,): which of a picture's pixels is which of the first layer's inputs; see training/pixel_order.py. None
    where they are in the picture's own order."""

    @classmethod
    def begin(cls, layers: Sequence[Layer], recipe: Recipe, train: Examples) -> Self:
        """Give the state of a run that begins with these `layers` and is trained on `train`."""
        order = None if recipe.changes else pixel_order.by_ink(train.pixels)  # what is changed must be a picture
        dtype = layers[0].weights.dtype
        plain = parameters.counts(layers)[1]
        p = plain + (sum(recipe.hidden) if recipe.batch_norm else 0)
        rows = shared.zeros((1 + OPTIMISERS[recipe.optimiser].STATES + bool(recipe.average), p), dtype)
        rows[0, plain:] = 1.0
        parameters.fill(rows[0], layers if order is None else pixel_order.reordered(layers, order))
        if recipe.average:
            rows[-1] = rows[0]
        gradients = shared.zeros((recipe.workers, p), dtype)
        return cls(
            parameters.views(layers, rows[0]),
            rows,
            gradients,
            averaged=bool(recipe.average),
            normalised=recipe.batch_norm,
            order=order,
        )

    def network(self, train: Examples, recipe: Recipe) -> tuple[Layer, ...]:
        """Give the network that is measured and kept: the averaged one, if there is one; pixels in a picture's order.

        Batch normalisation is folded into it, with the means and variances over a part of `train`.
        """
        values = self.rows[-1] if self.averaged else self.rows[0]
        layers = parameters.views(self.layers, values)
        if self.order is not None:
            layers = pixel_order.reordered(layers, np.argsort(self.order))
        if self.normalised:
            x = features(train.spread(_STATISTICS).pixels, recipe.low, recipe.high)
            layers = folded(layers, parameters.gammas(self.layers, values), x)
        return layers


class Worker:
    """One process's part of a run. Made before the processes part, so that all have the same."""

    def __init__(
        self, recipe: Recipe, train: Examples, state: State, share: Share, meet: Callable[[int], None] | None = None
    ) -> None:
        """`share` is what it takes of each batch, and of the parameters; `meet` waits for the others."""
        self._recipe, self._share, self._meet = recipe, share, meet
        self._rng = np.random.default_rng()  # begins anew with each epoch
        rows = batches.size(len(train), recipe.batch_size)
        own = -(-rows // share.of)
        change = None
        if recipe.changes:
            height, width = train.pixels.shape[1:]
            change = Augment(height, width, own, recipe, self._rng)
        self._batches = Batches(
            train.pixels,
            train.labels,
            classes=len(state.layers[-1].biases),
            rows=rows,
            smoothing=recipe.label_smoothing,
            change=change,
            share=share,
        )
        dropout = Dropout(recipe.hidden, own, recipe.dropout, self._rng) if recipe.dropout and recipe.hidden else None
        gradient = state.gradients[share.number]
        batch_norm = None
        if state.normalised:
            gammas, gradients = (parameters.gammas(state.layers, values) for values in (state.rows[0], gradient))
            batch_norm = BatchNorm(gammas, gradients, own)
        self._gradients = Backprop(
            state.layers,
            own,
            loss=recipe.loss,
            l2=recipe.l2 / share.of,  # each adds its share of the penalty
            dropout=dropout,
            batch_norm=batch_norm,
            into=gradient,
            scale=(recipe.high - recipe.low) / 255,
            shift=recipe.low,
        )
        weights = parameters.counts(state.layers)[0]
        mine = share.rows(state.rows.shape[1])
        values, *states = state.rows[:, mine]
        mean = states.pop() if state.averaged else None
        self._optimiser = OPTIMISERS[recipe.optimiser](
            values,
            states,
            weights=min(max(weights - mine.start, 0), len(values)),
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
        )
        self._average = Average(values, mean, recipe.average) if mean is not None else None
        self._parts = list(state.gradients[:, mine])
        self._scaled = self._optimiser.SCALED
        self._steps_an_epoch = batches.count(len(train), recipe.batch_size)

    def epoch(self, number: int, on_batch: Callable[[], None] = lambda: None) -> None:
        """Take the steps of epoch `number`, from 1. All that is drawn depends on the seed and on this number alone."""
        recipe, share = self._recipe, self._share
        order = np.random.default_rng([recipe.seed, _ORDER, number])
        changes = np.random.default_rng([recipe.seed, _CHANGES, number, share.number])
        self._rng.bit_generator.state = changes.bit_generator.state
        step = (number - 1) * self._steps_an_epoch
        with np.errstate(over="ignore", invalid="ignore"):  # shows in the loss, and is said there in words
            for x, y, examples in self._batches.epoch(order):
                step += 1
                factor = schedules.factor(recipe.schedule, step / self._steps_an_epoch, recipe.epochs, recipe.warmup)
                learning_rate = recipe.learning_rate * factor
                self._gradients(x, y, examples, learning_rate if self._scaled else 1.0)
                if self._meet:
                    self._meet(share.number)  # every gradient is there
                self._optimiser.step(self._parts, learning_rate, step)
                if self._average:
                    self._average.update(step)
                if self._meet:
                    self._meet(share.number)  # every parameter is new
                on_batch()
