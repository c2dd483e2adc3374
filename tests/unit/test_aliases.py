import json
from datetime import UTC, datetime

import pytest

from mlp.aliases import HIGHEST_GENERATION, HISTORY, AliasDocument, Note, Rule
from mlp.errors import AliasDocumentError, InvalidChange, NothingToRollBack, VersionNotFound


def test_moving_an_alias_raises_the_generation_and_remembers_where_it_was():
    first = AliasDocument().moved("production", 1)
    second = first.moved("production", 2)

    assert (first.generation, first.aliases, first.previous) == (1, {"production": 1}, {})
    assert (second.generation, second.aliases, second.previous) == (2, {"production": 2}, {"production": 1})


def test_moving_to_where_it_is_changes_nothing():
    document = AliasDocument().moved("production", 1)

    assert document.moved("production", 1) == document


def test_rollback_goes_back_and_a_second_one_forth_again():
    document = AliasDocument().moved("production", 1).moved("production", 2)

    back = document.rolled_back("production")
    forth = back.rolled_back("production")

    assert (back.aliases["production"], forth.aliases["production"]) == (1, 2)
    assert (back.generation, forth.generation) == (3, 4)


def test_an_alias_that_never_moved_cannot_be_rolled_back():
    with pytest.raises(NothingToRollBack, match="production has not moved"):
        AliasDocument().moved("production", 1).rolled_back("production")


def test_fields_of_a_newer_program_survive_a_rewrite():
    text = (
        b'{"generation": 7, "aliases": {"production": 3}, "colour": {"sky": "blue"}, "none": null, '
        b'"history": [{"generation": 7, "when": "2026-01-02T03:04:05Z", "what": "x", "mood": "good"}]}'
    )

    document = AliasDocument.parse(AliasDocument.parse(text).moved("shadow", 4).text())

    assert document.model_extra == {"colour": {"sky": "blue"}, "none": None}
    assert document.history[0].model_extra == {"mood": "good"}
    assert document.aliases == {"production": 3, "shadow": 4}


def test_the_text_of_a_document_is_read_back_as_it_was():
    document = AliasDocument().moved("production", 1).moved("production", 2, Note("ada", "better")).moved("shadow", 3)
    document = document.with_traffic({"shadow": 0.25}).with_rule(Rule(min_requests=10, min_agreement=0.9))
    document = document.without_versions([4], present=[1, 2, 3, 4])

    assert AliasDocument.parse(document.text()) == document


def test_a_move_says_who_when_why_from_where_and_where_to():
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    document = AliasDocument().moved("production", 1).moved("production", 2, Note("ada", "better", when))

    assert json.loads(document.text())["history"][-1] == {
        "generation": 2,
        "when": "2026-01-02T03:04:05Z",
        "by": "ada",
        "why": "better",
        "what": "production from 1 to 2",
        "alias": "production",
        "from": 1,
        "to": 2,
    }


def test_the_history_keeps_the_last_changes_only():
    document = AliasDocument()
    for step in range(HISTORY + 5):
        document = document.moved("production", 1 + step % 2, Note("x" * 1000, "y" * 1000))

    assert len(document.history) == HISTORY
    assert [change.generation for change in document.history] == list(range(6, HISTORY + 6))
    assert len(document.text()) < 200_000


def test_every_change_is_a_generation_and_no_change_is_none():
    document = AliasDocument().moved("production", 1).moved("candidate", 2)
    rule = Rule(min_requests=10, min_agreement=0.9)

    changed = document.with_traffic({"candidate": 0.1}).with_rule(rule).without_versions([3], [1, 2, 3])

    assert changed.generation == document.generation + 3
    assert changed.with_traffic({"candidate": 0.1}) == changed.with_rule(rule) == changed
    assert [change.what for change in changed.history[2:]] == [
        "traffic: candidate 0.1",
        "rule: min_requests 10, min_agreement 0.9",
        "deleted: 3",
    ]


@pytest.mark.parametrize(
    ("traffic", "says"),
    [
        ({"candidate": 1.01}, "traffic.candidate"),
        ({"candidate": -0.01}, "traffic.candidate"),
        ({"candidate": float("nan")}, "traffic.candidate"),
        ({"candidate": 0.6, "shadow": 0.5}, "add up to 1.1"),
        ({"elsewhere": 0.1}, "elsewhere has a share and names no version"),
        ({"production": 0.1}, "production takes what the other aliases leave"),
    ],
)
def test_impossible_traffic_is_refused(traffic, says):
    document = AliasDocument().moved("production", 1).moved("candidate", 2).moved("shadow", 2)

    with pytest.raises(InvalidChange, match=says):
        document.with_traffic(traffic)


def test_no_alias_can_name_a_deleted_version():
    document = AliasDocument().without_versions([2], present=[1, 2])

    with pytest.raises(VersionNotFound, match="version 2 was deleted"):
        document.moved("production", 2)


def test_deleted_numbers_are_forgotten_when_the_files_are_gone_but_for_the_highest():
    document = AliasDocument().without_versions([2, 7], present=[1, 2, 3, 7])

    assert document.without_versions([3], present=[1, 3]).deleted == (3, 7)
    assert document.highest == 7


@pytest.mark.parametrize(
    ("requests", "agreement", "metrics", "unmet"),
    [
        (100, 0.9, {"accuracy": 0.95}, []),
        (99, 0.9, {"accuracy": 0.95}, ["99 of 100 requests"]),
        (100, 0.89, {"accuracy": 0.95}, ["agreement 0.89, at least 0.9 is asked for"]),
        (100, float("nan"), {"accuracy": 0.95}, ["agreement nan, at least 0.9 is asked for"]),
        (100, 0.9, {"accuracy": 0.9}, ["accuracy 0.9, at least 0.95 is asked for"]),
        (100, 0.9, {}, ["accuracy unknown, at least 0.95 is asked for"]),
    ],
)
def test_a_rule_names_what_is_not_good_enough(requests, agreement, metrics, unmet):
    assert Rule(min_requests=100, min_agreement=0.9, min_accuracy=0.95).unmet(requests, agreement, metrics) == unmet


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "JSON"),
        (b'{"generation": 7, "ali', "JSON"),
        (b"[]", "JSON"),
        (b'{"generation": -1}', "generation"),
        (b'{"generation": "7"}', "generation"),
        (b'{"aliases": {"production": 0}}', "aliases.production"),
        (b'{"aliases": {"production": "3"}}', "aliases.production"),
        (b'{"aliases": {"3": 3}}', "aliases.3"),
        (b"\xff\xfe", "JSON"),
        (b'{"aliases": {"production": 1000000000}}', "aliases.production"),
        (b'{"aliases": {"a": 1}, "traffic": {"a": 1.5}}', "traffic.a"),
        (b'{"aliases": {"a": 1}, "traffic": {"a": "0.5"}}', "traffic.a"),
        (b'{"aliases": {"a": 1, "b": 1}, "traffic": {"a": 0.6, "b": 0.5}}', "traffic: the shares add up to 1.1"),
        (b'{"aliases": {"production": 1}, "traffic": {"candidate": 0.5}}', "traffic: candidate has a share"),
        (b'{"rule": {"min_requests": 0, "min_agreement": 0.9}}', "rule.min_requests"),
        (b'{"rule": {"min_requests": 10}}', "rule.min_agreement"),
        (b'{"history": [{"generation": 1, "what": "x"}]}', "history.0.when"),
        (b'{"deleted": [0]}', "deleted.0"),
    ],
)
def test_a_damaged_document_is_refused_naming_the_place(text, says):
    with pytest.raises(AliasDocumentError, match=says):
        AliasDocument.parse(text)


def test_a_shadow_that_becomes_production_is_none_any_more_so_that_a_rollback_lasts():
    document = AliasDocument().moved("production", 1).moved("shadow", 2).moved("shadow", 3)
    document = document.with_traffic({"shadow": 0.1}).with_rule(Rule(min_requests=1, min_agreement=0))

    promoted = document.moved("production", 3)
    assert (promoted.aliases, promoted.traffic) == ({"production": 3}, {})
    assert promoted.rolled_back("production").aliases == {"production": 1}

    other = document.moved("production", 2)
    assert other.aliases == {"production": 2, "shadow": 3}
    assert other.traffic == {"shadow": 0.1}


def test_after_the_highest_generation_nothing_changes_any_more():
    document = AliasDocument(generation=HIGHEST_GENERATION)

    with pytest.raises(InvalidChange, match="generation"):
        document.moved("production", 1)


def test_an_unload_takes_production_and_its_traffic_and_a_rollback_goes_back():
    document = AliasDocument().moved("production", 1).moved("candidate", 2).with_traffic({"candidate": 0.1})

    unloaded = document.unloaded(Note("ada"))

    assert unloaded.aliases == {"candidate": 2}
    assert unloaded.previous == {"production": 1}
    assert not unloaded.traffic
    assert unloaded.history[-1].what == "production unloaded, was 1"
    assert unloaded.unloaded() == unloaded
    assert unloaded.rolled_back("production").aliases == {"production": 1, "candidate": 2}
