"""The short forms of docs/reliability.md: bad clients beside healthy ones, an overload, faults, a soak of seconds."""

import resource
import statistics

import pytest

from benchmarks.reliability import faults, requests, soak
from benchmarks.reliability.bad_clients import BAD, beside, failures, healthy
from benchmarks.reliability.load import Load, Order, generator
from benchmarks.reliability.scene import LeftOut
from benchmarks.reliability.serving import serving
from tests.drafts import ROOT

SLACK_SECONDS = 0.5
"""By which a busy machine may be late: a service that waits for one bad client is late by seconds."""


@pytest.fixture(scope="module", autouse=True)
def files():
    """Let this process have as many connections as these tests need."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, before[1]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture(scope="module")
def service():
    with serving(ROOT / "models", MLP_LOG_LEVEL="warning") as running:
        yield running


@pytest.fixture
def impatient():
    """A service for which a second's queue is an overload."""
    with serving(ROOT / "models", WEB_CONCURRENCY="1", MLP_LOG_LEVEL="warning", MLP_QUEUE_SECONDS="1") as running:
        yield running


@pytest.fixture(scope="module")
def load():
    with generator() as found:
        yield found


def test_bad_clients_keep_no_healthy_one_waiting(service, load):
    quiet = healthy(load, service.port, 1)
    with beside(BAD, service.port) as heard:
        healthy(load, service.port, 4)
        loud = healthy(load, service.port, 2)

    assert failures(loud) == 0
    assert loud.milliseconds(90) <= 2 * quiet.milliseconds(90) + SLACK_SECONDS * 1000
    assert {"200", "400", "431"} <= set(heard)
    assert not heard["smuggled"]


def test_every_form_of_smuggling_is_refused(service):
    bad = next(bad for bad in BAD if "smuggle" in bad.name)

    for form in bad.first:
        outcome = Load(Order(service.port, form, 0.05, rate=20)).run()

        assert (outcome.others, len(outcome.answered)) == (outcome.asked, 0), form


def test_a_burst_of_a_thousand_quick_requests_is_answered(service, load):
    outcome = load(Order(service.port, requests.raw(), 0.02, connections=900))

    assert len(outcome.answered) >= 900
    assert failures(outcome) == 0


def test_of_five_times_too_much_as_much_is_answered_and_the_rest_is_told_at_once(impatient, load):
    photograph = requests.photograph()
    capacity = load(Order(impatient.port, photograph, 2, connections=8))
    overload = load(Order(impatient.port, photograph, 5, rate=capacity.rate * 5))
    after = load(Order(impatient.port, photograph, 1, rate=capacity.rate / 3))

    assert overload.rate >= 0.6 * capacity.rate  # of one round, beside whatever else this machine does
    assert overload.refused
    assert overload.without_retry + overload.others + overload.lost + overload.unanswered == 0
    assert statistics.median(took for _, took in overload.refused) < 0.05 + SLACK_SECONDS / 5
    assert not after.refused


@pytest.mark.parametrize("fault", faults.FAULTS, ids=lambda fault: fault.name)
def test_a_fault_brings_no_wrong_answer_and_the_service_is_back_by_itself(fault):
    try:
        faults.row(fault)
    except LeftOut as reason:
        pytest.skip(str(reason))


def test_a_soak_finds_nothing_that_grows_and_no_wrong_answer(monkeypatch):
    monkeypatch.setattr(soak, "_FAULT_SECONDS", 1.0)
    with soak.staged() as run:
        samples = run.run(0.12)

    asked, wrong, _, swaps, harmed = samples[-1].cells
    assert asked > 100
    assert wrong == 0
    assert swaps > 1
    assert harmed > 2
