"""A worker's threads in one process: they follow the store, finish swaps, count, compare and promote by themselves."""

import os
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from mlp.aliases import Rule
from service import watch
from service.app import create_app
from service.layout import Head, Slot
from service.settings import Settings

NAMES = {"load", "settle", "count", "rule"}
FAR = 2**62
"""Nanoseconds: a look at the store that would not come in the time of a test."""


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def running():
    return {thread.name for thread in threading.enumerate()} & NAMES


class Noted:
    """Counters and shadow of a worker, which note how they are called."""

    def __init__(self):
        self.joined, self.started, self.added = [], [], threading.Event()

    def join(self, slot):
        self.joined.append(slot)

    def add_up(self):
        self.added.set()

    def start(self, slot):
        self.started.append(slot)


@pytest.fixture
def app(published):
    return create_app(Settings(models=published.root, poll_seconds=0.02))


@pytest.fixture
def live(app):
    return app.extensions["live"]


@pytest.fixture
def watching(app, live):
    """Begins to watch and gives what was noted; the threads end with the test."""
    stops = []

    def begin():
        noted = Noted()
        stops.append(watch.watch(live, noted, noted, app.extensions["settings"]))
        return noted

    yield begin
    for stop in stops:
        stop.set()
    until(lambda: not running())


def served(live):
    return live.snapshot("digits").version.metadata.version


def test_the_worker_of_this_process_joins_and_tells_its_parts_its_slot(watching, live):
    noted = watching()

    assert live.board.workers.pids([live.slot]) == {os.getpid()}
    assert noted.joined == noted.started == [live.slot]
    assert running() == NAMES
    assert noted.added.wait(20)


def test_a_worker_shows_that_it_is_alive(watching, live):
    watching()
    place = live.board.layout.slot(live.slot, Slot.HEARTBEAT)
    before = live.board.words[place]

    until(lambda: live.board.words[place] > before)


def test_what_is_promoted_answers_without_anybody_asking_for_it(watching, live, published):
    watching()
    published.promote("digits", 2)

    until(lambda: served(live) == 2)


def test_a_worker_begins_with_what_the_store_says_now(watching, live, published):
    live.board.words[Head.NEXT_LOOK] = FAR
    published.promote("digits", 2)

    watching()

    assert served(live) == 2


def test_a_store_that_does_not_answer_holds_up_the_first_request_only_so_long(watching, live, monkeypatch):
    monkeypatch.setattr(watch, "_NEWS_SECONDS", 0.2)
    answer = threading.Event()
    monkeypatch.setattr(live, "look", lambda: answer.wait(20))

    begun = time.monotonic()
    watching()
    took = time.monotonic() - begun
    answer.set()

    assert 0.2 <= took < 10
    assert served(live) == 1


def test_a_step_that_fails_is_logged_and_taken_again(watching, live, monkeypatch, caplog):
    monkeypatch.setattr(watch, "_NEWS_SECONDS", 0.0)
    failed = threading.Event()

    def fail():
        failed.set()
        raise OSError("no disk")

    with monkeypatch.context() as broken:
        broken.setattr(live, "settle", fail)
        watching()
        assert failed.wait(20)
        until(lambda: "a step of following the store failed" in caplog.text)
    place = live.board.layout.slot(live.slot, Slot.HEARTBEAT)
    before = live.board.words[place]

    until(lambda: live.board.words[place] > before)
    assert "no disk" in caplog.text


def test_the_shadow_is_asked_and_the_rule_used_by_the_threads_alone(watching, app, live, published, caplog):
    caplog.set_level("INFO", "service")
    published.promote("digits", 2, "shadow")
    published.set_rule("digits", Rule(min_requests=5, min_agreement=0.0))
    watching()
    until(lambda: live.snapshot("digits").shadow is not None)
    shadow, snapshot = app.extensions["shadow"], live.snapshot("digits")
    pixels = np.zeros((5, 28, 28), np.uint8)

    shadow.offer(live.slot, snapshot, pixels, snapshot.version.scores(pixels), "a request")
    assert shadow.compare_next(live.slot)

    until(lambda: served(live) == 2)
    until(lambda: "promoted by the rule" in caplog.text)
    (said,) = [record for record in caplog.records if record.message == "promoted by the rule"]
    assert (said.model, said.version) == ("digits", 2)
    assert "5 pictures compared" in said.why


def test_the_shadow_s_own_thread_compares_what_is_offered(app, live, published):
    compared = threading.Event()
    shadow = app.extensions["shadow"]
    shadow._compare = lambda slot, item: compared.set() if slot == 3 and item.request_id == "a request" else None
    snapshot = SimpleNamespace(
        shadow=published.read("digits", 2), version=live.snapshot("digits").version, cell=live.cell("digits")
    )

    shadow.start(3)
    shadow.offer(3, snapshot, np.zeros((1, 28, 28), np.uint8), np.zeros((1, 10), np.float32), "a request")

    assert compared.wait(20)
