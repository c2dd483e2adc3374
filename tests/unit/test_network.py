import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp import network
from mlp.network import Layer


def random_layers(sizes, names, seed=0):
    rng = np.random.default_rng(seed)
    return [
        Layer(rng.normal(size=(i, o)).astype(np.float32), rng.normal(size=o).astype(np.float32), name)
        for i, o, name in zip(sizes[:-1], sizes[1:], names, strict=True)
    ]


@pytest.mark.parametrize("sizes", [(6, 3), (6, 5, 3), (6, 5, 4, 3), (6, 5, 4, 5, 3)])
def test_scores_follow_the_definition_at_any_depth(sizes):
    layers = random_layers(sizes, ["sigmoid"] * (len(sizes) - 1))
    x = np.random.default_rng(1).normal(size=(8, 6)).astype(np.float32)

    expected = x.astype(np.float64)
    for layer in layers:
        expected = 1 / (1 + np.exp(-(expected @ layer.weights + layer.biases)))

    np.testing.assert_allclose(network.scores(layers, x), expected, atol=1e-6)


def test_given_buffers_are_filled_and_the_input_is_left_alone():
    layers = random_layers((6, 5, 3), ["relu", "softmax"])
    x = np.random.default_rng(1).normal(size=(8, 6)).astype(np.float32)
    before = x.copy()
    into = [np.empty((8, 5), np.float32), np.empty((8, 3), np.float32)]

    outputs = list(network.activations(layers, x, into))

    assert [a is b for a, b in zip(outputs, into, strict=True)] == [True, True]
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(outputs[-1], network.scores(layers, x))


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_a_batch_gives_what_its_examples_give_alone(n, seed):
    layers = random_layers((6, 5, 3), ["tanh", "softmax"])
    x = np.random.default_rng(seed).normal(size=(n, 6)).astype(np.float32)

    together = network.scores(layers, x)
    alone = np.concatenate([network.scores(layers, row[np.newaxis]) for row in x])

    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_features_run_from_low_to_high_in_float32():
    pixels = np.uint8([[[0, 51], [102, 255]]])

    x = network.features(pixels, -1, 1)

    assert x.dtype == np.float32
    np.testing.assert_allclose(x, [[-1, -0.6, -0.2, 1]], atol=1e-6)


def test_threshold_function_marks_the_first_of_equal_scores():
    scores = np.float32([[0.1, 0.9, 0.9], [0.5, 0.2, 0.1]])

    winners = network.winners(scores)

    assert winners.tolist() == [1, 0]
    assert network.one_hot(winners, 3).tolist() == [[0, 1, 0], [1, 0, 0]]
