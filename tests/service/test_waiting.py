"""Who may wait: a crowd that comes at once, but not behind others that never get fewer."""

import pytest

from service import waiting as room
from service.waiting import Waiting


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

        def pass_by(self, seconds):
            self.now += seconds

    found = Clock()
    monkeypatch.setattr(room.time, "monotonic", lambda: found.now)
    return found


def answered(waiting, clock, seconds):
    begun = waiting.begin()
    clock.pass_by(seconds)
    waiting.done(begun)


def test_where_nobody_waits_one_may(clock):
    assert Waiting(5).too_long() == 0


def test_a_crowd_of_quick_requests_may_wait_all_of_it(clock):
    waiting = Waiting(5)
    refused = 0
    for _ in range(1000):
        refused += waiting.too_long() > 0
        waiting.add()
    for _ in range(1000):
        answered(waiting, clock, 0.0005)

    assert (refused, len(waiting)) == (0, 0)


def test_behind_one_that_has_waited_too_long_nobody_may(clock):
    waiting = Waiting(5)
    waiting.add()
    clock.pass_by(5.1)

    assert waiting.too_long() == pytest.approx(5.1)


def test_the_time_that_those_before_will_take_counts_before_it_has_passed(clock):
    waiting = Waiting(5)
    for _ in range(50):
        waiting.add()
        answered(waiting, clock, 1.0)
    for _ in range(4):
        waiting.add()
    may = waiting.too_long()
    for _ in range(3):
        waiting.add()

    assert may == 0
    assert waiting.too_long() == pytest.approx(7, abs=0.2)


def test_several_who_answer_take_less_time(clock):
    waiting = Waiting(5, at_once=2)
    for _ in range(50):
        waiting.add()
        answered(waiting, clock, 1.0)
    for _ in range(7):
        waiting.add()

    assert waiting.too_long() == 0


def test_behind_a_queue_that_does_not_get_empty_one_may_wait_a_tenth(clock):
    waiting = Waiting(5)
    waiting.add()
    before = []
    for _ in range(60):  # one comes, one is answered, always one waits for 0.6 seconds
        waiting.add()
        before.append(waiting.too_long() > 0)
        answered(waiting, clock, 0.6)

    assert not any(before[:8])
    assert before[-1]


def test_when_the_queue_has_been_empty_one_may_wait_as_before(clock):
    waiting = Waiting(5)
    waiting.add()
    clock.pass_by(6)
    answered(waiting, clock, 0.6)
    for _ in range(6):
        waiting.add()

    assert waiting.too_long() == 0
