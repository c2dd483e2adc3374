"""Scores may not depend on how a batch is made up: any network, any size and order, and weights that are rounded."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlp import network, version_file
from mlp.activations import ACTIVATIONS
from mlp.network import Layer
from mlp.version import _LARGE_BYTES, _ROWS, Version
from tests.drafts import ROOT, make_draft

TOLERANCE = 1e-5
"""Sums of up to a thousand products in float32 are rounded in another order for another number of rows."""

SIDE = 5


@st.composite
def versions(draw) -> Version:
    """An untrained version of up to three hidden layers, with any activation in any layer."""
    hidden = draw(st.lists(st.integers(1, 20), max_size=3))
    labels = "abcdefghij"[: draw(st.integers(2, 10))]
    draft = make_draft(
        "any", seed=draw(st.integers(0, 2**32 - 1)), labels=labels, hidden=hidden, height=SIDE, width=SIDE
    )
    names = tuple(
        draw(st.lists(st.sampled_from(sorted(ACTIVATIONS)), min_size=len(hidden) + 1, max_size=len(hidden) + 1))
    )
    layers = tuple(Layer(layer.weights, layer.biases, name) for layer, name in zip(draft.layers, names, strict=True))
    spec = draft.metadata.input.model_copy(update={"low": draw(st.sampled_from([-1.0, 0.0])), "high": 1.0})
    metadata = draft.metadata.model_copy(update={"activations": names, "input": spec})
    return version_file.unpack(dataclasses.replace(draft, metadata=metadata, layers=layers).pack())


def pictures(n: int, seed: int) -> np.ndarray:
    """Half of them with most pixels blank, as written characters have."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (n, SIDE, SIDE), dtype=np.uint8)
    pixels[: n // 2] *= rng.random((n // 2, SIDE, SIDE)) < 0.3
    return pixels


def one_by_one(version: Version, pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([version.scores(picture[np.newaxis]) for picture in pixels])


def assert_same_labels(found: np.ndarray, expected: np.ndarray) -> None:
    """But where the two best scores are nearer to each other than sums are exact."""
    np.testing.assert_allclose(found, expected, atol=TOLERANCE, rtol=TOLERANCE)
    best = np.sort(expected, axis=1)[:, -2:]
    clear = best[:, 1] - best[:, 0] > 2 * TOLERANCE * (1 + np.abs(best[:, 1]))
    np.testing.assert_array_equal(network.winners(found)[clear], network.winners(expected)[clear])


@given(versions(), st.integers(1, 30), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_a_batch_gets_the_scores_and_labels_of_its_pictures_alone(version, n, seed):
    pixels = pictures(n, seed)

    assert_same_labels(version.scores(pixels), one_by_one(version, pixels))


@given(versions(), st.permutations(range(12)), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_the_order_of_a_batch_is_the_order_of_its_answers_and_nothing_else(version, order, seed):
    pixels = pictures(len(order), seed)

    assert_same_labels(version.scores(pixels[order]), version.scores(pixels)[order])


@given(versions(), st.lists(st.integers(0, 20), max_size=3), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_a_batch_may_be_cut_anywhere(version, cuts, seed):
    pixels = pictures(20, seed)
    parts = [part for part in np.split(pixels, sorted(cuts)) if len(part)]

    assert_same_labels(np.concatenate([version.scores(part) for part in parts]), version.scores(pixels))


@given(versions(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_the_scale_in_the_weights_gives_what_the_features_give(version, seed):
    """A version multiplies its first weights once, instead of every picture."""
    pixels, spec = pictures(8, seed), version.metadata.input

    expected = network.scores(version.layers, network.features(pixels, spec.low, spec.high))

    assert_same_labels(version.scores(pixels), expected)


@given(versions(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_floats_that_are_whole_pixels_are_the_same_pixels(version, seed):
    pixels = pictures(9, seed)

    np.testing.assert_array_equal(version.scores(pixels.astype(np.float32)), version.scores(pixels))


@pytest.mark.parametrize("n", [1, 2, _ROWS - 1, _ROWS, _ROWS + 1, 2 * _ROWS, 2 * _ROWS + 1])
def test_no_picture_is_lost_or_changed_where_a_batch_is_cut(n):
    version = version_file.unpack(make_draft(hidden=(9,), height=SIDE, width=SIDE).pack())
    pixels = pictures(n, n)

    found = version.scores(pixels)

    assert found.shape == (n, 10)
    assert_same_labels(found, one_by_one(version, pixels))


@pytest.fixture(scope="module")
def shipped():
    return version_file.read(ROOT / "models/digits/3.npz")


def test_a_single_picture_without_its_blank_pixels_is_what_it_is_in_a_batch(shipped, mnist_test):
    """The shipped network is large enough for that way; the other tests' networks are not."""
    pixels = np.concatenate([mnist_test[0][:200], np.zeros((1, 28, 28), np.uint8), np.full((1, 28, 28), 255, np.uint8)])
    assert shipped.layers[0].weights.nbytes > _LARGE_BYTES

    assert_same_labels(one_by_one(shipped, pixels), shipped.scores(pixels))


def test_weights_rounded_to_float16_keep_the_labels_of_mnist_s_test_set(shipped, mnist_test):
    """A version file holds float32 alone; this says what half of it would cost."""
    layers = tuple(
        Layer(
            layer.weights.astype(np.float16).astype(np.float32),
            layer.biases.astype(np.float16).astype(np.float32),
            layer.activation,
        )
        for layer in shipped.layers
    )
    halved = Version(shipped.metadata, layers, shipped.golden_inputs, shipped.golden_scores)

    found, expected = halved.scores(mnist_test[0]), shipped.scores(mnist_test[0])

    assert np.mean(network.winners(found) == network.winners(expected)) >= 0.9995
    assert np.abs(found - expected).max() < 0.005
    assert not np.array_equal(found, expected)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_a_row_of_large_values_changes_nothing_in_the_others(name):
    rows = np.float32([[0.1, -0.2, 0.3], [500, 1000, -2000], [-3000, -3001, -3002]])
    together, alone = rows.copy(), [row[np.newaxis].copy() for row in rows]

    with np.errstate(over="ignore"):
        ACTIVATIONS[name](together)
        for row in alone:
            ACTIVATIONS[name](row)

    assert np.isfinite(together).all()
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=1e-6)
