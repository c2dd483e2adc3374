"""JAX: a whole epoch is one compiled function, a `scan` over batches; parameters and state are donated to it.

Pixels stay bytes until a batch is gathered: at batches of 100 that is 8 % faster than features.
"""

from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.training.pictures import CLASSES, Pictures
from benchmarks.training.shapes import Shape

Parameters = list[tuple[Any, Any]]
"""Weights (fan_in, fan_out) and biases (fan_out,) of each layer."""


def _outputs(shape: Shape, parameters: Parameters, pixels: Any) -> Any:
    """Give a_L for the book's kind of network, z_L else, shape (n, c), for pixels (n, d) uint8."""
    a = pixels.astype(jnp.float32) * (1 / 255)
    for number, (w, b) in enumerate(parameters):
        z = a @ w + b
        if shape.activation == "sigmoid":
            a = jax.nn.sigmoid(z)
        else:
            a = jax.nn.relu(z) if number < len(parameters) - 1 else z
    return a


def _loss(parameters: Parameters, shape: Shape, pixels: Any, labels: Any) -> Any:
    outputs, y = _outputs(shape, parameters, pixels), jax.nn.one_hot(labels, CLASSES)
    if shape.activation == "sigmoid":
        return jnp.square(outputs - y).mean()
    return -(y * jax.nn.log_softmax(outputs)).sum() / len(labels)


def _update(shape: Shape, parameters: Parameters, states: Any, gradients: Parameters, rate: Any, step: Any) -> Any:
    """Give parameters and state after a step; the formulas are those of training/optimisers.py."""
    tree, mu = jax.tree.map, shape.momentum
    if shape.optimiser == "sgd":
        return tree(lambda w, g: w - rate * g, parameters, gradients), states
    if shape.optimiser == "nesterov":
        velocity = tree(lambda v, g: mu * v + g, states, gradients)
        return tree(lambda w, g, v: w - rate * (g + mu * v), parameters, gradients, velocity), velocity
    mean = tree(lambda m, g: 0.9 * m + 0.1 * g, states[0], gradients)
    square = tree(lambda s, g: 0.999 * s + 0.001 * g * g, states[1], gradients)
    first, second = 1 - 0.9**step, 1 - 0.999**step

    def moved(w: Any, m: Any, s: Any) -> Any:
        decay = shape.weight_decay if w.ndim > 1 else 0.0
        return w - rate * (m / first / (jnp.sqrt(s / second) + 1e-8) + decay * w)

    return tree(moved, parameters, mean, square), (mean, square)


def _epoch(shape: Shape, carried: Any, data: Any, order: Any, rates: Any) -> Any:
    """Give parameters, state and steps after one epoch; the last batch may be smaller than the others."""
    pixels, labels = data
    batches = len(order) // shape.batch

    def step(carried: Any, batch: Any) -> Any:
        parameters, states, steps = carried
        chosen, rate = batch
        gradients = jax.grad(_loss)(parameters, shape, pixels[chosen], labels[chosen])
        return (*_update(shape, parameters, states, gradients, rate, steps + 1.0), steps + 1.0), None

    whole = order[: batches * shape.batch].reshape(batches, shape.batch)
    carried, _ = jax.lax.scan(step, carried, (whole, rates[:batches]))
    if len(order) % shape.batch:
        carried, _ = step(carried, (order[batches * shape.batch :], rates[-1]))
    return carried


class Trainer:
    """The compiled epoch, and what it carries from one to the next."""

    def __init__(self, shape: Shape, pictures: Pictures, _cores: int) -> None:
        self._shape = shape
        self._data = (
            jax.device_put(pictures.pixels.reshape(len(pictures.pixels), -1)),  # (n, d)
            jax.device_put(pictures.labels.astype(np.int32)),
        )
        self._test = jax.device_put(pictures.test_pixels.reshape(len(pictures.test_pixels), -1))
        self._test_labels = pictures.test_labels
        self._sizes = shape.sizes(pictures.pixels[0].size, CLASSES)

    def prepare(self) -> None:  # noqa: D102 - as Contestant says
        jax.clear_caches()  # to compile is part of it, each time
        shape = self._shape
        self._rng = np.random.default_rng(shape.seed)
        parameters = [
            (
                jnp.asarray(self._rng.normal(0.0, shape.spread(fan_in), (fan_in, fan_out)), jnp.float32),
                jnp.zeros(fan_out, jnp.float32),
            )
            for fan_in, fan_out in pairwise(self._sizes)
        ]
        count = {"sgd": 0, "nesterov": 1, "adamw": 2}[shape.optimiser]
        states = tuple(jax.tree.map(jnp.zeros_like, parameters) for _ in range(count))
        self._carried = parameters, states[0] if count == 1 else states, jnp.float32(0)
        epoch = jax.jit(partial(_epoch, shape), donate_argnums=0)
        self._epochs = 0
        self._compiled = epoch.lower(self._carried, self._data, *self._drawn()).compile()

    def _drawn(self) -> tuple[Any, Any]:
        """Give an epoch's order of examples, and the learning rate of each step."""
        order = self._rng.permutation(len(self._data[1])).astype(np.int32)
        steps = -(-len(order) // self._shape.batch)
        numbers = range(self._epochs * steps + 1, (self._epochs + 1) * steps + 1)
        return order, np.array([self._shape.rate(number, steps) for number in numbers], np.float32)

    def epoch(self) -> None:  # noqa: D102
        self._carried = jax.block_until_ready(self._compiled(self._carried, self._data, *self._drawn()))
        self._epochs += 1

    def accuracy(self) -> float:  # noqa: D102
        scores = _outputs(self._shape, self._carried[0], self._test)
        return float((np.asarray(scores).argmax(axis=1) == self._test_labels).mean())

    def close(self) -> None:
        """Nothing is open."""
