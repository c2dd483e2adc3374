"""From a recipe to what a running service answers with, by `retrain` alone."""

import json
import threading
import urllib.request

import numpy as np
import pytest
from click.testing import CliRunner

from mlp.local_store import LocalStore
from tests.drafts import make_draft
from tests.live.conftest import serving
from tests.training.conftest import examples
from tests.training.test_cli import run, start
from training.cli import main

QUICK = ("--no-calibrate", "--hidden", "8", "--epochs", "3", "--validation", "40", "--test", "40")


@pytest.fixture
def data(tmp_path):
    """A data set that is learnt in a moment; the training part's pictures are what clients will send."""
    found = examples(400)
    np.savez(tmp_path / "data.npz", images=found.pixels, labels=found.labels)
    return tmp_path / "data.npz"


@pytest.fixture
def store(tmp_path):
    return LocalStore(tmp_path / "models")


@pytest.fixture
def server(store):
    make_draft().publish(store)  # another model, so that there is a service before there is this one
    store.promote("digits", 1)
    with serving(store.root, MLP_POLL_SECONDS="0.05", MLP_SHADOW_QUEUE="10000") as running:
        yield running


def retrain(data, *more):
    return ("retrain", "fast", "--dataset", data, "--model", "marks", *QUICK, *more)


def ask(url):
    pictures = examples(50).pixels
    request = urllib.request.Request(
        f"{url}/predict?model=marks", pictures.tobytes(), {"Content-Type": "application/octet-stream"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)["version"]


def test_a_first_version_is_served_and_the_next_when_the_shadow_has_proved_good(data, store, server):
    said = run(store, *retrain(data, "--url", server.url))
    assert "nothing was in production: it is version 1 now" in said
    assert ask(server.url) == 1

    said = run(store, *retrain(data, "--url", server.url, "--seed", "1", "--min-accuracy", "0.5"))
    assert "version 2 answers in the shadow now; shadow is promoted after 100 requests" in said
    changes = [change.what.split()[0] for change in store.aliases("marks").history]
    assert changes == ["production", "shadow", "rule:"], "a rule must not meet the shadow of before"
    assert ask(server.url) == 1

    waiting = start(store, *retrain(data, "--url", server.url, "--wait", "60", "--min-requests", "200"))
    third = server.wait_until(lambda: store.aliases("marks").aliases.get("shadow") == 3)
    stop = threading.Event()
    clients = threading.Thread(target=lambda: [ask(server.url) for _ in iter(stop.is_set, True)])
    clients.start()
    try:
        out, err = waiting.communicate(timeout=90)
    finally:
        stop.set()
        clients.join()
    assert third
    assert waiting.returncode == 0, out + err
    assert "serves version 3" in out
    assert ask(server.url) == 3
    promoted = store.aliases("marks").history[-1]
    assert (promoted.by, promoted.origin, promoted.target) == ("the rule", 1, 3)


def test_a_wait_that_is_in_vain_says_what_is_lacking(data, store):
    run(store, *retrain(data))
    with serving(store.root, MLP_POLL_SECONDS="0.05") as server:
        said = run(store, *retrain(data, "--url", server.url, "--wait", "0.5"), status=1)

    assert "not promoted within 0.5 seconds" in said
    assert "0 of 100 requests" in said


def test_a_service_that_is_not_there_is_found_out_before_the_training(data, store):
    said = run(store, *retrain(data, "--url", "http://127.0.0.1:1"), status=1)

    assert "no service answers at http://127.0.0.1:1/models/marks" in said
    assert not store.root.exists()


def test_a_service_over_another_store_is_found_out(data, store, tmp_path, monkeypatch):
    other = LocalStore(tmp_path / "other")
    run(other, *retrain(data, "--seed", "7"))
    monkeypatch.setattr("training.commands.retrain._FOLLOWED_SECONDS", 0.5)
    with serving(other.root) as server:
        # In this process, where the time to wait is short.
        arguments = ["--models", str(store.root), *map(str, retrain(data, "--url", server.url))]
        result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 1
    assert "over another store" in result.output
