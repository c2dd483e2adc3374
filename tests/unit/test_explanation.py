"""The gradient of a class's evidence against central differences, and what is made of it for a picture."""

import numpy as np
import pytest

from mlp import gradient, network
from mlp.activations import ACTIVATIONS
from mlp.explanation import explain
from mlp.network import Layer
from tests.drafts import make_draft

STEP = 1e-6


def layers_of(hidden, output, sizes=(7, 6, 5, 4)):
    rng = np.random.default_rng(3)
    names = [hidden] * (len(sizes) - 2) + [output]
    return [
        Layer(rng.normal(0, 0.7, (i, o)), rng.normal(0, 0.3, o), name)
        for i, o, name in zip(sizes[:-1], sizes[1:], names, strict=True)
    ]


def evidence(layers, x, classes):
    """The z of each row's class less the mean z of the others, by the definition."""
    z = network.scores([*layers[:-1], Layer(layers[-1].weights, layers[-1].biases, "identity")], x)
    rows = zip(z, classes, strict=True)
    return np.array([row[index] - np.delete(row, index).mean() for row, index in rows])


@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_gradient_at_every_layer_matches_central_differences(hidden, output, depth):
    layers = layers_of(hidden, output, (7, 6, 5, 4)[-depth - 1 :])
    x = np.random.default_rng(4).normal(size=(3, len(layers[0].weights)))
    classes = np.array([0, 3, 1])

    found = gradient.of_evidence(layers, x, classes)

    np.testing.assert_allclose(found.evidence, evidence(layers, x, classes), rtol=1e-10)
    for number, (given, slopes) in enumerate(zip(found.inputs, found.of_inputs, strict=True)):
        above = layers[number:]
        for place in range(given.shape[1]):
            moved = np.zeros_like(given)
            moved[:, place] = STEP
            difference = evidence(above, given + moved, classes) - evidence(above, given - moved, classes)
            np.testing.assert_allclose(slopes[:, place], difference / (2 * STEP), rtol=1e-5, atol=1e-8)


@pytest.fixture
def version(store):
    make_draft(hidden=(12, 9)).publish(store)
    return store.read("digits", 1)


@pytest.fixture
def picture():
    pixels = np.zeros((28, 28), np.uint8)
    pixels[5:20, 8:12] = 200
    return pixels


def test_relevance_is_of_ink_alone_and_says_what_emptying_a_pixel_would_do(version, picture):
    pixels = picture.astype(np.float32)
    found = explain(version, pixels, 3, 0)

    assert not found.relevance[picture == 0].any()
    place = np.unravel_index(np.abs(found.relevance).argmax(), picture.shape)
    pixels[place] *= 0.9
    lost = found.evidence - explain(version, pixels, 3, 0).evidence
    assert lost / 0.1 == pytest.approx(found.relevance[place], rel=0.01)


def test_an_empty_pixel_counts_for_nothing_whatever_feature_it_is(store, picture):
    draft = make_draft()
    shifted = draft.metadata.model_copy(update={"input": draft.metadata.input.model_copy(update={"low": -1.0})})
    store.publish(shifted, draft.layers, draft.golden_inputs)

    found = explain(store.read("digits", 1), picture, 3, 0)

    assert not found.relevance[picture == 0].any()
    assert found.relevance[picture > 0].any()


def test_units_of_a_single_hidden_layer_and_the_biases_make_up_the_evidence(store, picture):
    make_draft(hidden=(6,)).publish(store)
    version = store.read("digits", 1)

    found = explain(version, picture, 3, 32)

    bias = version.layers[1].biases
    rest = bias[3] - np.delete(bias, 3).mean()
    assert sum(unit.contribution for unit in found.units) + rest == pytest.approx(found.evidence, abs=1e-4)


def test_units_are_the_strongest_first_with_their_own_weights(version, picture):
    found = explain(version, picture, 3, 4)

    strengths = [abs(unit.contribution) for unit in found.units]
    assert strengths == sorted(strengths, reverse=True)
    assert 0 < len(strengths) <= 4
    first = found.units[0]
    np.testing.assert_array_equal(first.weights.ravel(), version.layers[0].weights[:, first.number])


def test_a_network_without_hidden_layer_is_explained_without_units(store, picture):
    make_draft(hidden=()).publish(store)

    assert explain(store.read("digits", 1), picture, 3, 8).units == ()
