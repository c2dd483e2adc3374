"""The service over a bucket: a real worker, forked after the models were read, and a server that goes away."""

import json
import re
import urllib.request

from mlp.store import open_store
from tests.drafts import make_draft
from tests.live.conftest import serving
from tests.s3_server import BUCKET


def version(server) -> int:
    """The version that answers."""
    request = urllib.request.Request(
        f"{server.url}/predict", bytes(784), {"Content-Type": "application/octet-stream", "Connection": "close"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)["version"]


def about(server):
    with urllib.request.urlopen(f"{server.url}/models/digits", timeout=20) as answer:
        return json.load(answer)


def said_of(server, metric) -> float:
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=20) as answer:
        return float(re.search(rf"^{metric} (\S+)$", answer.read().decode(), re.MULTILINE)[1])


def says(server, event: str) -> bool:
    """Whether the log has an event."""
    return any(line.startswith("{") and json.loads(line).get("event") == event for line in server.lines)


def test_a_service_follows_a_bucket_outlives_it_and_starts_without_it(own_server, tmp_path):
    store = open_store(f"s3://{BUCKET}/models", tmp_path / "mine")
    for seed in (1, 2):
        make_draft(seed=seed).publish(store)
    store.promote("digits", 1)
    settings = {"MLP_CACHE": str(tmp_path / "cache"), "MLP_POLL_SECONDS": "0.1", "WEB_CONCURRENCY": "1"}

    with serving(store.location, **settings) as server:
        assert version(server) == 1
        store.promote("digits", 2)
        server.wait_until(lambda: version(server) == 2)

        own_server.kill()
        server.wait_until(lambda: says(server, "the store cannot be read, serving what is loaded"))
        assert version(server) == 2
        assert said_of(server, "mlp_store_reachable") == 0
        assert server.ready()
        model = about(server)
        assert model["store"]["reachable"] is False
        assert model["store"]["age_seconds"] > 0
        assert [(row["version"], row["state"]) for row in model["versions"]] == [(1, "ready"), (2, "ready")]

    with serving(store.location, **settings) as server:
        assert version(server) == 2
        assert says(server, "the store does not answer")
