"""The matrix products of an epoch and nothing else: no trainer that computes them with this BLAS can be faster.

Forward, the weights' gradients, and delta of the hidden layers; nobody needs the gradient with respect to the input.
Biases, activations and the order of examples are left out. NumPy into arrays that are made once, one product after the
other in the order of backpropagation.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks.training.pictures import CLASSES, Pictures
from benchmarks.training.shapes import Shape


class Trainer:
    """Learns nothing."""

    def __init__(self, shape: Shape, pictures: Pictures, _cores: int) -> None:
        self._sizes = shape.sizes(pictures.pixels[0].size, CLASSES)
        self._full, self._rest = divmod(len(pictures.pixels), shape.batch)
        self._batch, self._seed = shape.batch, shape.seed

    def prepare(self) -> None:  # noqa: D102 - as Contestant says
        rng = np.random.default_rng(self._seed)
        sizes = self._sizes
        weights = [rng.standard_normal((fan_in, fan_out), np.float32) for fan_in, fan_out in pairwise(sizes)]
        gradients = [np.empty_like(w) for w in weights]
        a, delta = ([rng.standard_normal((self._batch, size), np.float32) for size in sizes] for _ in range(2))

        def products(rows: int) -> list[Callable[[], object]]:
            """Give the products of a batch of so many rows."""
            outputs, deltas = [each[:rows] for each in a], [each[:rows] for each in delta]
            found: list[Callable[[], object]] = [
                partial(np.matmul, outputs[number], w, out=outputs[number + 1]) for number, w in enumerate(weights)
            ]
            for number in reversed(range(len(weights))):
                found.append(partial(np.matmul, outputs[number].T, deltas[number + 1], out=gradients[number]))
                if number:
                    found.append(partial(np.matmul, deltas[number + 1], weights[number].T, out=deltas[number]))
            return found

        self._step, self._last = products(self._batch), products(self._rest)

    def epoch(self) -> None:  # noqa: D102
        for _ in range(self._full):
            for product in self._step:
                product()
        if self._rest:
            for product in self._last:
                product()

    def accuracy(self) -> None:  # noqa: D102
        return None

    def close(self) -> None:
        """Nothing is open."""
