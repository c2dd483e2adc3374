"""Three services, each at an address of its own, over one bucket and behind HAProxy: what fails is noticed by nobody.

The balancer's configuration is the one in deploy/haproxy. Each replica reaches the S3 server by a wire that can be cut.
"""

import contextlib
import dataclasses
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request

import numpy as np
import pytest

from tests.drafts import ROOT, make_draft
from tests.live.conftest import Server, serving
from tests.live.wire import Wire
from tests.s3_server import free_port

HOSTS = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
POLL_SECONDS = 2.0
"""Twice the default: what else this machine does must not decide about two of them."""
CLIENTS = 4
PICTURE = np.random.default_rng(3).integers(0, 256, 784, dtype=np.uint8)
RAW = {"Content-Type": "application/octet-stream"}

pytestmark = pytest.mark.skipif(shutil.which("haproxy") is None, reason="needs haproxy (apt-get install haproxy)")


@dataclasses.dataclass
class Replica:
    """One service; its place outlives its process."""

    host: str
    port: int
    wire: Wire
    settings: dict[str, str]
    location: str
    running: contextlib.ExitStack = dataclasses.field(default_factory=contextlib.ExitStack)
    server: Server | None = None

    def start(self) -> None:
        self.server = self.running.enter_context(serving(self.location, **self.settings))

    def kill(self) -> None:
        """End its processes at once, as a machine that loses its power."""
        os.killpg(self.server.process.pid, signal.SIGKILL)
        self.running.close()

    def stop(self) -> None:
        self.running.close()
        self.wire.cut()

    def model(self) -> dict:
        with urllib.request.urlopen(f"{self.server.url}/models/digits", timeout=20) as answer:
            return json.load(answer)

    def generation(self) -> int:
        """What it answers with."""
        request = urllib.request.Request(f"{self.server.url}/predict", PICTURE.tobytes(), RAW)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.headers["X-Model-Generation"])

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"{self.server.url}/metrics", timeout=20) as answer:
            return float(re.search(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE)[1])

    def says(self, event: str) -> bool:
        return any(line.startswith("{") and json.loads(line).get("event") == event for line in self.server.lines)


@dataclasses.dataclass
class Answer:
    start: float
    end: float
    replica: str
    generation: int
    version: int
    scores: list[float]


class Client(threading.Thread):
    """Asks the balancer over a kept-alive connection until it is stopped, and mends nothing itself."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.answers: list[Answer] = []
        self.failed: list[str] = []
        self.stop = threading.Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.stop.is_set():
            try:
                self.ask(connection)
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
                connection.close()
        connection.close()

    def has_answer(self, replica: str, after: float) -> bool:
        return any(answer.replica == replica and answer.start > after for answer in self.answers[-50:])

    def ask(self, connection: http.client.HTTPConnection) -> None:
        start = time.monotonic()
        connection.request("POST", "/predict", PICTURE.tobytes(), RAW)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            self.failed.append(f"{answer.status} {text!r}")
            return
        body = json.loads(text)
        generation = int(answer.headers["X-Model-Generation"])
        scores = body["predictions"][0]["scores"]
        replica = answer.headers["X-Replica"]
        self.answers.append(Answer(start, time.monotonic(), replica, generation, body["version"], scores))


def side_by_side(steps) -> None:
    threads = [threading.Thread(target=step) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def make_replica(host: str, location: str, s3_port: int, cache) -> Replica:
    with socket.socket() as free:
        free.bind((host, 0))
        port = free.getsockname()[1]
    wire = Wire(s3_port)
    settings = {
        "HOST": host,
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
        "MLP_CACHE": str(cache),
        "MLP_POLL_SECONDS": str(POLL_SECONDS),
        "AWS_ENDPOINT_URL": wire.url,
    }
    return Replica(host, port, wire, settings, location)


@contextlib.contextmanager
def balancing(replicas: list[Replica]):
    """HAProxy, with the configuration that ships; give its port when all replicas answer behind it."""
    port = free_port()
    places = {f"REPLICA_{number}": f"{r.host}:{r.port}" for number, r in enumerate(replicas, start=1)}
    program = [shutil.which("haproxy"), "-db", "-f", str(ROOT / "deploy/haproxy/haproxy.cfg")]
    environment = {**os.environ, "LISTEN": f"127.0.0.1:{port}", **places}
    process = subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout))
    reader.start()
    try:
        wait_until(lambda: answers(port) == 200, lines)
        yield port, lines
    finally:
        process.terminate()
        process.wait(20)
        reader.join()
        process.stdout.close()


def answers(port: int, path: str = "/readyz") -> int:
    """The status that the balancer answers with, 0 for none."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0


def wait_until(condition, lines=(), seconds=30.0):
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            pytest.fail("waited in vain\n" + "".join(lines[-30:]))
        time.sleep(0.02)
    return value


@pytest.fixture
def replicas(s3_server, s3_store, tmp_path):
    """Three replicas, started side by side."""
    for seed in (1, 2):
        make_draft(seed=seed).publish(s3_store)
    s3_store.promote("digits", 1)
    made = [make_replica(host, s3_store.location, s3_server.port, tmp_path / host) for host in HOSTS]
    side_by_side(replica.start for replica in made)
    yield made
    side_by_side(replica.stop for replica in made)


def follow(replicas: list[Replica], generation: int, since: float) -> float:
    """Wait until these replicas serve a generation; give how long that took."""
    wait_until(lambda: all(replica.generation() >= generation for replica in replicas))
    return time.monotonic() - since


def swap(store, replicas: list[Replica], times: list[float]) -> int:
    """Move production to the other version, and wait until these replicas serve it; note how long it took."""
    version = 3 - store.aliases("digits").aliases["production"]
    generation = store.promote("digits", version).generation
    times.append(follow(replicas, generation, time.monotonic()))
    return generation


def test_replicas_follow_one_bucket_while_one_dies_and_one_is_cut_off(replicas, s3_store):
    first, second, third = replicas
    times: list[float] = []
    with balancing(replicas) as (port, lines):
        clients = [Client(port) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            assert answers(port, "/metrics") == 404, "one replica's counts are no counts"
            for _ in range(2):
                swap(s3_store, replicas, times)

            first.kill()
            killed = time.monotonic()
            swap(s3_store, [second, third], times)
            starting = time.monotonic()
            first.start()
            back = time.monotonic()
            assert first.generation() == s3_store.aliases("digits").generation, "it starts with what the store says"
            wait_until(lambda: any(client.has_answer("replica-1", after=back) for client in clients), lines)
            swap(s3_store, replicas, times)

            before = second.generation()
            second.wire.cut()
            generation = swap(s3_store, [first, third], times)
            wait_until(lambda: second.metric("mlp_store_reachable") == 0)
            assert second.says("the store cannot be read, serving what is loaded")
            assert second.server.ready(), "what it has loaded still answers"
            told = second.model()
            assert (told["generation"], told["store"]["reachable"]) == (before, False)
            assert [row["version"] for row in told["versions"]] == [1, 2]
            assert "store" not in third.model()
            assert third.metric("mlp_store_reachable") == 1

            second.wire.mend()
            follow([second], generation, time.monotonic())
            wait_until(lambda: second.metric("mlp_store_reachable") == 1)
            assert second.says("the store can be read again")
            assert "store" not in second.model()
            swap(s3_store, replicas, times)
        finally:
            for client in clients:
                client.stop.set()
            for client in clients:
                client.join()

    assert [text for client in clients for text in client.failed] == []
    assert max(times) <= 2 * POLL_SECONDS, times
    assert_answers(s3_store, [answer for client in clients for answer in client.answers], killed, starting)


def assert_answers(store, answers: list[Answer], killed: float, starting: float) -> None:
    """All replicas took part, none answered while it was dead, generations never fell, scores are the version's."""
    assert {answer.replica for answer in answers} == {"replica-1", "replica-2", "replica-3"}
    assert not [a for a in answers if a.replica == "replica-1" and killed < a.start and a.end < starting]
    for replica in ("replica-1", "replica-2", "replica-3"):
        own = sorted((answer for answer in answers if answer.replica == replica), key=lambda answer: answer.start)
        assert all(later.generation >= one.generation for one, later in zip(own, own[CLIENTS:], strict=False))
    pixels = PICTURE.reshape(1, 28, 28)
    for version in (1, 2):
        expected = np.round(store.read("digits", version).scores(pixels)[0].astype(float), 7)
        got = np.array([answer.scores for answer in answers if answer.version == version])
        assert len(got)
        assert np.abs(got - expected).max() <= 2e-7
