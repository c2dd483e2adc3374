"""Counts of what each version has answered, in memory that workers share."""

from types import SimpleNamespace

import pytest

from service.live import Snapshot
from service.statistics import Counts, Statistics, Times

TIMES = Times(read=3, infer=5, write=7)


def snapshot(version, cell=0):
    return Snapshot(SimpleNamespace(metadata=SimpleNamespace(version=version)), 1, cell)


@pytest.fixture
def clock(monkeypatch):
    """Each look is a millisecond after the one before."""
    now = iter(range(10**9, 10**12, 10**6))
    monkeypatch.setattr("service.statistics.time.time_ns", lambda: next(now))


def test_counts_of_all_workers_are_summed(clock):
    statistics = Statistics(slots=3)

    statistics.succeeded(0, snapshot(1), 10, TIMES)
    statistics.succeeded(2, snapshot(1), 20, TIMES)
    statistics.failed(1, snapshot(1), 9)
    statistics.succeeded(1, snapshot(2), 1, TIMES)
    statistics.succeeded(1, snapshot(1, cell=1), 1, TIMES)

    assert statistics.of(0, 1) == Counts(1001, 30, 2, 1, 9, 6, 10, 14)
    assert statistics.of(0, 2).pictures == statistics.of(1, 1).pictures == 1
    assert statistics.of(0, 3) == Counts()


def test_a_worker_counts_four_versions_and_forgets_the_one_not_asked_for_longest(clock):
    statistics = Statistics(slots=1)
    for version in (1, 2, 3, 4, 1):
        statistics.succeeded(0, snapshot(version), 1, TIMES)

    statistics.succeeded(0, snapshot(9), 1, TIMES)

    assert [statistics.of(0, version).requests for version in (1, 2, 3, 4, 9)] == [2, 0, 1, 1, 1]
