"""Going on from a stored version: its weights are the first ones, and nothing that it has seen is measured with."""

import numpy as np
import pytest
from pydantic import ValidationError

from tests.training.conftest import quarters
from training import run
from training.errors import StartRefused
from training.labelled import Part, data_set
from training.recipes import Recipe
from training.start import start

RECIPE = Recipe(model="quarters", hidden=(16,), epochs=8, batch_size=20, validation=80, learning_rate=0.1)


@pytest.fixture
def stored(store, small):
    """The store with a version of `small`, and one more in production."""
    for _version in (1, 2):
        run.publish(run.train(RECIPE, small, run.split(small, RECIPE)), store)
    store.promote("quarters", 2)
    return store


def going_on(**fields):
    return RECIPE.model_copy(update={"start": "1", **fields})


def test_a_run_begins_with_the_weights_of_the_version(stored, small):
    recipe, first = start(stored, going_on(epochs=1, learning_rate=1e-9), small)

    trained = run.train(recipe, small, run.split(small, recipe), first=first)

    before = stored.read("quarters", 1).layers
    for ours, theirs in zip(trained.fitted.layers[:-1], before[:-1], strict=True):
        np.testing.assert_allclose(ours.weights, theirs.weights, atol=1e-6)


def test_an_alias_is_recorded_as_the_number_that_it_stood_for(stored, small):
    recipe, first = start(stored, going_on(start="production"), small)

    number = run.publish(run.train(recipe, small, run.split(small, recipe), first=first), stored)

    assert stored.metadata("quarters", number).recipe["start"] == "2"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"hidden": (8,)}, "hidden [16], and the run has [8]"),
        ({"activation": "tanh"}, "activations ['relu', 'softmax'], and the run has ['tanh', 'softmax']"),
        ({"low": 0.0}, "low -1.0, and the run has 0.0"),
        ({"seed": 2}, "trained with seed 1, and the run has 2: other parts of the data"),
        ({"validation": 60}, "trained with validation 80, and the run has 60: other parts of the data"),
    ],
)
def test_another_shape_or_other_parts_are_refused_by_name(stored, small, other, said):
    with pytest.raises(StartRefused) as refused:
        start(stored, going_on(**other), small)

    assert said in str(refused.value)


def test_a_data_set_that_has_changed_is_refused(stored):
    grown = data_set("quarters", tuple("abcd"), Part(*quarters(440)), Part(*quarters(80, seed=1)))

    with pytest.raises(StartRefused, match="quarters has changed since it was trained"):
        start(stored, going_on(), grown)


def test_a_version_that_does_not_say_how_it_was_trained_is_refused(store, small):
    trained = run.train(RECIPE, small, run.split(small, RECIPE))
    number = run.publish(trained, store)
    metadata = store.metadata("quarters", number).model_copy(update={"recipe": {}, "dataset": None})
    store.publish(metadata, trained.fitted.layers, trained.golden_inputs)

    with pytest.raises(StartRefused, match="does not say what it was trained on"):
        start(store, going_on(start="2"), small)


def test_batch_normalisation_is_refused():
    with pytest.raises(ValidationError, match="folded into the weights"):
        Recipe(start="production", batch_norm=True)


def test_a_run_without_a_store_refuses_to_begin_anew_instead(small):
    with pytest.raises(StartRefused, match="start is for train and retrain"):
        run.train(going_on(), small, run.split(small, RECIPE))


def test_replay_takes_so_many_examples(small):
    steps = []
    recipe = RECIPE.model_copy(update={"replay": 60, "epochs": 1, "batch_size": 1})

    run.train(recipe, small, run.split(small, recipe), on_batch=lambda: steps.append(1))

    assert len(steps) == recipe.examples(320) == 60
