import numpy as np
import pytest

from mlp.network import activations
from tests.training.conftest import examples
from tests.training.test_fit import TRAIN, VALIDATION, recipe
from tests.training.test_gradients import numerical
from training import initialise, schedules
from training.average import EVERY, Average
from training.backprop import Backprop
from training.batches import Batches
from training.dropout import Dropout
from training.fit import fit
from training.losses import LOSSES


class SameBytes:
    """A generator that draws the same mask again and again."""

    def bytes(self, count):
        return np.random.default_rng(5).bytes(count)


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu", "identity"])
def test_gradient_with_dropout_matches_central_differences(hidden):
    rng = np.random.default_rng(3)
    layers = initialise.layers(
        (7, 8, 6, 4), [hidden, hidden, "softmax"], rng, init="normal", scale=0.5, dtype=np.float64
    )
    dropout = Dropout((8, 6), 5, 0.4, SameBytes())
    x, y = rng.normal(size=(5, 7)), np.eye(4)[rng.integers(0, 4, 5)]

    def objective():
        for number, a in enumerate(activations(layers, x)):
            if number < 2:
                dropout.drop(number, a)
        return LOSSES["cross_entropy"].value(a, y, "softmax")

    gradients = Backprop(layers, 5, loss="cross_entropy", dropout=dropout)(x, y)

    for layer, gradient in zip(layers, gradients, strict=True):
        np.testing.assert_allclose(gradient.weights, numerical(objective, layer.weights), rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(gradient.biases, numerical(objective, layer.biases), rtol=1e-5, atol=1e-8)


def test_dropout_keeps_the_mean_and_drops_its_share():
    a = np.ones((400, 500), np.float32)

    Dropout([500], 400, 0.25, np.random.default_rng(0)).drop(0, a)

    assert (a == 0).mean() == pytest.approx(0.25, abs=0.01)
    assert a.mean() == pytest.approx(1, abs=0.01)


def test_label_smoothing_spreads_its_share_over_all_classes():
    batches = Batches(
        np.zeros((4, 3), np.uint8),
        np.arange(4),
        classes=4,
        rows=4,
        smoothing=0.2,
    )

    ((_, y, _),) = batches.epoch(np.random.default_rng(0))

    np.testing.assert_allclose(np.sort(y, axis=1), [[0.05, 0.05, 0.05, 0.85]] * 4, atol=1e-7)


def test_schedules_fall_from_one():
    def at(name, *epochs, warmup=0.0):
        return [schedules.factor(name, epoch, 10, warmup) for epoch in epochs]

    assert at("constant", 0, 5, 10) == [1, 1, 1]
    assert at("cosine", 0, 5, 10) == pytest.approx([1, 0.5, 0])
    assert at("step", 0, 4.9, 5, 7.4, 7.5, 10) == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
    assert at("cosine", 0, 1, 2, 6, 10, warmup=2) == pytest.approx([0, 0.5, 1, 0.5, 0])


def test_the_average_forgets_the_beginning_and_follows_the_weights():
    """The weights are more than one block of the update."""
    values, mean = np.zeros((2, 70_000), np.float32)
    average = Average(values, mean, 0.9)
    values[:] = 1
    values[::2] = 0

    for step in range(1, EVERY * 40 + 1):
        average.update(step)

    np.testing.assert_allclose(mean, values, atol=1e-3)


@pytest.mark.parametrize(
    "fields",
    [
        {"optimiser": "nesterov", "momentum": 0.9, "learning_rate": 0.02},
        {"optimiser": "adamw", "learning_rate": 0.005, "weight_decay": 0.01},
        {"dropout": 0.2},
        {"label_smoothing": 0.1},
        {"average": 0.9},
        {"schedule": "cosine", "warmup": 1.0},
        {"schedule": "step"},
    ],
    ids=str,
)
def test_a_network_learns_with_each_of_them_and_repeatably(fields):
    one, two = (fit(recipe(epochs=20, **fields), TRAIN, VALIDATION, 4) for _ in range(2))

    assert one.kept.validation.accuracy > 0.85
    for a, b in zip(one.layers, two.layers, strict=True):
        assert a.weights.tobytes() == b.weights.tobytes()


def test_patience_ends_a_run_that_no_longer_improves():
    unlearnable = examples(40)
    unlearnable.labels[:] = np.random.default_rng(0).integers(0, 4, 40)

    fitted = fit(recipe(epochs=500, patience=5, learning_rate=1e-9), unlearnable, VALIDATION, 4)

    assert len(fitted.epochs) == fitted.kept.number + 5 < 500
