"""Single steps of a swap that the tests of whole swaps pass over: marks on the board, waiting, and what is logged."""

import json
import os
import time

import numpy as np
import pytest

from mlp.aliases import AliasDocument, Note, Rule
from mlp.errors import StoreUnavailable, VersionNotFound
from service import rule
from service.board import Board
from service.errors import SwapUnfinished, VersionRefused
from service.layout import Cell, Head, Tally
from service.live import LiveModels
from service.move import promote
from service.rule import Promoter
from service.shadow import Shadow, counts, examples
from tests.drafts import make_draft

SECOND = 10**9


@pytest.fixture
def board():
    return Board(2, swap_seconds=20, poll_seconds=0.001, examples=4)


@pytest.fixture
def live(published, board):
    """One process that answers with version 1, and is no worker yet."""
    live = LiveModels(published, board)
    live.refresh()
    return live


def served(live):
    return live.snapshot("digits").version.metadata.version


def said(caplog, message):
    """The one line of the log with that message."""
    (record,) = [record for record in caplog.records if record.message == message]
    return record


# Marks on the board


def test_a_look_is_due_once_in_the_time_between_two(published):
    board = Board(1, swap_seconds=20, poll_seconds=30)
    begun = time.monotonic_ns()

    assert board.look_is_due()
    assert not board.look_is_due()
    assert begun + 30 * SECOND <= board.words[Head.NEXT_LOOK] <= time.monotonic_ns() + 30 * SECOND
    board.look_soon()
    assert board.look_is_due()


def test_the_store_is_settled_when_it_was_read_since_and_nothing_is_being_prepared(live, board):
    begun = time.monotonic()
    assert not board.is_settled(since=begun)

    board.looked(stale=False)
    assert board.is_settled(since=begun)
    assert not board.is_settled(since=time.monotonic())

    board.propose("digits", AliasDocument(generation=2, aliases={"production": 2}))
    board.looked(stale=False)
    assert not board.is_settled(since=begun)


def test_a_proposal_that_is_withdrawn_has_no_owner_any_more(live, board):
    serial = board.propose("digits", AliasDocument(generation=2, aliases={"production": 2}), owner=1001)
    assert board.get(0, Cell.OWNER) == 1001
    assert board.propose("digits", AliasDocument(generation=3, aliases={"production": 2})) is None

    board.withdraw(0, serial + 1)
    assert board.get(0, Cell.PROPOSED) == serial
    board.withdraw(0, serial)

    assert (board.get(0, Cell.PROPOSED), board.get(0, Cell.OWNER)) == (0, 0)


def test_the_pause_after_a_refusal_doubles_up_to_a_minute(live):
    board = Board(1, swap_seconds=20, poll_seconds=0.5)
    for number, pause in enumerate([0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]):
        begun = time.monotonic_ns()
        news = board.refuse_unread("digits", "not to be read")
        ended = time.monotonic_ns()

        assert news == (number == 0)
        assert board.get(0, Cell.RETRIES) == number
        assert begun <= board.get(0, Cell.RETRY_AT) - pause * SECOND <= ended
    assert board.get(0, Cell.REFUSALS) == 1


def test_a_swap_that_takes_too_long_is_told_with_its_generation(published):
    board = Board(1, swap_seconds=0.001, poll_seconds=0.001)
    worker = LiveModels(published, board)
    worker.refresh()
    worker.join(1001)
    published.promote("digits", 2)
    worker.look()
    time.sleep(0.002)  # what makes it long

    worker.settle()

    assert worker.refusal("digits").generation == 2


def test_a_worker_may_take_its_own_turn_to_load_again_and_gives_no_other_s_away(live, board):
    first, second = live.join(1001), LiveModels(live.store, board).join(1002)
    assert board.workers.may_load(first)
    assert board.workers.may_load(first)

    board.workers.has_loaded(second)
    assert not board.workers.may_load(second)
    board.workers.has_loaded(first)

    assert board.workers.may_load(second)


@pytest.mark.parametrize("labels", ["abcdefghijkl", "abcdefghijklm"])
def test_up_to_twelve_classes_are_named_in_full(store, labels):
    make_draft(labels=labels).publish(store)
    make_draft(labels=labels[::-1]).publish(store)
    store.promote("digits", 1)
    live = LiveModels(store, Board(1, swap_seconds=20, poll_seconds=0.001))
    live.refresh()
    path = store.root / "digits" / "aliases.json"
    path.write_text(json.dumps({"generation": 2, "aliases": {"production": 2}}))

    live.refresh()

    reason = live.refusal("digits").reason
    assert ("…" in reason) == (len(labels) > 12)
    assert (", ".join(labels) in reason) == (len(labels) <= 12)


# Moving an alias


def moved(live, version, seconds=20):
    return promote(live, "digits", version, "production", Note("a test"), force=False, seconds=seconds)


def test_a_move_waits_for_another_change_and_is_made_after_it(live, board):
    board.propose("digits", AliasDocument(generation=2, aliases={"production": 1, "canary": 2}), owner=2**30)

    document = moved(live, 2)

    assert document.aliases["production"] == served(live) == 2


def test_a_move_that_waits_in_vain_for_another_change_says_so(live, board):
    live.join(os.getpid())
    LiveModels(live.store, board).join(1002)
    serial = board.propose("digits", AliasDocument(generation=2, aliases={"production": 2}), owner=1002)

    with pytest.raises(SwapUnfinished, match="another change of digits is still being prepared"):
        moved(live, 2, seconds=0.05)

    assert board.get(0, Cell.PROPOSED) == serial
    assert served(live) == 1


def test_a_move_to_where_the_store_is_already_waits_until_that_answers(live, published):
    published.promote("digits", 2)

    document = moved(live, 2)

    assert served(live) == 2
    assert document == published.aliases("digits")


def test_a_move_to_what_the_store_names_already_and_cannot_be_loaded_is_refused(live, published):
    published.promote("digits", 2)
    path = published.root / "digits" / "2.npz"
    path.write_bytes(path.read_bytes()[:-50])

    with pytest.raises(VersionRefused, match=r"2\.npz"):
        moved(live, 2)

    assert served(live) == 1


# The rule


@pytest.fixture
def compared(live, board, published):
    """A shadow, version 2, that has proved good by its rule."""
    published.promote("digits", 2, "shadow")
    published.set_rule("digits", Rule(min_requests=1, min_agreement=0.0))
    live.refresh()
    shadow, snapshot, pixels = Shadow(board, 100), live.snapshot("digits"), np.zeros((3, 28, 28), np.uint8)
    shadow.offer(0, snapshot, pixels, snapshot.version.scores(pixels), "")
    assert shadow.compare_next(0, wait_seconds=0)
    return live


def test_a_promotion_by_the_rule_that_fails_is_logged_and_not_tried_again_at_once(compared, monkeypatch, caplog):
    tries = []

    def unavailable(*_, **__):
        tries.append(time.monotonic())
        raise StoreUnavailable("the store is away")

    promoter = Promoter(compared, swap_seconds=10)
    with monkeypatch.context() as away:
        away.setattr(compared.store, "promote", unavailable)
        promoter.look()
        promoter.look()

    record = said(caplog, "not promoted by the rule")
    assert (record.model, record.version, record.reason) == ("digits", 2, "the store is away")
    assert len(tries) == 1
    promoter.look()
    assert served(compared) == 1


def test_a_promotion_by_the_rule_that_failed_is_tried_again_after_the_pause(compared, monkeypatch, caplog):
    caplog.set_level("INFO", "service")
    monkeypatch.setattr(rule, "_PAUSE_SECONDS", 0.0)
    promoter = Promoter(compared, swap_seconds=10)
    with monkeypatch.context() as away:
        away.setattr(compared.store, "promote", lambda *_, **__: (_ for _ in ()).throw(StoreUnavailable("away")))
        promoter.look()
    assert served(compared) == 1

    promoter.look()

    assert served(compared) == 2
    record = said(caplog, "promoted by the rule")
    assert (record.model, record.version) == ("digits", 2)
    assert record.why.startswith("3 pictures compared, agreement ")
    assert record.why.endswith("the rule asks for min_requests 1, min_agreement 0")
    assert compared.store.aliases("digits").history[-1].by == "the rule"


def test_a_shadow_that_is_production_itself_is_not_promoted(compared, published):
    published.promote("digits", 1, "shadow")
    compared.refresh()
    before = published.aliases("digits")

    Promoter(compared, swap_seconds=10).look()

    assert rule.compared(compared.get("digits")) is None
    assert published.aliases("digits") == before


# The log


def test_a_refusal_is_logged_once_with_the_model_and_the_reason(live, published, caplog):
    path = published.root / "digits" / "aliases.json"
    path.write_text("{")

    live.refresh()
    live.refresh()

    record = said(caplog, "versions refused")
    assert record.model == "digits"
    assert record.reason == live.refusal("digits").reason


def test_what_becomes_live_is_logged_with_its_generation(live, published, caplog):
    caplog.set_level("INFO", "service")
    published.promote("digits", 2)

    live.refresh()

    record = said(caplog, "now live")
    assert (record.model, record.generation, record.aliases["production"]) == ("digits", 2, 2)


def test_a_store_that_cannot_be_read_is_logged_and_every_failure_named(live, published, monkeypatch, caplog):
    def unavailable(name):
        raise StoreUnavailable("away")

    monkeypatch.setattr(published, "fingerprint", unavailable)
    before = live.board.words[Head.LOOKED]

    live.look()

    record = said(caplog, "the store cannot be read, serving what is loaded")
    assert record.reason == "digits: away"
    assert live.board.words[Head.LOOKED] == before


# The shadow's examples


def test_an_example_with_more_classes_than_there_is_room_for_goes_without_scores_and_pixels(store):
    labels = [f"class number {number}" for number in range(400)]
    make_draft(labels=labels, seed=1).publish(store)
    make_draft(labels=labels, seed=2).publish(store)
    store.promote("digits", 1)
    store.promote("digits", 2, "shadow")
    board = Board(1, swap_seconds=20, poll_seconds=0.001, examples=2)
    live = LiveModels(store, board)
    live.refresh()
    snapshot = live.snapshot("digits")
    pixels = np.random.default_rng(0).integers(0, 256, (1, 28, 28), np.uint8)

    shadow = Shadow(board, 10)
    shadow.offer(0, snapshot, pixels, snapshot.version.scores(pixels), "a request")
    shadow.compare_next(0, wait_seconds=0)

    (example,) = examples(board, "digits", 1, 2)
    assert example["production"]["scores"] is example["shadow"]["scores"] is example["pixels"] is None
    assert example["shape"] == [28, 28]
    assert example["production"]["label"] != example["shadow"]["label"]
    assert example["request_id"] == "a request"
    assert examples(board, "digits", 2, 1) == examples(board, "letters", 1, 2) == []


def test_versions_with_other_classes_have_no_distance(published, board):
    make_draft(seed=2, labels="1023456789").publish(published)
    published.promote("digits", 3, "shadow", force=True)
    live = LiveModels(published, board)
    live.refresh()
    snapshot, pixels = live.snapshot("digits"), np.zeros((2, 28, 28), np.uint8)

    shadow = Shadow(board, 10)
    shadow.offer(0, snapshot, pixels, snapshot.version.scores(pixels), "")
    shadow.compare_next(0, wait_seconds=0)

    found = counts(board, 0, 1, 3)
    assert (found.pictures, found.distance) == (2, 0.0)
    assert board.words[board.layout.tally(0, 0, Tally.DISTANCE)] == 0


# When somebody else writes meanwhile


@pytest.fixture
def meanwhile(live, monkeypatch):
    """Give a function: what it is given is done after the store has been written to, before the writer goes on."""
    write = live.store.promote

    def arrange(do):
        def written(*args, **options):
            monkeypatch.undo()
            document = write(*args, **options)
            return do() or document

        monkeypatch.setattr(live.store, "promote", written)

    return arrange


def test_a_move_whose_proposal_was_taken_becomes_live_in_the_usual_way(live, board, meanwhile):
    meanwhile(lambda: board.withdraw(0, board.get(0, Cell.PROPOSED)))

    document = moved(live, 2)

    assert (document.generation, served(live)) == (2, 2)
    assert board.get(0, Cell.PROPOSED) == 0


def test_a_move_after_which_the_store_says_something_else_is_served_as_the_store_says(
    live, board, published, meanwhile
):
    def add_an_alias():
        published.promote("digits", 2, "canary")
        return published.aliases("digits")

    meanwhile(add_an_alias)

    document = moved(live, 2)

    assert document.aliases == {"production": 2, "canary": 2}
    assert live.get("digits").document.aliases == document.aliases
    assert board.get(0, Cell.PROPOSED) == 0


def test_a_move_that_a_later_one_has_overtaken_is_done(live, board, published, meanwhile):
    def overtake():
        board.withdraw(0, board.get(0, Cell.PROPOSED))
        published.promote("digits", 1)

    meanwhile(overtake)

    document = moved(live, 2, seconds=5)

    assert document.generation == 2
    assert (live.get("digits").document.generation, served(live)) == (3, 1)


# Workers that come


def test_a_worker_that_cannot_load_what_is_live_joins_and_says_so(live, published, board, caplog):
    path = published.root / "digits" / "1.npz"
    path.write_bytes(path.read_bytes()[:-50])

    slot = LiveModels(published, board).join(1002)

    assert board.workers.pids([slot]) == {1002}
    record = said(caplog, "a new worker cannot load what is live")
    assert record.model == "digits"
    assert "1.npz" in record.reason


def test_a_worker_takes_a_free_slot_or_that_of_the_one_that_is_silent_longest(board):
    taken = [board.workers.claim(1000 + number) for number in board.layout.slots]
    assert sorted(taken) == list(board.layout.slots)

    for slot in taken:
        if slot != 5:
            board.workers.beat(slot)
    assert board.workers.claim(2000) == 5

    board.workers.free(1000 + taken.index(7))
    assert board.workers.claim(2001) == 7


# What is told


def test_a_picture_s_line_in_the_log_names_what_answered(live):
    assert live.snapshot("digits").said(3) == {"model": "digits", "version": 1, "images": 3}


def test_without_a_name_it_is_the_only_model_or_digits(live, published):
    assert live.snapshot("").version.metadata.name == "digits"

    make_draft("alphabet").publish(published)
    published.promote("alphabet", 1)
    live.refresh()

    assert live.names() == ["alphabet", "digits"]
    assert live.snapshot("").version.metadata.name == "digits"


def test_an_alias_that_is_not_there_is_not_there_although_another_change_was_refused(live, published):
    published.promote("digits", 2)
    path = published.root / "digits/2.npz"
    path.write_bytes(path.read_bytes()[:-50])
    live.refresh()
    assert live.refusal("digits")

    with pytest.raises(VersionNotFound, match=r"no version or alias 'best'$"):
        live.snapshot("digits", "best")


def test_a_mistake_of_ours_in_loading_is_told_by_its_kind_alone(live, published, monkeypatch):
    def fail(*_arguments, **_how):
        raise ValueError("something with a path")

    monkeypatch.setattr("service.candidate.build", fail)
    published.promote("digits", 2)
    live.refresh()

    assert live.refusal("digits").reason == "loading failed: ValueError"
    assert live.refusal("digits").generation == 2
    assert served(live) == 1


def test_what_a_store_only_remembers_does_not_follow_what_is_live(live, published, monkeypatch):
    published.promote("digits", 2)
    monkeypatch.setattr(type(published), "stale", True)
    live.refresh()
    assert served(live) == 1

    monkeypatch.undo()
    live.refresh()
    assert served(live) == 2


def test_each_deletion_is_counted(board):
    for number in (1, 2, 3):
        board.deleted()
        assert board.words[Head.DELETIONS] == number
