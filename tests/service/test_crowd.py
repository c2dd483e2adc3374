"""New connections go to workers that have few."""

import asyncio
import os
import socket
import time

import pytest
import uvloop

from service import crowd as room
from service.answering import Answer
from service.clients import Clients
from service.crowd import Crowd
from service.door import _TRIES, Door


@pytest.fixture
def crowd():
    return Crowd()


def worker(crowd, connections):
    """Another worker: one process of this test for each, which has its place and ends."""
    pid = os.fork()
    if pid == 0:
        crowd.join()
        crowd.counted(connections)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_worker_alone_is_never_ahead(crowd):
    crowd.join()
    crowd.counted(1000)

    assert not crowd.is_ahead()


@pytest.mark.parametrize(
    ("mine", "theirs", "ahead"), [(3, 0, False), (4, 0, True), (19, 15, False), (93, 80, False), (94, 80, True)]
)
def test_a_worker_is_ahead_of_one_that_has_noticeably_fewer(crowd, mine, theirs, ahead):
    crowd.join()
    worker(crowd, theirs)
    worker(crowd, 500)

    crowd.counted(mine)

    assert crowd.is_ahead() is ahead


def test_nobody_waits_for_a_worker_that_has_gone_and_another_gets_its_place(crowd, monkeypatch):
    worker(crowd, 0)
    now = time.monotonic_ns()
    monkeypatch.setattr(room.time, "monotonic_ns", lambda: now + 4 * 10**9)
    crowd.join()
    crowd.counted(50)

    assert not crowd.is_ahead()
    assert crowd._mine == 0


class Ok:
    def limit(self, environ):
        return 0

    def __call__(self, environ, body, answered):
        answered(Answer(200, [("Content-Length", "2")], b"ok"))


def opened(crowd, scenario, listener=None):
    async def within():
        loop = asyncio.get_running_loop()
        with listener or socket.create_server(("127.0.0.1", 0)) as listening:
            clients = Clients(Ok(), 100)
            clients.tick(loop.time())
            door = Door(clients, loop, listening, crowd)
            try:
                return await asyncio.wait_for(scenario(listening.getsockname()[1], door), 10)
            finally:
                door.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(within())


async def asked(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


class Looks:
    """Is ahead as often as it is told, and counts how often it was asked before somebody was taken in."""

    def __init__(self, ahead):
        self.ahead, self.times, self.before_the_first = ahead, 0, None

    def is_ahead(self):
        self.times += 1
        return self.times <= self.ahead

    def counted(self, connections):
        if self.before_the_first is None:
            self.before_the_first = self.times


@pytest.mark.parametrize(("ahead", "looks"), [(0, 1), (2, 3), (1000, _TRIES)])
def test_who_is_left_to_others_is_taken_in_after_a_while(ahead, looks):
    crowd = Looks(ahead)

    answer = opened(crowd, lambda port, door: asked(port))

    assert answer.endswith(b"ok")
    assert crowd.before_the_first == looks


def test_many_that_come_together_are_all_taken_in():
    async def scenario(port, door):
        return await asyncio.gather(*(asked(port) for _ in range(60)))

    assert {answer[-2:] for answer in opened(Looks(0), scenario)} == {b"ok"}


def test_want_of_file_descriptors_passes(monkeypatch, caplog):
    class Full:
        """A listener that cannot take the first connection."""

        def __init__(self):
            self.socket, self.failed = socket.create_server(("127.0.0.1", 0)), False

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.socket.close()

        def __getattr__(self, name):
            return getattr(self.socket, name)

        def accept(self):
            if not self.failed:
                self.failed = True
                raise OSError(24, "Too many open files")
            return self.socket.accept()

    answer = opened(Looks(0), lambda port, door: asked(port), Full())

    assert answer.endswith(b"ok")
    assert "a connection cannot be taken" in caplog.text
