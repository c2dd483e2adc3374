"""Each optimiser against its paper's formula, written out plainly in float64."""

import numpy as np
import pytest

from mlp.network import Layer
from training.optimisers import OPTIMISERS

RATE, MOMENTUM, DECAY = 0.05, 0.8, 0.1


def sgd(w, gradients, decay):
    v = 0
    for g in gradients:
        v = MOMENTUM * v + g
        w = w * (1 - RATE * decay) - RATE * v
    return w


def nesterov(w, gradients, decay):
    v = 0
    for g in gradients:
        v = MOMENTUM * v + g
        w = w * (1 - RATE * decay) - RATE * (g + MOMENTUM * v)
    return w


def adamw(w, gradients, decay):
    m = s = 0
    for t, g in enumerate(gradients, start=1):
        m = MOMENTUM * m + (1 - MOMENTUM) * g
        s = 0.999 * s + 0.001 * g**2
        w = w * (1 - RATE * decay) - RATE * (m / (1 - MOMENTUM**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
    return w


@pytest.mark.parametrize("decay", [0.0, DECAY])
@pytest.mark.parametrize(("name", "formula"), [("sgd", sgd), ("nesterov", nesterov), ("adamw", adamw)])
def test_steps_follow_the_paper_and_spare_biases_the_decay(name, formula, decay):
    """The weights are more than one block of the update."""
    rng = np.random.default_rng(0)
    w, b = rng.normal(size=(300, 400)), rng.normal(size=400)
    layer = Layer(w.copy(), b.copy(), "relu")
    steps = [(rng.normal(size=w.shape), rng.normal(size=b.shape)) for _ in range(5)]

    optimiser = OPTIMISERS[name]([layer], momentum=MOMENTUM, weight_decay=decay)
    for d_weights, d_biases in steps:
        optimiser.step([(d_weights.copy(), d_biases.copy())], RATE)

    np.testing.assert_allclose(layer.weights, formula(w, [g for g, _ in steps], decay), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(layer.biases, formula(b, [g for _, g in steps], 0), rtol=1e-9, atol=1e-10)


def test_sgd_without_momentum_is_the_plain_step():
    layer = Layer(np.ones((2, 2)), np.ones(2), "relu")

    OPTIMISERS["sgd"]([layer]).step([(np.full((2, 2), 3.0), np.full(2, 2.0))], 0.1)

    np.testing.assert_allclose(layer.weights, 0.7)
    np.testing.assert_allclose(layer.biases, 0.8)
