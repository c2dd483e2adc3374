"""Backpropagation against central differences, in float64: every activation × loss × depth."""

import numpy as np
import pytest

from mlp import network
from training import initialise
from training.backprop import Backprop
from training.losses import LOSSES

DEPTHS = {1: (7, 4), 2: (7, 6, 4), 3: (7, 6, 5, 4), 4: (7, 6, 5, 6, 4)}
HIDDEN = ["sigmoid", "tanh", "relu", "softmax", "identity"]
ENDS = [(loss, output) for loss in LOSSES for output in LOSSES[loss].outputs]
STEP = 1e-6


def numerical(objective, array):
    """Central differences, O(step²)."""
    gradient = np.empty_like(array)
    for place in np.ndindex(array.shape):
        kept = array[place]
        array[place] = kept + STEP
        above = objective()
        array[place] = kept - STEP
        below = objective()
        array[place] = kept
        gradient[place] = (above - below) / (2 * STEP)
    return gradient


@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize(("loss", "output"), ENDS)
def test_gradient_matches_central_differences(loss, output, hidden, depth, l2):
    rng = np.random.default_rng(3)
    sizes = DEPTHS[depth]
    names = [hidden] * (depth - 1) + [output]
    layers = initialise.layers(sizes, names, rng, init="normal", scale=0.5, dtype=np.float64)
    for layer in layers:
        layer.biases[:] = rng.normal(0, 0.3, len(layer.biases))
    x = rng.normal(size=(5, sizes[0]))
    y = np.eye(sizes[-1])[rng.integers(0, sizes[-1], 5)]

    def objective():
        penalty = sum(np.square(layer.weights).sum() for layer in layers) * l2 / 2
        return LOSSES[loss].value(network.scores(layers, x), y, output) + penalty

    gradients = Backprop(layers, 8, loss=loss, l2=l2)(x, y.copy())

    for layer, gradient in zip(layers, gradients, strict=True):
        np.testing.assert_allclose(gradient.weights, numerical(objective, layer.weights), rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(gradient.biases, numerical(objective, layer.biases), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("hidden", [(), (6,)])
@pytest.mark.parametrize("shift", [0.0, -0.7])
def test_what_is_left_out_counts_as_0_before_scale_and_shift_and_a_rate_multiplies(hidden, shift):
    rng = np.random.default_rng(5)
    sizes = (9, *hidden, 4)
    layers = initialise.layers(sizes, ["tanh"] * len(hidden) + ["softmax"], rng, dtype=np.float64)
    x, y = rng.normal(size=(5, 9)), np.eye(4)[rng.integers(0, 4, 5)]
    x[:, 6:] = 0
    plain = Backprop(layers, 5, loss="cross_entropy", l2=0.1)(x + shift, y.copy())

    short = Backprop(layers, 5, loss="cross_entropy", l2=0.1, scale=0.5, shift=shift)
    short.gradient.fill(7)  # what an earlier batch has left

    for one, other in zip(plain, short(2 * x[:, :6], y.copy(), rate=3.0), strict=True):
        np.testing.assert_allclose(3 * one.weights, other.weights, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(3 * one.biases, other.biases, rtol=1e-12, atol=1e-15)


def test_mse_is_the_mean_over_examples_and_classes():
    a = np.array([[0.0, 0.5], [1.0, 1.0]])
    y = np.array([[0.0, 1.0], [1.0, 0.0]])

    assert LOSSES["mse"].value(a, y, "sigmoid") == pytest.approx((0.25 + 1) / 4)


def test_cross_entropy_of_certain_and_wrong_scores_is_large_and_finite():
    a = np.float32([[0.0, 1.0]])
    y = np.float32([[1.0, 0.0]])

    assert 20 < LOSSES["cross_entropy"].value(a, y, "softmax") < 40


def test_one_step_equals_the_book_s_own_update_formulas():
    """The chapter's equations for one hidden layer, written out once more as the oracle."""
    rng = np.random.default_rng(0)
    w_h, w_out = rng.normal(0, 0.1, (12, 5)), rng.normal(0, 0.1, (5, 3))
    layers = [
        network.Layer(w_h.copy(), np.zeros(5), "sigmoid"),
        network.Layer(w_out.copy(), np.zeros(3), "sigmoid"),
    ]
    x, y = rng.uniform(-1, 1, (4, 12)), np.eye(3)[[0, 2, 1, 1]]

    a_h = 1 / (1 + np.exp(-x @ w_h))
    a_out = 1 / (1 + np.exp(-a_h @ w_out))
    delta_out = 2 * (a_out - y) / 4 * a_out * (1 - a_out)
    delta_h = delta_out @ w_out.T * a_h * (1 - a_h)
    hidden, out = Backprop(layers, 4, loss="mse")(x, y.copy())

    # The book divides by the examples alone, so its gradient is c = 3 times that of the mean over both.
    np.testing.assert_allclose(3 * out.weights, a_h.T @ delta_out)
    np.testing.assert_allclose(3 * out.biases, delta_out.sum(axis=0))
    np.testing.assert_allclose(3 * hidden.weights, x.T @ delta_h)
    np.testing.assert_allclose(3 * hidden.biases, delta_h.sum(axis=0))
