"""Capacity on paper: simulations against formulas, plans against what they promise, docs/scaling.md against both."""

import itertools

import numpy as np
import pytest

from benchmarks.scaling import __main__ as command
from benchmarks.scaling import figures, queues, storm
from benchmarks.scaling.capacity import plan
from benchmarks.scaling.figures import Assumed
from benchmarks.scaling.propagation import spread
from tests.drafts import ROOT

COUNT = 200_000


def test_erlang_c_gives_the_values_that_are_known():
    assert queues.erlang_c(1, 0.7) == pytest.approx(0.7)
    assert queues.erlang_c(2, 1.0) == pytest.approx(1 / 3)
    assert queues.erlang_c(3, 2.0) == pytest.approx(4 / 9)


@pytest.mark.parametrize(("servers", "utilisation"), [(1, 0.7), (2, 0.8), (8, 0.8)])
def test_the_simulated_queue_waits_as_erlang_s_formula_says(servers, utilisation):
    rng = np.random.default_rng(7)
    come = queues.arrivals(COUNT, servers * utilisation, rng)

    waits = queues.waits_of_one_queue(come, rng.exponential(1.0, COUNT), servers)

    assert waits.mean() == pytest.approx(queues.mean_wait(servers, utilisation), rel=0.06)
    assert (waits > 0).mean() == pytest.approx(queues.erlang_c(servers, servers * utilisation), rel=0.03)
    assert np.quantile(waits, 0.99) == pytest.approx(queues.quantile_wait(servers, utilisation, 0.99), rel=0.08)


def test_a_queue_of_equal_requests_waits_as_pollaczek_s_formula_says():
    rng = np.random.default_rng(8)
    come = queues.arrivals(COUNT, 0.7, rng)

    waits = queues.waits_of_one_queue(come, np.ones(COUNT), 1)

    assert waits.mean() == pytest.approx(queues.mean_wait_deterministic(0.7), rel=0.04)


def test_many_queues_with_one_server_are_one_queue():
    rng = np.random.default_rng(9)
    come, service = queues.arrivals(5_000, 0.8, rng), rng.exponential(1.0, 5_000)

    for choose in (queues.any_one, queues.better_of_two, queues.fewest):
        many = queues.waits_of_many(come, service, 1, choose, rng)
        assert many == pytest.approx(queues.waits_of_one_queue(come, service, 1))


def test_the_more_a_balancer_knows_the_shorter_is_the_wait():
    rng = np.random.default_rng(10)
    come, service = queues.arrivals(20_000, 8 * 0.8, rng), rng.exponential(1.0, 20_000)

    means = [
        queues.waits_of_many(come, service, 8, choose, rng).mean()
        for choose in (queues.any_one, queues.better_of_two, queues.fewest)
    ]

    assert means[0] > 2 * means[1] > 2 * means[2]
    assert means[2] >= queues.waits_of_one_queue(come, service, 8).mean()


@pytest.mark.parametrize("load", command.LOADS)
def test_a_plan_survives_the_loss_of_a_zone_at_the_utilisation_it_was_made_for(load):
    assumed = Assumed()
    rate = figures.printed_rate(figures.PLANNED)
    found = plan(load, rate, 1.0, assumed)

    left = found.pods * (assumed.zones - 1) / assumed.zones
    assert load / (left * rate) <= assumed.utilisation + 1e-9
    assert found.pods == assumed.zones or load / ((left - 1) * rate) > assumed.utilisation, "and has none too many"


def test_a_figure_that_nobody_has_printed_is_an_error():
    with pytest.raises(LookupError, match="no row of ours for 'two, JSON'"):
        figures.printed_rate("two, JSON")


def test_a_swap_reaches_all_within_one_look_unless_the_bucket_is_asked_too_much():
    few = spread(50, 1.0, 5_000_000, Assumed(), np.random.default_rng(1))
    many = spread(20_000, 1.0, 5_000_000, Assumed(), np.random.default_rng(1))

    assert few.last < 1.0 + 0.2
    assert few.requests == pytest.approx(100, rel=0.05)
    assert many.last > 5
    assert many.requests <= Assumed().bucket_rate * 1.01


def test_retries_keep_a_service_down_and_refusing_or_a_budget_lets_it_come_back():
    found = {clients.name: storm.storm(clients) for clients in storm.POLICIES}

    assert all(outcome.answered <= 1 for outcome in found.values())
    assert found["never"].recovered is not None
    assert found["once"].recovered is None
    assert found["three times"].recovered is None
    assert found["three times, 10 % at most"].recovered is not None
    assert found["three times, refused above 5 s of work"].recovered is None, (
        "what waits longer than clients do is for nobody"
    )
    assert found["three times, refused above 0.5 s of work"].recovered <= 1


def test_without_a_slow_time_everybody_is_answered(monkeypatch):
    monkeypatch.setattr(storm, "SLOW", 1.0)

    assert storm.storm(storm.Clients("three times", 3)).answered == pytest.approx(1, abs=1e-9)


def test_the_document_shows_what_the_command_prints():
    document = (ROOT / "docs/scaling.md").read_text(encoding="utf-8")
    printed = command.report(Assumed(), markdown=True)

    missing = [line for line in printed.splitlines() if line.startswith("| ") and line not in document]
    assert missing == [], "put in what `make simulate-scaling ARGS=--markdown` prints"
    assert all(a != b for a, b in itertools.pairwise(document.splitlines()) if a.startswith("| "))
