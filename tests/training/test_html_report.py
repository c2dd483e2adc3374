"""The HTML report, from networks that take no training to have."""

import base64
import dataclasses
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from mlp import version_file
from mlp.network import Layer
from tests.drafts import make_draft
from training.answers import Answers
from training.measure import Epoch, Examples, Measure
from training.page import build, out_of_distribution
from training.page.per_class import most_confused, per_class
from training.page.pictures import weight_sheet
from training.recipes import Recipe

RECIPE = Recipe(epochs=3, hidden=(12,), learning_rate=0.25)


def answered(*, n=60, labels="0123456789", height=28, width=28, hidden=(12,), output="softmax", recipe=RECIPE):
    """A version that nobody has trained, and its answers to random pictures."""
    draft = make_draft(labels=labels, height=height, width=width, hidden=hidden)
    *first, last = draft.layers
    layers = (*first, Layer(last.weights, last.biases, output))
    update = {"activations": (*["relu"] * len(hidden), output), "recipe": recipe.model_dump(mode="json")}
    metadata = draft.metadata.model_copy(update=update)
    version = version_file.unpack(version_file.pack(metadata, layers, draft.golden_inputs))
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (n, height, width), dtype=np.uint8)
    examples = Examples(pixels, rng.integers(0, len(labels), n))
    return version, Answers(examples, version.scores(pixels))


def history(n):
    return [Epoch(k, Measure(3 / k, 1 - 0.5 / k), Measure(4 / k, 1 - 0.6 / k), 1.5) for k in range(1, n + 1)]


def html(version, answers, epochs=()):
    page = build.html(version, answers, "noise", epochs)
    ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>"))  # every tag is closed, every character escaped
    assert len(page) < 2_000_000
    return page


def svgs(page):
    return [base64.b64decode(found).decode() for found in re.findall(r"data:image/svg\+xml;base64,([^\"]+)", page)]


def sections(page):
    return re.findall(r"<h2>(.*?)</h2>", page)


def kept(version, epoch):
    metrics = {**version.metadata.metrics, "epochs": float(epoch)}
    return dataclasses.replace(version, metadata=version.metadata.model_copy(update={"metrics": metrics}))


@pytest.fixture(scope="module")
def answers():
    return answered()[1]


@pytest.fixture(scope="module")
def page(answers):
    """The report of a run of three epochs, of which the second was kept."""
    return html(kept(answered()[0], 2), answers, history(3))


def test_the_page_has_its_parts_in_a_readers_order(page, answers):
    assert sections(page) == [
        "Learning curves",
        "Class by class",
        "Calibration",
        "Confidence in what is none of the classes",
        "Worst mistakes",
        "First-layer weights",
        "Recipe",
        "Where it comes from",
    ]
    assert f"{answers.right.mean():.2%}" in page
    assert "784-12-10" in page
    assert "2 of 3" in page
    assert "epoch 2, kept" in svgs(page)[0]
    assert "letters" in page


def test_without_the_runs_history_there_are_no_learning_curves():
    page = html(*answered())

    assert sections(page)[0] == "Class by class"


def test_nothing_is_fetched_and_no_script_runs(page):
    for text in (page, *svgs(page)):
        addresses = re.findall(r"https?://[^\"\s<]+", re.sub(r"xmlns(:\w+)?=\"[^\"]*\"", "", text))
        assert addresses == []
    assert "<script" not in page
    assert "<link" not in page
    assert set(re.findall(r"src=\"(.{5})", page)) == {"data:"}


def test_every_picture_says_in_words_what_it_shows(page):
    class Images(HTMLParser):
        alts = []

        def handle_startendtag(self, tag, attrs):
            if tag == "img":
                self.alts.append(dict(attrs).get("alt"))

    Images().feed(page)

    assert len(Images.alts) > 20
    assert all(Images.alts)


def test_labels_are_escaped_and_never_markup_or_mathematics():
    labels = ("<script>alert(1)</script>", "a & b", "$x_1$", "two\nlines\x01", "漢字", "long " * 30)

    page = html(*answered(labels=labels))

    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\x01" not in page
    figures = [ElementTree.fromstring(svg) for svg in svgs(page)]
    matrix = "".join(figures[0].itertext())
    assert "$x_1$" in matrix
    assert "漢字" in matrix


def test_the_same_run_gives_the_same_page(page, answers):
    assert html(kept(answered()[0], 2), answers, history(3)) == page


def test_of_a_thousand_classes_the_most_confused_are_shown():
    labels = [f"class {number}" for number in range(1000)]

    page = html(*answered(labels=labels, n=400))

    matrix = ElementTree.fromstring(svgs(page)[0])
    shown = {"".join(text.itertext()) for text in matrix.iter() if text.tag.endswith("text")}
    assert len([text for text in shown if text.startswith("class ")]) == 20
    assert "Of 1,000 classes" in page
    assert page.count("<details>") == 2


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
@pytest.mark.parametrize(("height", "width", "hidden"), [(8, 8, ()), (5, 31, (3,)), (1, 3, (4,)), (40, 40, (70,))])
def test_any_network_and_picture_size_has_a_report_of_four_examples(output, height, width, hidden):
    recipe = Recipe(loss="mse", output=output, epochs=1)
    version, answers = answered(
        n=4, labels="abcd", height=height, width=width, hidden=hidden, output=output, recipe=recipe
    )

    page = html(kept(version, 1), answers, history(1))

    assert "expected calibration error" in page
    assert "letters" not in page
    assert ("First-layer weights" in page) == (height >= 4)


def test_scores_that_are_no_probabilities_get_no_calibration_error():
    version, answers = answered(output="identity", recipe=Recipe(loss="mse", output="identity"))

    page = html(version, answers)

    assert "have no calibration error" in page
    assert "AUROC" in page


@pytest.mark.parametrize("right", [True, False])
def test_all_right_and_all_wrong_are_reported(right):
    version, answers = answered()
    labels = answers.winners if right else (answers.winners + 1) % 10

    page = html(version, Answers(Examples(answers.examples.pixels, labels), answers.scores))

    assert ("every test example was answered rightly" in page) == right
    assert ("test, answered wrongly" in page) != right


def test_a_version_without_a_recipe_has_a_report():
    draft = make_draft()
    version = version_file.unpack(draft.pack())
    _, answers = answered()

    page = html(version, Answers(answers.examples, version.scores(answers.examples.pixels)))

    assert "does not say by which recipe" in page
    assert "test loss" not in page


def test_the_worst_mistakes_are_the_surest_first(page, answers):
    wrong = np.sort(answers.confidence[~answers.right])[::-1]

    listed = re.findall(r"<b>\w → \w</b><br /><span class=\"soft\">([\d.]+)", page)

    assert listed == [f"{confidence:.3f}" for confidence in wrong[:24]]


def test_the_recipe_shows_first_what_differs_from_the_defaults(page):
    first, _, rest = page[page.index("<h2>Recipe") :].partition("<details>")
    assert "learning_rate" in first
    assert "0.25" in first
    assert "momentum" not in first
    assert "momentum" in rest


def test_precision_recall_and_f1_of_a_class():
    confusion = np.array([[6, 2, 0], [1, 3, 0], [4, 0, 0]])  # row: true

    first, second, third = per_class(confusion, ("a", "b", "c"))

    assert (first.examples, first.precision, first.recall) == (8, 6 / 11, 6 / 8)
    assert first.f1 == pytest.approx(2 * (6 / 11) * (6 / 8) / (6 / 11 + 6 / 8))
    assert second.taken_for == "a (1×)"
    assert (third.precision, third.recall, third.f1) == (None, 0, 0)
    assert most_confused(confusion, 2).tolist() == [0, 2]


def test_weights_are_laid_out_by_norm():
    weights = np.zeros((16, 3), np.float32)
    weights[:, 1], weights[5, 2] = 2, 1

    sheet, units = weight_sheet(weights, 4, 4)

    assert units == 3
    assert (sheet[:4, :4] == 2).all()
    assert np.isnan(sheet[:, 4]).all()
    assert sheet[1, 5 + 1] == 1
    assert weight_sheet(np.zeros((200 * 200, 9), np.float32), 200, 200) is None


def test_scrambling_moves_blocks_and_keeps_every_pixel():
    version, answers = answered(n=5)
    kinds = out_of_distribution.kinds(version.metadata, answers.examples.pixels)

    scrambled, before = kinds["scrambled test pictures"], answers.examples.pixels
    assert (scrambled != before).any(axis=(1, 2)).all()
    assert (np.sort(scrambled.reshape(5, -1)) == np.sort(before.reshape(5, -1))).all()
    assert all(pictures.shape[1:] == (28, 28) and pictures.dtype == np.uint8 for pictures in kinds.values())
