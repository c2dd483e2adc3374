"""A shadow that earns its place: compared by all workers, promoted by one of them, without a person."""

import json
import threading
import urllib.request

import numpy as np
import pytest

from mlp.aliases import Rule
from tests.drafts import make_draft
from tests.live.conftest import serving

PICTURES = (np.random.default_rng(3).random((10, 28, 28)) < 0.05).astype(np.uint8) * np.uint8(255)


@pytest.fixture
def server(store):
    for seed in (1, 2):
        make_draft(seed=seed).publish(store)
    store.promote("digits", 1)
    store.promote("digits", 2, "shadow")
    with serving(store.root, WEB_CONCURRENCY="3", MLP_POLL_SECONDS="0.05", MLP_SHADOW_QUEUE="10000") as running:
        yield running


def model(server):
    with urllib.request.urlopen(f"{server.url}/models/digits", timeout=20) as answer:
        return json.load(answer)


def predict(server):
    request = urllib.request.Request(
        f"{server.url}/predict", PICTURES.tobytes(), {"Content-Type": "application/octet-stream"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert json.load(answer)["predictions"]


def test_all_workers_count_together_and_one_promotes_once(server, store):
    threads = [threading.Thread(target=lambda: [predict(server) for _ in range(10)]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.wait_until(lambda: model(server)["shadow"]["pictures"] == 600)
    assert store.aliases("digits").aliases == {"production": 1, "shadow": 2}

    store.set_rule("digits", Rule(min_requests=600, min_agreement=0.0, min_accuracy=0.5))

    server.wait_until(lambda: model(server)["aliases"]["production"] == 2)
    by_rule = [change for change in store.aliases("digits").history if change.by == "the rule"]
    assert [(change.origin, change.target) for change in by_rule] == [(1, 2)]
    assert "600 pictures" in by_rule[0].why
    assert "refused" not in model(server)
