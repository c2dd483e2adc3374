import numpy as np
import pytest

from mlp import network
from training import initialise
from training.temperature import cooled, temperature


def certain(t, n=4000, classes=5):
    """Scores of logits z, and labels drawn with the chances softmax(z / t)."""
    rng = np.random.default_rng(0)
    z = rng.normal(0, 3, (n, classes))
    chances = np.exp(z / t) / np.exp(z / t).sum(axis=1, keepdims=True)
    labels = (chances.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return (np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)).astype(np.float32), labels


@pytest.mark.parametrize("t", [0.5, 1.0, 2.5])
def test_the_temperature_that_scores_are_off_by_is_found(t):
    assert temperature(*certain(t)) == pytest.approx(t, rel=0.08)


def test_nothing_wrong_has_the_least_temperature_and_is_no_error():
    scores = np.eye(3, dtype=np.float32)[[0, 1, 2]]

    assert temperature(scores, np.array([0, 1, 2])) == pytest.approx(0.05, rel=0.01) or temperature(
        scores, np.array([0, 1, 2])
    ) == pytest.approx(20, rel=0.01)


def test_a_cooled_network_keeps_its_answers_and_has_the_scores_of_the_temperature():
    rng = np.random.default_rng(0)
    layers = initialise.layers((6, 8, 4), ("relu", "softmax"), rng)
    x = rng.normal(size=(50, 6)).astype(np.float32)

    before, after = network.scores(layers, x), network.scores(cooled(layers, 0.5), x)

    np.testing.assert_allclose(after, before**2 / (before**2).sum(axis=1, keepdims=True), rtol=1e-4)
    np.testing.assert_array_equal(after.argmax(axis=1), before.argmax(axis=1))
