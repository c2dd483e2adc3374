"""The Open Inference Protocol from two workers that are one service."""

import contextlib
import http.client
import json
import os
import signal

import pytest

from tests.drafts import make_draft
from tests.live.conftest import serving

TOKEN = "secret"
INFER = "/v2/models/digits/infer"


@pytest.fixture
def server(store):
    make_draft(seed=1).publish(store)
    make_draft(seed=2).publish(store)
    store.promote("digits", 1)
    with serving(store.root, MLP_POLL_SECONDS="0.1", MLP_ADMIN_TOKEN=TOKEN) as running:
        yield running


def ask(server, path, body=None, **headers):
    """Over a connection of its own, so that any worker may answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    with contextlib.closing(connection):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET" if body is None else "POST", path, body, named)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def infer(server):
    return ask(server, INFER, bytes(784), Inference_Header_Content_Length="0")


def pictures(server):
    found = json.loads(ask(server, "/v2/models/digits/stats")[2])["model_stats"]
    return sum(row["inference_count"] for row in found)


def repository(server, what):
    path = f"/v2/repository/models/digits/{what}"
    status, _, text = ask(server, path, b"", Authorization=f"Bearer {TOKEN}")
    assert status == 200, text


def test_a_load_and_an_unload_are_answered_when_every_worker_has_followed(server):
    for _ in range(3):
        repository(server, "unload")
        assert {infer(server)[0] for _ in range(20)} == {404}
        repository(server, "load")
        answers = [infer(server) for _ in range(20)]
        assert {(status, headers["X-Model-Version"]) for status, headers, _ in answers} == {(200, "2")}


def test_statistics_are_those_of_all_workers_and_outlive_one_that_is_killed(server):
    for _ in range(40):
        assert infer(server)[0] == 200
    assert {pictures(server) for _ in range(10)} == {40}

    victim, before = server.workers()[0], set(server.workers())
    os.kill(victim, signal.SIGKILL)
    server.wait_until(lambda: len(set(server.workers()) - {victim}) == len(before))
    server.wait_until(server.ready)

    for _ in range(20):
        assert infer(server)[0] == 200
    assert {pictures(server) for _ in range(10)} == {60}


def test_a_request_that_fails_is_counted_once_whichever_way_it_was_answered(server):
    path = "/v2/models/digits/stats"
    for _ in range(5):
        assert ask(server, INFER, bytes(783), Inference_Header_Content_Length="0")[0] == 400
        assert ask(server, "/predict", bytes(783), Content_Type="application/octet-stream")[0] == 422
    assert ask(server, "/predict", bytes(784 * 7), Content_Type="application/octet-stream")[0] == 200

    rows = json.loads(ask(server, path)[2])["model_stats"]

    assert sum(row["inference_stats"]["fail"]["count"] for row in rows) == 10
    assert sum(row["inference_count"] for row in rows) == 7
