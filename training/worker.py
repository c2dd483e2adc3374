"""A run's state in memory, and what each process does of an epoch: the gradient of its examples, the update of its
parameters."""  # noqa: D205, D209 - one sentence

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from mlp.arrays import Float, Ints
from mlp.network import Layer
from training import batches, parameters, pixel_order, schedules, shared
from training.augment import Augment
from training.average import Average
from training.backprop import Backprop
from training.batches import Batches, Share
from training.dropout import Dropout
from training.measure import Examples
from training.optimisers import OPTIMISERS
from training.recipes import Recipe

_ORDER: Final = 1
_CHANGES: Final = 2
"""Which generator of an epoch it is: the order is the same in all processes, augmentation and dropout are not."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """All that a run carries from one epoch into the next. The processes of a run share it."""

    layers: tuple[Layer, ...]
    """The network in training; its arrays are views of `rows[0]`."""
    rows: Float
    """Shape (1 + states, p), and one row more with an average: parameters, optimiser's state, averaged parameters."""
    gradients: Float
    """Shape (workers, p)."""
    averaged: bool
    order: Ints | None
    """Shape (d,): which of a picture's pixels is which of the first layer's inputs; see training/pixel_order.py. None
    where they are in the picture's own order."""

    @classmethod
    def begin(cls, layers: Sequence[Layer], recipe: Recipe, order: Ints | None = None) -> Self:
        """Give the state of a run that begins with these `layers`, and keeps pixels in this `order`."""
        dtype = layers[0].weights.dtype
        p = parameters.counts(layers)[1]
        rows = shared.zeros((1 + OPTIMISERS[recipe.optimiser].STATES + bool(recipe.average), p), dtype)
        parameters.fill(rows[0], layers if order is None else pixel_order.reordered(layers, order))
        if recipe.average:
            rows[-1] = rows[0]
        gradients = shared.zeros((recipe.workers, p), dtype)
        return cls(parameters.views(layers, rows[0]), rows, gradients, averaged=bool(recipe.average), order=order)

    @property
    def measured(self) -> tuple[Layer, ...]:
        """The network that is measured and kept, for pixels in a picture's order: the averaged one, if there is one."""
        layers = parameters.views(self.layers, self.rows[-1]) if self.averaged else self.layers
        return layers if self.order is None else pixel_order.reordered(layers, np.argsort(self.order))


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
        height, width = train.pixels.shape[1:]
        self._batches = Batches(
            train.pixels,
            train.labels,
            classes=len(state.layers[-1].biases),
            rows=rows,
            low=recipe.low,
            high=recipe.high,
            smoothing=recipe.label_smoothing,
            change=Augment(height, width, own, recipe, self._rng) if recipe.changes else None,
            share=share,
        )
        dropout = Dropout(recipe.hidden, own, recipe.dropout, self._rng) if recipe.dropout and recipe.hidden else None
        self._gradients = Backprop(
            state.layers,
            own,
            loss=recipe.loss,
            l2=recipe.l2 / share.of,  # each adds its share of the penalty
            dropout=dropout,
            into=state.gradients[share.number],
            scale=self._batches.scale,
        )
        weights, p = parameters.counts(state.layers)
        mine = share.rows(p)
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
