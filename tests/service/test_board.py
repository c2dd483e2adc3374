"""The two-phase swap between workers, here several in one process that share a board, step by step."""

import json
import time

import numpy as np
import pytest

from mlp.aliases import AliasDocument
from service.board import Board
from service.errors import NotReady
from service.layout import Cell, Slot
from service.live import LiveModels
from tests.drafts import make_draft

PIXELS = np.zeros((1, 28, 28), np.uint8)


@pytest.fixture
def published(store):
    for seed in (1, 2, 3):
        make_draft(seed=seed).publish(store)
    store.promote("digits", 1)
    return store


@pytest.fixture
def board():
    return Board(2, swap_seconds=20, poll_seconds=0.001)


@pytest.fixture
def workers(published, board):
    """Two workers that answer with version 1, as after a fork."""
    first = LiveModels(published, board)
    first.refresh()
    second = LiveModels(published, board)
    first.join(1001)
    second.join(1002)
    return first, second


def numbers(workers):
    return [worker.snapshot("digits").version.metadata.version for worker in workers]


def damage(store, version):
    path = store.root / "digits" / f"{version}.npz"
    path.write_bytes(path.read_bytes()[:-50])


def hang(board, worker):
    """Let a worker look as if it had not beaten for a long time."""
    board.words[board.layout.slot(worker.slot, Slot.HEARTBEAT)] = 1


def test_nobody_switches_before_all_have_prepared(workers, published):
    first, second = workers
    published.promote("digits", 2)

    first.refresh()
    assert numbers(workers) == [1, 1]

    second.prepare()
    assert numbers(workers) == [2, 2]
    assert [worker.snapshot("digits").generation for worker in workers] == [2, 2]


def test_a_snapshot_keeps_its_version_across_a_swap(workers, published):
    snapshot = workers[0].snapshot("digits")
    published.promote("digits", 2)
    for worker in workers:
        worker.refresh()

    expected = published.read("digits", 1).scores(PIXELS)
    assert np.array_equal(snapshot.version.scores(PIXELS), expected)


def test_one_worker_that_cannot_load_keeps_all_on_the_old_version(workers, published):
    first, second = workers
    published.promote("digits", 2)
    first.refresh()
    damage(published, 2)

    second.refresh()

    assert numbers(workers) == [1, 1]
    assert "2.npz" in first.refusal("digits").versions[2]
    assert first.ready


def test_a_hung_worker_is_not_waited_for(workers, published, board):
    first, second = workers
    published.promote("digits", 2)
    hang(board, second)

    first.refresh()

    assert numbers([first]) == [2]


def test_a_worker_that_wakes_up_loads_what_is_live_before_it_answers(workers, published, board):
    first, second = workers
    published.promote("digits", 2)
    hang(board, second)
    first.refresh()

    assert numbers([second]) == [2]


def test_a_worker_that_wakes_up_and_cannot_load_answers_nothing_rather_than_the_old(workers, published, board):
    first, second = workers
    published.promote("digits", 2)
    hang(board, second)
    first.refresh()
    damage(published, 2)

    with pytest.raises(NotReady, match=r"2\.npz"):
        second.snapshot("digits")


def test_a_worker_that_cannot_load_what_is_live_does_not_help_a_damaged_version_in(workers, published, board):
    first, second = workers
    published.promote("digits", 2)
    hang(board, second)
    first.refresh()
    damage(published, 2)
    damage(published, 3)
    (published.root / "digits" / "aliases.json").write_text(json.dumps({"generation": 3, "aliases": {"production": 3}}))
    board.workers.beat(second.slot)

    second.refresh()

    assert board.get(0, Cell.GENERATION) == 2
    assert board.get(0, Cell.PROPOSED) == 0
    assert numbers([first]) == [2]


def test_a_dead_worker_s_slot_is_freed_and_not_waited_for(workers, published, board):
    first, _ = workers
    published.promote("digits", 2)
    board.workers.free(1002)

    first.refresh()

    assert numbers([first]) == [2]


def test_a_successor_begins_on_what_is_committed_not_on_what_the_store_says(workers, published, board):
    path = published.root / "digits" / "aliases.json"
    damage(published, 3)
    path.write_text(json.dumps({"generation": 2, "aliases": {"production": 3}}))
    for worker in workers:
        worker.refresh()

    successor = LiveModels(published, board)
    successor.join(1003)

    assert numbers([successor]) == [1]
    assert successor.snapshot("digits").generation == 1


@pytest.mark.parametrize("generation", [0, 1])
def test_a_document_whose_generation_does_not_rise_is_refused_with_the_number_it_needs(workers, published, generation):
    path = published.root / "digits" / "aliases.json"
    path.write_text(json.dumps({"generation": generation, "aliases": {"production": 2}}))

    for worker in workers:
        worker.refresh()

    assert numbers(workers) == [1, 1]
    assert "give it generation 2" in workers[1].refusal("digits").reason

    path.write_text(json.dumps({"generation": 2, "aliases": {"production": 2}}))
    for worker in workers:
        worker.refresh()
    assert numbers(workers) == [2, 2]
    assert workers[0].refusal("digits") is None


def test_a_slow_store_is_given_up_with_the_reason(published, board, monkeypatch):
    hasty = Board(1, swap_seconds=0.001, poll_seconds=0.001)
    worker = LiveModels(published, hasty)
    worker.refresh()
    worker.join(1001)
    published.promote("digits", 2)
    worker.look()
    time.sleep(0.002)  # what makes it slow: more than swap_seconds pass before anything is loaded

    worker.settle()

    assert numbers([worker]) == [1]
    assert "within 0.001 s" in worker.refusal("digits").reason
    assert "1001" in worker.refusal("digits").reason


def test_a_refused_document_is_tried_again_and_counted_once(workers, published, board):
    damaged = (published.root / "digits" / "2.npz").read_bytes()
    damage(published, 2)
    path = published.root / "digits" / "aliases.json"
    path.write_text(json.dumps({"generation": 2, "aliases": {"production": 2}}))

    for _ in range(5):
        for worker in workers:
            worker.refresh()
        time.sleep(0.002)  # more than the pause before the first attempts
    assert board.get(0, Cell.REFUSALS) == 1

    (published.root / "digits" / "2.npz").write_bytes(damaged)
    end = time.monotonic() + 10
    while numbers(workers) != [2, 2] and time.monotonic() < end:
        for worker in workers:
            worker.refresh()
    assert numbers(workers) == [2, 2]


def test_a_proposal_whose_owner_died_is_taken_back(workers, board):
    document = AliasDocument(generation=2, aliases={"production": 2})
    serial = board.propose("digits", document, owner=1002)
    assert board.get(0, Cell.PROPOSED) == serial != 0
    board.workers.free(1002)

    workers[0].settle()

    assert board.get(0, Cell.PROPOSED) == 0
    assert numbers(workers) == [1, 1]


def test_what_a_rollback_goes_to_is_in_memory(workers, published, monkeypatch):
    published.promote("digits", 2)
    for worker in workers:
        worker.refresh()
    published.rollback("digits")
    monkeypatch.setattr(type(published), "read", lambda *_: pytest.fail("a rollback read a version file"))

    for worker in workers:
        worker.refresh()

    assert numbers(workers) == [1, 1]


def test_other_classes_are_refused_unless_the_history_says_who_forced_them(workers, published):
    make_draft(labels="abcdefghij").publish(published)
    path = published.root / "digits" / "aliases.json"
    path.write_text(json.dumps({"generation": 2, "aliases": {"production": 4}}))
    for worker in workers:
        worker.refresh()
    assert numbers(workers) == [1, 1]
    assert "a, b, c" in workers[0].refusal("digits").reason

    path.write_text(json.dumps({"generation": 3, "aliases": {"production": 1}}))
    published.promote("digits", 4, force=True)
    for worker in workers:
        worker.refresh()
    assert numbers(workers) == [4, 4]


def test_a_file_copied_under_another_number_is_refused(workers, published):
    folder = published.root / "digits"
    (folder / "7.npz").write_bytes((folder / "2.npz").read_bytes())
    (folder / "aliases.json").write_text(json.dumps({"generation": 2, "aliases": {"production": 7}}))

    for worker in workers:
        worker.refresh()

    assert numbers(workers) == [1, 1]
    assert "version 2" in workers[0].refusal("digits").reason


def test_a_successor_is_not_taken_for_prepared_because_its_predecessor_was(workers, published, board):
    first, second = workers
    published.promote("digits", 2)
    first.refresh()
    board.workers.free(1001)
    successor = LiveModels(published, board)
    assert successor.join(1003) == first.slot

    second.prepare()

    assert numbers([second, successor]) == [1, 1]
    successor.prepare()
    assert numbers([second, successor]) == [2, 2]


def test_an_edit_that_comes_in_the_middle_of_another_swap_is_served_after_it(workers, published):
    first, second = workers
    published.promote("digits", 2)
    first.refresh()
    published.promote("digits", 3)
    first.refresh()

    for _ in range(3):
        second.refresh()
        first.refresh()

    assert numbers(workers) == [3, 3]


def test_workers_load_one_after_the_other(workers, published, board):
    first, second = workers
    assert board.workers.may_load(first.slot)
    published.promote("digits", 2)

    second.refresh()
    assert not second._models["digits"].states.get(2)

    board.workers.has_loaded(first.slot)
    second.prepare()
    first.prepare()
    assert numbers(workers) == [2, 2]


def test_a_turn_to_load_that_takes_too_long_is_not_waited_for(workers, published, board, monkeypatch):
    first, second = workers
    monkeypatch.setattr("service.workers._TURN_SECONDS", 0.001)
    assert board.workers.may_load(first.slot)
    time.sleep(0.002)  # what makes it long

    assert board.workers.may_load(second.slot)


def test_one_model_s_refusal_does_not_hold_up_another_s_swap(workers, published):
    make_draft("letters", labels="abc", seed=1).publish(published)
    make_draft("letters", labels="abc", seed=2).publish(published)
    published.promote("letters", 1)
    damage(published, 2)
    (published.root / "digits" / "aliases.json").write_text(json.dumps({"generation": 2, "aliases": {"production": 2}}))

    for _ in range(2):
        for worker in workers:
            worker.refresh()

    assert workers[0].names() == ["digits", "letters"]
    assert [worker.snapshot("letters").version.metadata.version for worker in workers] == [1, 1]
    assert numbers(workers) == [1, 1]


def test_memory_of_old_states_is_let_go(workers, published):
    for turn in range(6):
        published.promote("digits", 1 + (turn + 1) % 2)
        for worker in workers:
            worker.refresh()
    workers[0].settle()

    assert all(len(model.states) <= 2 for worker in workers for model in worker._all())


def test_a_document_too_large_for_the_shared_memory_is_refused(workers, published):
    aliases = {f"a{number}": 1 for number in range(5000)}
    path = published.root / "digits" / "aliases.json"
    path.write_text(json.dumps({"generation": 2, "aliases": {"production": 2, **aliases}}))

    for worker in workers:
        worker.refresh()

    assert numbers(workers) == [1, 1]
    assert "bytes" in workers[0].refusal("digits").reason
