"""The chapter's experiments, small."""

import dataclasses

import numpy as np
import pytest

from mlp import network
from tests.training.conftest import examples
from training import initialise
from training.experiments import compare, converge, figures, surface
from training.fit import fit
from training.measure import measure
from training.recipes import Recipe

TRAIN, VALIDATION, TEST = examples(120), examples(40, seed=1), examples(60, seed=2)


@pytest.fixture(scope="module")
def curves():
    return converge.converge(TRAIN, VALIDATION, 4, epochs=3, seeds=(1, 2))


def test_all_kinds_begin_with_the_same_weights():
    """With steps of next to no length, every kind stays at its start."""
    still = {"learning_rate": 1e-12, "epochs": 1}
    starts = [
        fit(converge.CHAPTER.model_copy(update={**still, "batch_size": kind.batch_size}), TRAIN, VALIDATION, 4).layers
        for kind in converge.KINDS
    ]

    for layers in starts[1:]:
        np.testing.assert_allclose(layers[0].weights, starts[0][0].weights, atol=1e-7)


def test_every_kind_and_rate_has_its_passes_for_each_seed(curves):
    assert [(curve.kind.name, curve.rate) for curve in curves] == [
        (kind.name, rate) for kind in converge.KINDS for rate in kind.rates
    ]
    assert [curve.losses.shape for curve in curves] == [(2, 3)] * 3 + [(2, 9)] * 3 + [(2, 27)] * 3
    for curve in curves:
        assert (np.diff(curve.seconds, axis=1) > 0).all()
    assert len(converge.table(curves).splitlines()) == 2 + 9


def test_the_best_rate_of_a_kind_is_the_one_with_the_least_loss_at_the_end(curves):
    kind = converge.KINDS[1]

    best = converge.best(curves, kind)

    assert best.final == min(curve.losses[:, -1].mean() for curve in curves if curve.kind == kind)
    diverged = dataclasses.replace(best, losses=np.full((2, 3), np.inf))
    assert converge.best([diverged, best], kind) is best
    assert "diverged" in converge.table([diverged])


def test_a_slice_has_the_network_in_its_middle_and_directions_of_the_weights_own_length():
    recipe = Recipe(low=0, hidden=(9,), activation="tanh")
    layers = initialise.layers((64, 9, 4), recipe.activations, np.random.default_rng(0))

    first = surface.direction(layers, np.random.default_rng(1))
    steps, losses = surface.slice_around(layers, TRAIN, recipe, reach=1, points=5, rng=np.random.default_rng(1))

    for layer, d in zip(layers, first, strict=True):
        np.testing.assert_allclose(np.linalg.norm(d, axis=0), np.linalg.norm(layer.weights, axis=0), rtol=1e-6)
    assert losses[2, 2] == pytest.approx(measure(layers, TRAIN, recipe).loss, rel=1e-6)
    moved = [
        network.Layer((layer.weights + 0.5 * d).astype(np.float32), layer.biases, layer.activation)
        for layer, d in zip(layers, first, strict=True)
    ]
    assert losses[3, 2] == pytest.approx(measure(moved, TRAIN, recipe).loss, rel=1e-5)
    np.testing.assert_allclose(steps, [-1, -0.5, 0, 0.5, 1])


@pytest.fixture(scope="module")
def results():
    return list(compare.compare(TRAIN, VALIDATION, TEST, 4))


def test_every_classifier_is_trained_and_measured(results):
    assert [result.name for result in results] == [
        "Adaline", "MLP, the book's", "MLP, 256 ReLU", "logistic regression", "SVM, linear", "SVM, RBF",
    ]  # fmt: skip
    for result in results:
        assert result.accuracy > 0.5, result.name
        assert result.train_seconds > 0
        assert result.predict_seconds > 0
    assert len(compare.table(results).splitlines()) == 2 + 6


def test_sizes_are_those_of_the_arrays(results):
    sizes = {result.name: result.bytes for result in results}

    assert sizes["Adaline"] == (64 * 4 + 4) * 4
    assert sizes["MLP, 256 ReLU"] == (64 * 256 + 256 + 256 * 4 + 4) * 4


def test_figures_name_what_they_show(curves, results):
    recipe = Recipe(low=0, hidden=())
    layers = initialise.layers((64, 4), recipe.activations, np.random.default_rng(0))
    landscape = surface.slice_around(layers, TRAIN, recipe, reach=1, points=5, rng=np.random.default_rng(0))

    assert b"mini-batch of 100, rate" in figures.curves(curves)
    assert b"the minimum found" in figures.surface(*landscape)
    for result in results:
        assert result.name.replace("'", "&#39;").encode() in figures.bars(results).replace(b"'", b"&#39;")
