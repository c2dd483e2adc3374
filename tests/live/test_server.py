"""What only a real server shows: workers, signals, sockets, and a model that changes under it."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from tests.drafts import ROOT, make_draft
from tests.live.conftest import serving

RAW = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def published(store):
    make_draft(seed=1).publish(store)
    make_draft(seed=2).publish(store)
    store.promote("digits", 1)
    return store


@pytest.fixture
def server(published):
    with serving(published.root, MLP_POLL_SECONDS="0.1") as running:
        yield running


def ask(server, body=bytes(784), content_type="application/octet-stream", path="/predict"):
    request = urllib.request.Request(server.url + path, body, {"Content-Type": content_type})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def connected(server):
    """A connection that is kept alive until the block ends."""
    return contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=20))


def training(store, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "training", "--models", str(store.root), *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_promote_and_rollback_reach_a_running_service(server, published):
    training(published, "promote", "digits", "2")
    server.wait_until(lambda: all(ask(server)["version"] == 2 for _ in range(20)))

    training(published, "rollback", "digits")
    server.wait_until(lambda: all(ask(server)["version"] == 1 for _ in range(20)))


def test_no_request_fails_while_versions_change(server, published):
    def client(_number):
        seen = []
        with connected(server) as connection:
            for _ in range(300):
                connection.request("POST", "/predict", bytes(784), RAW)
                answer = connection.getresponse()
                seen.append((answer.status, json.loads(answer.read())))
        return seen

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(client, number) for number in range(4)]
        turn = 0
        while not all(done.done() for done in clients):
            turn += 1
            published.promote("digits", 1 + turn % 2)
        answers = [answer for done in clients for answer in done.result()]

    assert [status for status, _ in answers if status != 200] == []
    expected = {
        number: published.read("digits", number).scores(np.zeros((1, 28, 28), np.uint8))[0] for number in (1, 2)
    }
    for _, answer in answers:
        scores = answer["predictions"][0]["scores"]
        assert scores == pytest.approx(expected[answer["version"]].tolist(), abs=1e-6)


def test_a_killed_worker_is_replaced_and_its_successor_serves_what_is_live_now(server, published):
    before = server.wait_until(lambda: len(server.workers()) == 2 and server.workers())
    training(published, "promote", "digits", "2")
    for pid in before:
        os.kill(pid, signal.SIGKILL)

    server.wait_until(lambda: len(server.workers()) == 2 and not set(server.workers()) & set(before))
    server.wait_until(server.ready)
    assert {ask(server)["version"] for _ in range(20)} == {2}


def test_sigterm_lets_a_request_in_flight_finish_and_exits_with_0(server):
    body = bytes(784)
    head = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 784\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(head.encode() + body[:100])
        # The worker has the request when it answers others on the same listener after it was sent.
        ask(server)

        server.process.send_signal(signal.SIGTERM)
        server.wait_until(lambda: "Handling signal: term" in "".join(server.lines))
        connection.sendall(body[100:])
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 200")
    assert server.process.wait(60) == 0


def test_a_body_that_ends_early_harms_nobody(server):
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 784\r\n\r\n"
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            connection.sendall(head + bytes(100))
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(65536)
        assert answer == b"" or b" 4" in answer.split(b"\r\n")[0]

    assert ask(server)["version"] == 1
    assert "Traceback" not in "".join(server.lines)


def test_a_chunked_body_is_read(server):
    with connected(server) as connection:
        connection.request("POST", "/predict", iter([bytes(300), bytes(484)]), RAW, encode_chunked=True)
        answer = connection.getresponse()

        assert answer.status == 200, answer.read()


def test_a_chunked_body_over_the_limit_is_413(published):
    with serving(published.root, MLP_MAX_BODY_BYTES="1000") as server, connected(server) as connection:
        connection.request("POST", "/predict", iter([bytes(784)] * 2), RAW, encode_chunked=True)
        answer = connection.getresponse()

        assert answer.status == 413
        assert json.loads(answer.read())["status"] == 413


def test_slow_uploads_keep_nobody_waiting(published):
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 784\r\n\r\n"
    with serving(published.root, WEB_CONCURRENCY="1") as server, contextlib.ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20)) for _ in range(50)
        ]
        for connection in slow:
            connection.sendall(head + bytes(100))

        assert ask(server)["version"] == 1

        for connection in slow:
            connection.sendall(bytes(684))
        assert {connection.recv(65536)[:12] for connection in slow} == {b"HTTP/1.1 200"}


def test_a_client_that_does_not_read_its_answer_keeps_nobody_waiting(published):
    body = bytes(784 * 4000)  # its answer has 900 KB, more than a socket takes
    head = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
    with serving(published.root, WEB_CONCURRENCY="1") as server, contextlib.ExitStack() as stack:
        for _ in range(5):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20))
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            assert connection.recv(12) == b"HTTP/1.1 200"

        assert ask(server)["version"] == 1


def test_a_large_body_that_is_refused_gets_its_answer(published):
    with serving(published.root, MLP_MAX_BODY_BYTES="1000") as server, connected(server) as connection:
        connection.request("POST", "/predict", bytes(3 * 2**20), RAW)
        answer = connection.getresponse()

        assert (answer.status, answer.headers["Connection"]) == (413, "close")


def test_an_idle_client_does_not_hold_up_the_end(published):
    with serving(published.root, WEB_CONCURRENCY="1") as server, connected(server) as connection:
        connection.request("POST", "/predict", bytes(784), RAW)
        assert connection.getresponse().read()

        server.process.terminate()

        assert server.process.wait(15) == 0  # gunicorn's graceful_timeout is 20


def test_a_request_is_one_line_in_the_log(server):
    ask(server)

    def lines():
        return [json.loads(line) for line in server.lines if line.startswith("{") and '"event":"request"' in line]

    server.wait_until(lambda: any(line["path"] == "/predict" for line in lines()))
    (line,) = [line for line in lines() if line["path"] == "/predict"]
    assert (line["status"], line["images"], line["version"]) == (200, 1, 1)


def test_a_wrong_setting_ends_the_start_with_its_name(published):
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "service/gunicorn.conf.py"],
        cwd=ROOT,
        env={**os.environ, "MLP_MAX_BATCH": "many"},
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.returncode != 0
    assert "MLP_MAX_BATCH" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_healthcheck_tells_ready_from_not(server, published):
    def healthcheck(port):
        return subprocess.run(
            [sys.executable, "-m", "service.healthcheck"], cwd=ROOT, env={**os.environ, "PORT": str(port)}, timeout=20
        ).returncode

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert healthcheck(unused.getsockname()[1]) == 1
    assert healthcheck(server.port) == 0


def sockets(pid):
    links = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            links.append(str(link.readlink()))
    return sum(link.startswith("socket:") for link in links)


def spread(server, connections=60):
    """How many of so many connections each worker has taken."""
    before = {pid: sockets(pid) for pid in server.workers()}
    with contextlib.ExitStack() as held:
        for _ in range(connections):
            connection = held.enter_context(connected(server))
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        found = [sockets(pid) - count for pid, count in before.items()]
    server.wait_until(lambda: all(sockets(pid) <= max(before.values()) for pid in before))
    return sorted(found)


def test_connections_are_spread_over_the_workers(server):
    # A worker that has begun to serve has as many sockets as the other one.
    server.wait_until(lambda: len(server.workers()) == 2 and len({sockets(pid) for pid in server.workers()}) == 1)
    server.wait_until(lambda: min(spread(server, 10)) > 1)

    for _ in range(4):
        fewer, more = spread(server)
        assert (fewer + more, more - fewer <= 8) == (60, True)
