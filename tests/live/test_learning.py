"""A loop from a person's corrections to what answers: given, learnt from, compared, promoted, read right."""

import json
import resource
import shutil
import sys
import time
import urllib.request

import numpy as np
import pytest

from mlp.local_store import LocalStore
from mlp.network import winners
from tests import styles
from tests.drafts import ROOT
from tests.live.conftest import serving
from tests.pictures import encoded
from tests.training.test_cli import start
from training import batches
from training.recipes import Recipe

STYLE = "7 as a V"
LABEL = styles.STYLES[STYLE][0]
GIVEN, HELD_OUT = 20, 40


@pytest.fixture
def store(tmp_path):
    """The shipped store, of which nothing in the repository is touched."""
    root = tmp_path / "models"
    for path in ("digits/3.npz", "digits/aliases.json"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "models" / path, root / path)
    return LocalStore(root)


def ask(url, picture):
    request = urllib.request.Request(url, encoded(picture), {"Content-Type": "image/png"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def read(server, drawings):
    """What the service says of each drawing, and by which version."""
    found = [ask(f"{server.url}/predict", drawing) for drawing in drawings]
    return [(answer["predictions"][0]["label"], answer["version"]) for answer in found]


def share_right(answers):
    return sum(label == LABEL for label, _ in answers) / len(answers)


def right_on_mnist(version, mnist_test):
    pixels, labels = mnist_test
    return int((winners(version.scores(pixels)) == labels).sum())


def test_a_style_that_was_corrected_twenty_times_is_read_right_by_the_version_that_replaces_this_one(
    store, tmp_path, mnist_test
):
    rng = np.random.default_rng(11)
    given, later = (styles.drawings(STYLE, count, rng) for count in (GIVEN, HELD_OUT))
    feedback = f"sqlite:///{tmp_path}/feedback.sqlite"
    with serving(store.root, MLP_POLL_SECONDS="0.05", MLP_FEEDBACK=feedback, MLP_FEEDBACK_PER_MINUTE="100") as server:
        assert share_right(read(server, later)) <= 0.2
        for drawing in given:
            ask(f"{server.url}/feedback?label={LABEL}", drawing)

        begun = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        process = start(
            store,
            *("retrain", "learn", "--with-feedback", "--feedback", feedback),
            *("--url", server.url, "--min-requests", "0"),
        )
        said, wrong = process.communicate(timeout=300)  # so long on a machine that has much else to do
        assert process.returncode == 0, said + wrong
        used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - begun[1].ru_utime
        sys.stdout.write(f"{said}\nin {time.monotonic() - begun[0]:.0f} s, {used:.0f} s of them on a processor\n")

        answers = read(server, later)
    assert {version for _, version in answers} == {4}
    assert share_right(answers) >= 0.9
    before, after = (right_on_mnist(store.read("digits", number), mnist_test) for number in (3, 4))
    assert before - after <= 10
    recipe = Recipe.model_validate(store.metadata("digits", 4).recipe)
    assert recipe.start == "3"
    steps = recipe.epochs * batches.count(recipe.examples(55_000, GIVEN), recipe.batch_size)
    assert steps <= 350, "what makes it a matter of seconds"
    assert "serves version 4" in said
