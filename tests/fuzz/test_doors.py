"""Every door of fuzz/: what was found earlier, and a few hundred inputs more, without the fuzzer that finds them."""

import logging
import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import keep
from fuzz.door import BUDGET_SECONDS, CORPUS, REFUSALS, Door, corpus
from fuzz.doors import DOORS

RUNS = 60
"""Inputs of each door beside its corpus; `make fuzz` has a million."""


@pytest.fixture(autouse=True)
def _log():
    """The doors silence the service; other tests in this process listen to it."""
    level = logging.getLogger("service").level
    yield
    logging.getLogger("service").setLevel(level)


def tried(door, data):
    begun = time.process_time()
    door.tried(data)
    assert time.process_time() - begun < BUDGET_SECONDS


@pytest.mark.parametrize("name", DOORS)
def test_what_was_found_earlier_is_answered_or_refused(name):
    for data in corpus(name, DOORS[name]):
        tried(DOORS[name], data)


@pytest.mark.parametrize("name", DOORS)
def test_what_a_machine_makes_of_it_is_answered_or_refused(name):
    door, known = DOORS[name], corpus(name, DOORS[name])

    @given(st.sampled_from(known), st.integers(0, 2**32 - 1))
    @settings(
        max_examples=RUNS, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    def mutated(data, seed):
        tried(door, door.mutated(data, random.Random(seed)))

    mutated()


@pytest.mark.parametrize("name", sorted(set(DOORS) - {"multipart", "query"}))
def test_a_door_lets_some_of_its_seeds_in(name):
    """Or else nothing behind it is tried."""

    def is_let_in(data):
        try:
            DOORS[name].one(data)
        except REFUSALS:
            return False
        return True

    assert any(map(is_let_in, DOORS[name].seeds()))


def test_what_is_no_refusal_is_not_passed_over():
    def broken(_data):
        raise KeyError("a mistake of ours")

    with pytest.raises(KeyError):
        Door(broken, list, lambda data, draw: data, 1).tried(b"")


def test_an_input_is_kept_when_it_goes_another_way():
    door = DOORS["query"]

    assert keep.worth_keeping(door, [b"label=7"], [b"label=7", b"label=8", b"label=7&label=7"]) == [b"label=7&label=7"]


def test_the_corpus_is_small_and_every_folder_of_it_has_a_door():
    files = [file for folder in CORPUS.iterdir() for file in folder.iterdir()]

    assert {folder.name for folder in CORPUS.iterdir()} <= set(DOORS)
    assert sum(file.stat().st_size for file in files) < 500_000
    assert not [file.name for file in files if "-" in file.name], "inputs that once went wrong belong in a test"
