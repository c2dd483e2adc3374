"""Two hundred swaps under load, by every way there is to swap, while workers and publishers die: nobody notices."""

import contextlib
import dataclasses
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from mlp.aliases import AliasDocument
from tests.drafts import ROOT, make_draft
from tests.live.conftest import serving

TOKEN = "a token for tests"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
PICTURE = np.random.default_rng(5).integers(0, 256, 784, dtype=np.uint8)
SWAPS = 200
CLIENTS = 6


@dataclasses.dataclass
class Answer:
    start: float
    end: float
    status: int
    generation: int
    version: int
    scores: list[float]


class Client(threading.Thread):
    """Asks over one kept-alive connection until it is stopped; a lost connection is mended by one retry."""

    def __init__(self, port):
        super().__init__()
        self.port = port
        self.answers: list[Answer] = []
        self.lost: list[float] = []
        self.failed: list[str] = []
        self.stop = threading.Event()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.stop.is_set():
            try:
                self.ask(connection)
            except (OSError, http.client.HTTPException):
                self.lost.append(time.monotonic())
                connection.close()
                try:
                    self.ask(connection)
                except (OSError, http.client.HTTPException) as error:
                    self.failed.append(repr(error))
        connection.close()

    def ask(self, connection):
        start = time.monotonic()
        connection.request("POST", "/predict", PICTURE.tobytes(), {"Content-Type": "application/octet-stream"})
        answer = connection.getresponse()
        text = answer.read()
        end = time.monotonic()
        if answer.status != 200:
            self.failed.append(f"{answer.status} {text!r}")
            return
        body = json.loads(text)
        generation = int(answer.headers["X-Model-Generation"])
        scores = body["predictions"][0]["scores"]
        self.answers.append(Answer(start, end, answer.status, generation, body["version"], scores))


class Admin:
    """The service's admin, over a connection for each request."""

    def __init__(self, server):
        self.server = server

    def __call__(self, method, path, body=None, **headers):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)) as connection:
            data = json.dumps(body) if isinstance(body, dict) else body
            connection.request(method, path, data, ADMIN | headers)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None

    def model(self):
        status, body = self("GET", "/models/digits")
        assert status == 200
        return body

    def wait_for(self, generation):
        self.server.wait_until(lambda: self.model()["generation"] >= generation)


def replace_by_hand(store, *, version, generation):
    """As a person with an editor does it: no history, but a generation that rises."""
    path = store.root / "digits" / "aliases.json"
    document = AliasDocument(generation=generation, aliases={"production": version})
    path.with_name("edited").write_bytes(document.text())
    path.with_name("edited").replace(path)


def die_while_publishing(store):
    """A publisher in another process, killed in the middle of writing a version."""
    script = (
        "import os, sys, time\n"
        "def never_done(_): print('writing', flush=True); time.sleep(60)\n"
        "os.fsync = never_done\n"
        "from pathlib import Path\nfrom mlp.local_store import LocalStore\nfrom tests.drafts import make_draft\n"
        "make_draft(seed=9).publish(LocalStore(Path(sys.argv[1])))\n"
    )
    publisher = subprocess.Popen(
        [sys.executable, "-c", script, str(store.root)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert publisher.stdout.readline() == "writing\n"
    publisher.kill()
    publisher.wait()
    publisher.stdout.close()


def assert_generations_never_fall(answers):
    """No request that began after an answer was there may get an older generation than that answer had."""
    by_end = sorted(answers, key=lambda answer: answer.end)
    seen = number = 0
    for answer in sorted(answers, key=lambda answer: answer.start):
        while by_end[number].end < answer.start:
            seen = max(seen, by_end[number].generation)
            number += 1
        assert answer.generation >= seen, f"{answer.generation} after {seen}"


@pytest.fixture
def published(store):
    make_draft(seed=1).publish(store)
    make_draft(seed=2).publish(store)
    store.promote("digits", 1)
    return store


def test_two_hundred_swaps_under_load_lose_nothing(published):
    with serving(published.root, WEB_CONCURRENCY="3", MLP_POLL_SECONDS="0.05", MLP_ADMIN_TOKEN=TOKEN) as server:
        server.wait_until(lambda: len(server.workers()) == 3)
        clients = [Client(server.port) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            killed = swap_in_every_way(server, published)
        finally:
            for client in clients:
                client.stop.set()
            for client in clients:
                client.join()
        swaps = Admin(server).model()["generation"]
        assert "Traceback" not in "".join(server.lines)

    answers = [answer for client in clients for answer in client.answers]
    assert [text for client in clients for text in client.failed] == []
    assert swaps >= SWAPS
    assert len({answer.generation for answer in answers}) > SWAPS / 2, "the load was too low to see the swaps"
    for client in clients:
        assert len(client.lost) <= 1, "one worker was killed, so a connection is lost once"
        assert all(0 <= lost - killed < 5 for lost in client.lost)
    assert_generations_never_fall(answers)
    pixels = PICTURE.reshape(1, 28, 28)
    for version in {answer.version for answer in answers}:
        expected = np.round(published.read("digits", version).scores(pixels)[0].astype(float), 7)
        got = np.array([answer.scores for answer in answers if answer.version == version])
        assert np.abs(got - expected).max() <= 2e-7, f"version {version} gave scores of another"


def by_hand(admin, store, version, generation):
    replace_by_hand(store, version=version, generation=generation + 1)
    admin.wait_for(generation + 1)
    return generation + 1


def by_the_store(admin, store, version, _generation):
    generation = store.promote("digits", version).generation
    admin.wait_for(generation)
    return generation


def by_the_admin_api(admin, _store, version, _generation):
    status, body = admin("PUT", "/models/digits/aliases/production", {"version": version})
    assert status == 200, body
    assert admin.model()["aliases"] == {"production": version}, "an answer means: every worker serves it"
    return body["generation"]


def by_rollback(admin, _store, _version, _generation):
    status, body = admin("POST", "/models/digits/rollback")
    assert status == 200, body
    return body["generation"]


WAYS = [by_hand, by_the_store, by_the_admin_api, by_rollback]


def swap_in_every_way(server, store):
    """Move production to and fro SWAPS times, each time until it is served; give when the worker was killed."""
    admin = Admin(server)
    generation = admin.model()["generation"]
    good, killed = [1, 2], 0.0
    while generation < SWAPS:
        live = admin.model()["aliases"]["production"]
        version = good[0] if live != good[0] else good[-1]
        way = WAYS[generation % len(WAYS)]
        if way is by_hand and generation > SWAPS / 2 and not killed:
            replace_by_hand(store, version=version, generation=generation + 1)
            killed = time.monotonic()
            os.kill(server.workers()[0], signal.SIGKILL)  # before it can have loaded that
            admin.wait_for(generation + 1)
            generation += 1
        else:
            generation = way(admin, store, version, generation)
        if generation % 40 == 10:
            good.append(upload(admin, seed=generation))
        if generation % 40 == 20:
            generation = be_refused(admin, store, generation)
        if generation % 100 == 30:
            die_while_publishing(store)
    return killed


def upload(admin, *, seed):
    status, body = admin("POST", "/models/digits/versions", make_draft(seed=seed).pack())
    assert status == 201, body
    return body["version"]


def be_refused(admin, store, generation):
    """A damaged version, by hand and by the admin API; give the generation of the document, which is not served."""
    folder = store.root / "digits"
    damaged = store.versions("digits")[-1] + 1
    (folder / f"{damaged}.npz").write_bytes((folder / "1.npz").read_bytes()[:-30])
    status, body = admin("PUT", "/models/digits/aliases/production", {"version": damaged})
    assert (status, admin.model()["generation"]) == (422, generation), body
    assert store.aliases("digits").generation == generation, "a refused version is never the document's"
    live = admin.model()["aliases"]["production"]
    replace_by_hand(store, version=damaged, generation=generation + 1)
    admin.server.wait_until(lambda: admin.model().get("refused", {}).get("generation") == generation + 1)
    model = admin.model()
    assert (model["generation"], model["aliases"]["production"]) == (generation, live)
    assert model["versions"][-1]["state"] == "refused"
    assert admin("GET", "/readyz")[0] == 200
    replace_by_hand(store, version=1 if live != 1 else 2, generation=generation + 2)
    admin.wait_for(generation + 2)
    (folder / f"{damaged}.npz").unlink()
    return generation + 2


def belongs_to(pid, connection):
    """Whether the server's end of a connection is open in a process, as the kernel lists it."""
    client_port = connection.sock.getsockname()[1]
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {row[9] for row in rows if int(row[2].split(":")[1], 16) == client_port}
    links = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    return any(f"socket:[{inode}]" in links for inode in inodes)


def predicted(connection):
    connection.request("POST", "/predict", PICTURE.tobytes(), {"Content-Type": "application/octet-stream"})
    return read_version(connection)


def read_version(connection):
    answer = connection.getresponse()
    body = json.loads(answer.read())
    assert answer.status == 200, body
    return body["version"]


def test_a_worker_that_hung_during_a_swap_never_answers_with_what_was_live_before(published):
    with serving(published.root, MLP_POLL_SECONDS="0.05") as server, contextlib.ExitStack() as opened:
        hung = server.wait_until(lambda: len(server.workers()) == 2 and server.workers())[0]
        its, others = [], []
        while not its or not others:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            opened.enter_context(contextlib.closing(connection))
            assert predicted(connection) == 1
            (its if belongs_to(hung, connection) else others).append(connection)
        os.kill(hung, signal.SIGSTOP)
        try:
            published.promote("digits", 2)
            server.wait_until(lambda: predicted(others[0]) == 2)
            for connection in its:
                connection.request("POST", "/predict", PICTURE.tobytes(), {"Content-Type": "application/octet-stream"})
        finally:
            os.kill(hung, signal.SIGCONT)

        assert {read_version(connection) for connection in its} == {2}
        assert hung in server.workers(), "it was that worker that answered"


def refusals(server):
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=20) as answer:
        return float(re.search(r'mlp_model_refusals_total{model="digits"} (\S+)', answer.read().decode())[1])


def test_a_store_that_hangs_is_given_up_and_followed_again_when_it_answers(published):
    with (
        serving(published.root, MLP_POLL_SECONDS="0.05", MLP_SWAP_SECONDS="0.5") as server,
        contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection,
    ):
        never_ends = published.root / "digits" / "3.npz"
        os.mkfifo(never_ends)  # whoever opens it waits for a writer, as on a network file system that is gone
        replace_by_hand(published, version=3, generation=2)

        server.wait_until(lambda: refusals(server) == 1)
        assert predicted(connection) == 1
        assert server.ready()
        assert any("MLP_SWAP_SECONDS" in line for line in server.lines if "versions refused" in line)

        never_ends.rename(never_ends.with_name("gone"))
        os.close(os.open(never_ends.with_name("gone"), os.O_RDWR | os.O_NONBLOCK))  # the readers find an end
        replace_by_hand(published, version=2, generation=3)
        server.wait_until(lambda: predicted(connection) == 2)
