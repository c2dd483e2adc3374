"""Corrections as examples: what fits, what is left out, and how much they count."""

import numpy as np
import pytest

from mlp.corrections import Correction, Corrections
from mlp.errors import CorrectionsUnavailable
from tests.drafts import make_draft
from training import run
from training.errors import FeedbackError
from training.feedback import feedback
from training.recipes import Recipe

RECIPE = Recipe(model="quarters", hidden=(16,), epochs=1, batch_size=20, validation=80)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/feedback.sqlite"


def give(url, count, label="a", *, model="quarters", size=8, version=1, seed=0):
    rng, corrections = np.random.default_rng([seed, count]), Corrections(url)
    for _ in range(count):
        pixels = rng.integers(0, 256, (size, size), dtype=np.uint8)
        corrections.add(Correction(model, version, "b", 0.9, label, pixels), per_minute=10_000, most=10_000)


def test_what_is_held_out_is_not_trained_on(store, small, url):
    give(url, 10)
    give(url, 4, "c")
    give(url, 3, model="others")

    found = feedback(url, store, RECIPE, small)

    assert found.train.labels.tolist().count(0) == 8
    assert found.train.labels.tolist().count(2) == 4
    assert found.held_out.labels.tolist() == [0, 0]
    trained = {pixels.tobytes() for pixels in found.train.pixels}
    assert not any(pixels.tobytes() in trained for pixels in found.held_out.pixels)


def test_what_does_not_fit_is_said_and_left_out(store, small, url):
    draft = make_draft("quarters", labels="abcd", height=8, width=8)
    metadata = draft.metadata
    other = metadata.model_copy(update={"input": metadata.input.model_copy(update={"preparation": "fit"})})
    store.publish(other, draft.layers, draft.golden_inputs)
    give(url, 2, version=7)
    give(url, 1, "z", version=7)
    give(url, 3, size=6, version=7)
    give(url, 4, version=1)

    found = feedback(url, store, RECIPE, small)

    assert len(found.train) == 2
    assert found.left_out == {
        "of 6×6 pixels, not 8×8": 3,
        "with the label 'z', which is no class of quarters": 1,
        "prepared by 'fit', not 'digit'": 4,
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [({"model": "others"}, "no correction of quarters to be trained on"), ({"label": "z"}, "2 with the label 'z'")],
)
def test_no_corrections_that_fit_are_an_error(store, small, url, given, said):
    give(url, 2, **given)

    with pytest.raises(FeedbackError) as error:
        feedback(url, store, RECIPE, small)

    assert said in str(error.value)


def test_a_file_that_is_not_there_is_an_error_and_is_not_made(store, small, url, tmp_path):
    with pytest.raises(CorrectionsUnavailable, match="nothing has been kept yet"):
        feedback(url, store, RECIPE, small)

    assert not (tmp_path / "feedback.sqlite").exists()


def test_the_digest_is_of_all_that_fits(store, small, url):
    give(url, 6)
    before = feedback(url, store, RECIPE, small).sha256
    assert feedback(url, store, RECIPE, small).sha256 == before

    give(url, 1, seed=1)

    assert feedback(url, store, RECIPE, small).sha256 != before


def test_each_correction_counts_as_often_as_its_weight_and_all_as_half_an_epoch_at_most():
    recipe = RECIPE.model_copy(update={"feedback_weight": 30})

    assert recipe.examples(1000, 10) == 1300
    assert recipe.examples(1000, 50) == 2000
    assert recipe.examples(1000, 5000) == 6000, "once each, when there are more than others"


def test_an_epoch_has_the_corrections_in_it(store, small, url):
    give(url, 6)
    found = feedback(url, store, RECIPE, small)
    recipe = RECIPE.model_copy(update={"feedback_weight": 10, "batch_size": 1})
    steps = []

    trained = run.train(recipe, small, run.split(small, recipe), feedback=found, on_batch=lambda: steps.append(1))
    number = run.publish(trained, store)

    assert len(found.train) == 5
    assert len(steps) == recipe.examples(320, 5) == 370
    metrics = store.metadata("quarters", number).metrics
    assert (metrics["corrections"], metrics["corrections_held_out"]) == (5, 1)
    assert 0 <= metrics["corrections_accuracy"] <= 1
    assert 0 <= metrics["corrections_train_accuracy"] <= 1
