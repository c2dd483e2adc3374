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


def test_a_hundred_right_answers_do_not_make_the_next_one_certain():
    labels = np.arange(100) % 2
    scores = np.where(np.eye(2)[labels] == 1, 0.999999, 0.000001).astype(np.float32)

    (_, after) = np.log(scores[1]) / temperature(scores, labels)
    (before, _) = np.log(scores[1]) / temperature(scores, labels)

    assert 1 / (1 + np.exp(after - before)) == pytest.approx(1 / 204, rel=0.05)


def test_a_cooled_network_keeps_its_answers_and_has_the_scores_of_the_temperature():
    rng = np.random.default_rng(0)
    layers = initialise.layers((6, 8, 4), ("relu", "softmax"), rng)
    x = rng.normal(size=(50, 6)).astype(np.float32)

    before, after = network.scores(layers, x), network.scores(cooled(layers, 0.5), x)

    np.testing.assert_allclose(after, before**2 / (before**2).sum(axis=1, keepdims=True), rtol=1e-4)
    np.testing.assert_array_equal(after.argmax(axis=1), before.argmax(axis=1))
