"""Ours: a recipe of the shape, and the descent that `python -m training train` uses."""

from contextlib import ExitStack

import numpy as np

from benchmarks.training.pictures import CLASSES, Pictures
from benchmarks.training.shapes import Shape
from training import initialise
from training.descent import Descent
from training.measure import Examples, measure
from training.recipes import Recipe
from training.worker import State


class Trainer:
    """As many processes as cores, each with one BLAS thread."""

    def __init__(self, shape: Shape, pictures: Pictures, cores: int) -> None:
        book = shape.activation == "sigmoid"
        self._recipe = Recipe(
            hidden=shape.hidden,
            activation=shape.activation,
            output="sigmoid" if book else "softmax",
            loss="mse" if book else "cross_entropy",
            init="normal" if book else "he",
            init_scale=0.1 if book else 1.0,
            low=0.0,
            high=1.0,
            batch_size=shape.batch,
            optimiser=shape.optimiser,
            learning_rate=shape.learning_rate,
            momentum=shape.momentum,
            weight_decay=shape.weight_decay,
            schedule=shape.schedule,
            warmup=shape.warmup,
            epochs=shape.epochs,
            seed=shape.seed,
            workers=cores,
        )
        self._train = Examples(pictures.pixels, pictures.labels)
        self._test = Examples(pictures.test_pixels, pictures.test_labels)
        self._sizes = shape.sizes(pictures.pixels[0].size, CLASSES)
        self._open = ExitStack()

    def prepare(self) -> None:  # noqa: D102 - as Contestant says
        self.close()
        recipe = self._recipe
        rng = np.random.default_rng(recipe.seed)
        first = initialise.layers(self._sizes, recipe.activations, rng, init=recipe.init, scale=recipe.init_scale)
        self._state = State.begin(first, recipe, self._train)
        self._descent = self._open.enter_context(Descent(self._state, recipe, self._train))
        self._epochs = 0

    def epoch(self) -> None:  # noqa: D102
        self._epochs += 1
        self._descent.epoch(self._epochs)

    def accuracy(self) -> float:  # noqa: D102
        return measure(self._state.network(self._train, self._recipe), self._test, self._recipe).accuracy

    def close(self) -> None:  # noqa: D102
        self._open.close()
