"""Each optimiser against its paper's formula, written out plainly in float64."""

import numpy as np
import pytest

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
    weights, biases = 120_000, 400
    first = rng.normal(size=weights + biases)
    gradients = rng.normal(size=(5, weights + biases))
    values = first.copy()

    states = np.zeros((OPTIMISERS[name].STATES, len(values)))
    optimiser = OPTIMISERS[name](values, states, weights=weights, momentum=MOMENTUM, weight_decay=decay)
    for number, gradient in enumerate(gradients, start=1):
        optimiser.step([gradient * (RATE if optimiser.SCALED else 1)], RATE, number)

    w, b = slice(weights), slice(weights, None)
    np.testing.assert_allclose(values[w], formula(first[w], gradients[:, w], decay), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(values[b], formula(first[b], gradients[:, b], 0), rtol=1e-9, atol=1e-10)


def test_sgd_without_momentum_is_the_plain_step():
    values = np.ones(6)

    OPTIMISERS["sgd"](values, np.zeros((1, 6)), weights=4).step([np.repeat([0.3, 0.2], [4, 2])], 0.1, 1)

    np.testing.assert_allclose(values, np.repeat([0.7, 0.8], [4, 2]))


def test_the_gradients_of_several_are_added_up():
    values = np.ones(3)

    OPTIMISERS["sgd"](values, np.zeros((1, 3)), weights=2).step([np.full(3, 0.1), np.full(3, 0.2)], 0.1, 1)

    np.testing.assert_allclose(values, 0.7)
