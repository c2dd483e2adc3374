"""What a recipe adds to a data set: printed and written digits, digits of few pixels, and pictures of no class."""

import numpy as np
import pytest

from mlp import network
from mlp.local_store import LocalStore
from tests.drafts import ROOT
from tests.training.conftest import quarters
from training import enlarged, outliers, printed, run, written
from training.additions import additions
from training.augment import Augment, Augmentation
from training.batches import Batches
from training.coarse import Coarse
from training.errors import DataError
from training.labelled import Part, data_set
from training.recipes import Recipe

RECIPE = Recipe(
    model="quarters", hidden=(32,), epochs=25, batch_size=20, validation=80, low=0, outliers=0.5, learning_rate=0.2
)


def confidence(trained, pictures):
    return network.scores(trained.fitted.layers, network.features(pictures, 0, 1)).max(axis=1)


def test_a_network_that_was_shown_outliers_is_less_sure_of_them_and_as_good_otherwise(small):
    without = RECIPE.model_copy(update={"outliers": 0.0})
    shown, not_shown = (run.train(recipe, small, run.split(small, recipe)) for recipe in (RECIPE, without))

    unlike = outliers.pictures(200, quarters(50)[0], np.random.default_rng(99))
    assert np.median(confidence(shown, unlike)) < 0.6 < np.median(confidence(not_shown, unlike))
    assert shown.test.accuracy > 0.95


def test_outliers_are_all_different_kinds_and_not_in_what_is_measured(small):
    recipe = RECIPE.model_copy(update={"train_sample": 0, "epochs": 1})
    trained = run.train(recipe, small, run.split(small, recipe))

    assert trained.fitted.kept.train.accuracy * 320 == pytest.approx(round(trained.fitted.kept.train.accuracy * 320))
    pictures = outliers.pictures(50, quarters(50)[0], np.random.default_rng(0))
    assert pictures.shape == (50, 8, 8)
    assert len({picture.tobytes() for picture in pictures}) > 40


def test_the_label_of_no_class_has_every_class_alike_as_its_target():
    batches = Batches(np.zeros((2, 1, 1), np.uint8), np.array([1, 3]), classes=3, rows=2, smoothing=0.3)

    ((_, y, _),) = batches.epoch(np.random.default_rng(0))

    np.testing.assert_allclose(y[y.max(axis=1).argsort()], [[1 / 3] * 3, [0.1, 0.8, 0.1]], atol=1e-6)


def test_scrambled_has_the_same_pixels_elsewhere():
    picture = np.arange(26 * 31, dtype=np.uint16).reshape(26, 31)

    mixed = outliers.scrambled(picture, 4, np.random.default_rng(0))

    assert not np.array_equal(mixed, picture)
    np.testing.assert_array_equal(np.sort(mixed, axis=None), picture.ravel())


def read_by_the_shipped_network(pictures):
    store = LocalStore(ROOT / "models")
    version = store.read("digits", store.resolve("digits", "production"))
    x = network.features(pictures, version.metadata.input.low, version.metadata.input.high)
    return network.scores(version.layers, x).argmax(axis=1)


def test_printed_digits_are_read_by_the_shipped_network():
    """They are what their labels say, and prepared as the network expects."""
    pictures, labels = printed.digits(176, 28, 28, np.random.default_rng(0))

    assert (read_by_the_shipped_network(pictures) == labels).mean() > 0.6
    assert np.bincount(labels).tolist() == [16, 32, *[16] * 8]


def test_each_written_digit_is_read_by_the_shipped_network():
    """As above; some classes are written in ways that a network may not know, but none is mistaken throughout."""
    pictures, labels = written.digits(400, 28, 28, np.random.default_rng(0))

    right = read_by_the_shipped_network(pictures) == labels
    assert np.bincount(labels).tolist() == [40] * 10
    assert min(right[labels == digit].mean() for digit in range(10)) > 0.5


def test_no_two_written_digits_are_alike_and_the_same_seed_gives_the_same_ones():
    first, again = (written.digits(100, 28, 28, np.random.default_rng(3))[0] for _ in range(2))

    assert len({picture.tobytes() for picture in first}) == 100
    np.testing.assert_array_equal(first, again)


def test_an_enlarged_digit_is_a_few_pixels_each_repeated():
    ink = np.zeros((200, 100), np.float32)
    ink[:, 40:60] = ink[90:110] = 1
    rng = np.random.default_rng(0)
    found = [enlarged.coarsened(ink, rng) for _ in range(60)]

    repeated = [pixels for pixels in found if (pixels[::8] == pixels[7::8]).all()]
    assert 10 < len(repeated) < 30  # one of three ways to enlarge
    assert {len(pixels) // 8 for pixels in repeated} <= set(range(7, 12))
    assert all((pixels[:, ::8] == pixels[:, 7::8]).all() for pixels in repeated)
    assert all(pixels.min() >= 0 and pixels.max() == 1 for pixels in found)


def test_enlarged_digits_differ_in_shape_from_their_own():
    tall = np.zeros((1, 28, 28), np.uint8)
    tall[0, 4:24, 13:16] = 255
    many = enlarged.examples(np.repeat(tall, 40, axis=0), np.random.default_rng(0))

    widths = (many > 64).any(axis=1).sum(axis=1)
    assert widths.max() >= 2 * widths.min()
    assert many.shape == (40, 28, 28)


def test_an_empty_picture_stays_empty_when_it_is_enlarged():
    assert not enlarged.examples(np.zeros((1, 28, 28), np.uint8), np.random.default_rng(0)).any()


def test_enlarged_examples_keep_the_labels_of_what_they_are_made_from(small):
    recipe = RECIPE.model_copy(update={"outliers": 0.0, "enlarged": 1.0})
    train = run.split(small, recipe).train

    more = additions(train, small.classes, recipe)

    assert np.bincount(more.labels).tolist() == np.bincount(train.labels).tolist()


def test_additions_are_in_proportion_and_a_recipe_without_any_has_none(small):
    train = run.split(small, RECIPE).train

    assert additions(train, small.classes, RECIPE.model_copy(update={"outliers": 0.0})) is None
    more = additions(train, small.classes, RECIPE.model_copy(update={"enlarged": 0.25}))
    assert np.bincount(more.labels == len(small.classes)).tolist() == [80, 160]


def test_letters_are_not_empty_and_no_two_alike():
    letters = printed.letters(300, 28, 28, np.random.default_rng(0))

    assert (letters.reshape(300, -1).max(axis=1) == 255).all()
    assert len({letter.tobytes() for letter in letters}) > 290


@pytest.mark.parametrize("kind", ["printed", "written"])
def test_digits_are_refused_for_other_classes(small, kind):
    recipe = RECIPE.model_copy(update={kind: 0.1})

    with pytest.raises(DataError, match=f"{kind} digits go with the classes 0 to 9, and these are a, b, c, d"):
        run.train(recipe, small, run.split(small, recipe))


def test_an_epoch_has_as_many_examples_as_the_recipe_says():
    images, labels = (np.zeros((200, 28, 28), np.uint8), np.arange(200) % 10)
    data = data_set("blank", tuple("0123456789"), Part(images, labels), Part(images, labels))
    recipe = Recipe(hidden=(4,), epochs=1, batch_size=1, validation=20, outliers=0.15, printed=0.1, written=0.05)
    steps = []

    run.train(recipe, data, run.split(data, recipe), on_batch=lambda: steps.append(1))

    assert len(steps) == recipe.examples(180) == 180 + 18 + 9 + 27


def test_coarse_pictures_have_few_different_rows_and_columns_and_keep_their_ink():
    picture = np.zeros((28, 28), np.float32)
    picture[6:22, 12:15] = 100
    pictures = np.stack([picture] * 3)

    Coarse(28, 28, np.random.default_rng(0))(pictures)

    assert len(np.unique(pictures[0], axis=0)) < 8
    assert pictures[0].sum() == pytest.approx(1.25 * picture.sum(), rel=0.05)


def test_only_a_share_of_the_pictures_is_coarse():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (640, 784), np.uint8)
    out = np.empty(images.shape, np.float32)

    Augment(28, 28, 640, Augmentation(coarse=0.25), rng)(images, out)

    assert (out != images).any(axis=1).mean() == pytest.approx(0.25, abs=0.05)


def test_calibration_changes_no_answer_and_lowers_the_loss_on_validation(small):
    recipe = RECIPE.model_copy(update={"outliers": 0.0, "label_smoothing": 0.3})
    plain = RECIPE.model_copy(update={"outliers": 0.0, "label_smoothing": 0.3, "calibrate": False})
    calibrated, as_trained = (run.train(r, small, run.split(small, r)) for r in (recipe, plain))

    np.testing.assert_array_equal(calibrated.answers.winners, as_trained.answers.winners)
    assert calibrated.test.loss < as_trained.test.loss
