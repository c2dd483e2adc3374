import numpy as np
import pytest

from mlp.network import Layer, scores
from tests.training.conftest import examples
from tests.training.test_gradients import numerical
from training import initialise, parameters
from training.backprop import Backprop
from training.batch_norm import BatchNorm, folded
from training.checkpoint import Checkpoint
from training.errors import RecipeError
from training.fit import fit
from training.losses import LOSSES
from training.measure import measure
from training.recipes import Recipe, load

TRAIN, VALIDATION = examples(400), examples(80, seed=1)


def recipe(**fields):
    return Recipe.model_validate(
        {"hidden": [12, 8], "epochs": 4, "batch_size": 20, "low": 0.0, "batch_norm": True, **fields}
    )


def normalised_scores(layers, gammas, x):
    """The formula of algorithm 1, plainly."""
    a = x
    for number, layer in enumerate(layers):
        z = a @ layer.weights
        if number < len(gammas):
            z = gammas[number] * (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 1e-5)
        a = scores([Layer(np.eye(z.shape[1]), layer.biases, layer.activation)], z)
    return a


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu", "softmax"])
def test_gradients_of_weights_biases_and_gammas_match_central_differences(hidden):
    rng = np.random.default_rng(3)
    layers = initialise.layers((7, 6, 5, 4), [hidden, hidden, "softmax"], rng, dtype=np.float64)
    gammas, gradients = [rng.uniform(0.5, 2, n) for n in (6, 5)], [np.empty(n) for n in (6, 5)]
    for layer in layers:
        layer.biases[:] = rng.normal(0, 0.3, len(layer.biases))
    x, y = rng.normal(size=(9, 7)), np.eye(4)[rng.integers(0, 4, 9)]

    def objective():
        return LOSSES["cross_entropy"].value(normalised_scores(layers, gammas, x), y, "softmax")

    batch_norm = BatchNorm(gammas, gradients, 12)
    for layer, gradient in zip(
        layers, Backprop(layers, 12, loss="cross_entropy", batch_norm=batch_norm)(x, y.copy()), strict=True
    ):
        np.testing.assert_allclose(gradient.weights, numerical(objective, layer.weights), rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(gradient.biases, numerical(objective, layer.biases), rtol=1e-5, atol=1e-8)
    for gamma, gradient in zip(gammas, gradients, strict=True):
        np.testing.assert_allclose(gradient, numerical(objective, gamma), rtol=1e-5, atol=1e-8)


def test_the_folded_network_answers_as_the_normalised_one():
    rng = np.random.default_rng(4)
    layers = initialise.layers((7, 6, 5, 4), ["relu", "relu", "softmax"], rng, dtype=np.float64)
    gammas = [rng.uniform(0.5, 2, n) for n in (6, 5)]
    x = rng.normal(3, 2, size=(50, 7))

    plain = folded(layers, gammas, x)

    np.testing.assert_allclose(scores(plain, x), normalised_scores(layers, gammas, x), rtol=1e-10)


@pytest.mark.parametrize(
    "fields", [{}, {"workers": 2}, {"average": 0.9}, {"dropout": 0.2}, {"shift": 1}, {"low": -1.0}]
)
def test_what_is_kept_is_a_plain_network_that_has_learnt(fields):
    r = recipe(epochs=8, **fields)

    fitted = fit(r, TRAIN, VALIDATION, 4)

    assert [layer.weights.shape for layer in fitted.layers] == [(TRAIN.pixels[0].size, 12), (12, 8), (8, 4)]
    assert fitted.kept.validation.accuracy > 0.9
    assert measure(fitted.layers, VALIDATION, r) == fitted.kept.validation


def test_the_gammas_are_trained_and_a_run_goes_on_from_a_checkpoint_to_the_same_weights(tmp_path):
    def values(fitted):
        return parameters.counts(fitted.layers), [layer.weights.tobytes() for layer in fitted.layers]

    whole = fit(recipe(), TRAIN, VALIDATION, 4)
    checkpoint = Checkpoint(tmp_path / "run", {"run": 1})
    fit(recipe(epochs=2), TRAIN, VALIDATION, 4, checkpoint=checkpoint)

    assert values(fit(recipe(), TRAIN, VALIDATION, 4, checkpoint=checkpoint)) == values(whole)
    with np.load(tmp_path / "run") as file:
        gammas = parameters.gammas(whole.layers, file["state"][0])
    assert [len(gamma) for gamma in gammas] == [12, 8]
    assert all((gamma != 1).any() for gamma in gammas)


def test_single_examples_are_refused():
    with pytest.raises(RecipeError, match="more than one example"):
        load("book", {"batch_norm": True, "batch_size": 1})
