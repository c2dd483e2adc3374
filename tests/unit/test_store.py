"""What every kind of store must do."""

import threading

import numpy as np
import pytest

from mlp import version_file
from mlp.aliases import Rule
from mlp.errors import (
    GenerationMoved,
    InvalidChange,
    ModelNotFound,
    NothingToRollBack,
    OtherClasses,
    VersionFileError,
    VersionInUse,
    VersionNotFound,
)
from mlp.store import open_store
from tests.drafts import make_draft


@pytest.fixture(params=["folder", "bucket"])
def store(request, tmp_path):
    if request.param == "folder":
        return open_store(tmp_path / "models")
    return request.getfixturevalue("s3_store")


def published(store, *drafts):
    return [draft.publish(store) for draft in drafts]


def test_versions_are_numbered_from_one_upwards(store, draft):
    assert published(store, draft, draft) == [1, 2]
    assert store.versions("digits") == [1, 2]
    assert store.models() == ["digits"]
    assert store.read("digits", 2).metadata.version == 2
    assert store.metadata("digits", 2) == store.read("digits", 2).metadata


def test_models_lie_side_by_side(store):
    published(store, make_draft("letters"), make_draft("digits"), make_draft("letters", seed=1))

    assert store.models() == ["digits", "letters"]
    assert (store.versions("digits"), store.versions("letters")) == ([1], [1, 2])


def test_publishing_moves_no_alias(store, draft):
    draft.publish(store)

    assert store.aliases("digits").aliases == {}


def test_an_alias_and_a_number_resolve_to_the_same_version(store, draft):
    draft.publish(store)
    store.promote("digits", 1)

    assert store.resolve("digits", "1") == store.resolve("digits", "production") == 1


@pytest.mark.parametrize("reference", ["2", "shadow", "0", "-1", "1.0", "", "٣", "1" * 30, "../1"])
def test_an_unknown_reference_is_not_found(store, draft, reference):
    draft.publish(store)

    with pytest.raises(VersionNotFound):
        store.resolve("digits", reference)


@pytest.mark.parametrize("name", ["letters", "..", "../digits", "", "a/b", "Digits", "digits\n"])
def test_an_unknown_or_impossible_model_is_not_found(store, draft, name):
    draft.publish(store)

    for ask in (store.versions, store.resolve, store.rollback, lambda name: store.prune(name, 1)):
        with pytest.raises(ModelNotFound):
            ask(name)
    assert store.models() == ["digits"]


def test_a_version_that_is_not_there_is_not_read(store, draft):
    draft.publish(store)

    for ask in (store.read, store.metadata):
        with pytest.raises(VersionNotFound):
            ask("digits", 7)


def test_promote_and_roll_back(store, draft):
    published(store, draft, draft)

    store.promote("digits", 1)
    store.promote("digits", 2, by="ada", why="fewer mistakes")
    back = store.rollback("digits", by="bob", why="more complaints")

    assert back.aliases == {"production": 1}
    assert back.generation == 3
    assert store.aliases("digits") == back
    said = [(change.by, change.why, change.alias, change.origin, change.target) for change in back.history]
    assert said == [
        ("", "", "production", None, 1),
        ("ada", "fewer mistakes", "production", 1, 2),
        ("bob", "more complaints", "production", 2, 1),
    ]


def test_every_change_is_in_the_history_with_who_made_it_and_why(store, draft):
    published(store, draft, draft, draft, draft, draft)
    rule = Rule(min_requests=10, min_agreement=0.5)
    for number, change in enumerate(
        [
            lambda **how: store.promote("digits", 1, **how),
            lambda **how: store.promote("digits", 2, "candidate", **how),
            lambda **how: store.set_traffic("digits", {"candidate": 0.25}, **how),
            lambda **how: store.set_rule("digits", rule, **how),
            lambda **how: store.withdraw("digits", "candidate", **how),
            lambda **how: store.promote("digits", 2, **how),
            lambda **how: store.rollback("digits", **how),
            lambda **how: store.unload("digits", **how),
            lambda **how: store.delete("digits", 3, **how),
            lambda **how: store.prune("digits", 1, **how),
        ]
    ):
        change(by=f"person {number}", why=f"reason {number}")

    history = store.aliases("digits").history

    assert [(change.what, change.alias, change.origin, change.target) for change in history] == [
        ("production to 1", "production", None, 1),
        ("candidate to 2", "candidate", None, 2),
        ("traffic: candidate 0.25", None, None, None),
        ("rule: min_requests 10, min_agreement 0.5", None, None, None),
        ("candidate taken away", "candidate", 2, None),
        ("production from 1 to 2", "production", 1, 2),
        ("production back from 2 to 1", "production", 2, 1),
        ("production unloaded, was 1", "production", 1, None),
        ("deleted: 3", None, None, None),
        ("deleted: 2, 4", None, None, None),
    ]
    assert [(change.by, change.why) for change in history] == [(f"person {n}", f"reason {n}") for n in range(10)]
    assert [change.generation for change in history] == list(range(1, 11))


def test_what_is_not_there_is_named_with_what_there_is(store, draft):
    published(store, *[draft] * 22)

    with pytest.raises(
        VersionNotFound, match=r"^model 'digits' has no version 77; it has 1, 2, .*, 10, …, 18, .*, 22$"
    ):
        store.resolve("digits", "77")
    with pytest.raises(VersionNotFound, match=r"^model 'digits' has no version or alias 'best'$"):
        store.resolve("digits", "best")
    with pytest.raises(ModelNotFound):
        store.unload("letters")


def test_a_version_that_is_not_there_is_not_promoted(store, draft):
    draft.publish(store)

    with pytest.raises(VersionNotFound):
        store.promote("digits", 7)


def test_rollback_without_a_previous_version_says_so(store, draft):
    draft.publish(store)

    with pytest.raises(NothingToRollBack):
        store.rollback("digits")


def test_a_change_upon_another_generation_is_refused(store, draft):
    published(store, draft, draft)
    store.promote("digits", 1, if_generation=0)
    store.promote("digits", 2, if_generation=1)

    with pytest.raises(GenerationMoved, match="generation 2, not 1"):
        store.promote("digits", 1, if_generation=1)
    for change in (
        lambda: store.rollback("digits", if_generation=3),
        lambda: store.set_traffic("digits", {}, if_generation=3),
        lambda: store.set_rule("digits", None, if_generation=3),
        lambda: store.withdraw("digits", "shadow", if_generation=3),
    ):
        with pytest.raises(GenerationMoved):
            change()

    assert store.aliases("digits").generation == 2


def test_a_version_with_other_classes_is_promoted_only_by_force(store):
    published(store, make_draft(labels="0123456789"), make_draft(labels="abcdef"))
    store.promote("digits", 1)

    for alias in ("production", "shadow"):
        with pytest.raises(OtherClasses, match="version 2 answers with a, b, c, d, e, f, version 1 in production with"):
            store.promote("digits", 2, alias)

    assert store.promote("digits", 2, force=True).aliases == {"production": 2}
    assert store.rollback("digits").aliases == {"production": 1}


@pytest.mark.parametrize("alias", ["", "3", "Shadow", "a b", "../x", "a" * 65, "shadow\n"])
def test_an_impossible_alias_is_refused(store, draft, alias):
    draft.publish(store)

    with pytest.raises(InvalidChange, match="is no alias"):
        store.promote("digits", 1, alias)


def test_an_alias_can_be_taken_away_but_not_production(store, draft):
    published(store, draft, draft)
    store.promote("digits", 1)
    store.promote("digits", 2, "candidate")
    store.set_traffic("digits", {"candidate": 0.5})

    document = store.withdraw("digits", "candidate")

    assert (document.aliases, document.traffic) == ({"production": 1}, {})
    with pytest.raises(InvalidChange, match="production"):
        store.withdraw("digits", "production")
    with pytest.raises(VersionNotFound, match="candidate"):
        store.withdraw("digits", "candidate")


def test_traffic_and_the_rule_are_kept_in_the_document(store, draft):
    published(store, draft, draft)
    store.promote("digits", 1)
    store.promote("digits", 2, "candidate")
    rule = Rule(min_requests=1000, min_agreement=0.98, min_accuracy=0.97)

    store.set_traffic("digits", {"candidate": 0.05}, by="ada")
    store.set_rule("digits", rule)

    document = store.aliases("digits")
    assert (document.traffic, document.rule, document.generation) == ({"candidate": 0.05}, rule, 4)
    with pytest.raises(InvalidChange, match="candidate"):
        store.set_traffic("digits", {"candidate": 1.5})


def test_a_file_gets_the_next_number_whatever_it_says_of_itself(store, draft):
    draft.publish(store)
    data = version_file.renumbered(version_file.unpack(make_draft(seed=1).pack()), 77)

    number = store.publish_file("digits", data)

    given, stored = version_file.unpack(data), store.read("digits", number)
    assert number == stored.metadata.version == 2
    assert stored.metadata == given.metadata.model_copy(update={"version": 2})
    np.testing.assert_array_equal(stored.layers[0].weights, given.layers[0].weights)
    np.testing.assert_array_equal(stored.golden_scores, given.golden_scores)


def test_a_file_that_could_not_be_served_is_not_stored(store, draft):
    draft.publish(store)

    with pytest.raises(VersionFileError):
        store.publish_file("digits", draft.pack()[:-1])
    with pytest.raises(VersionFileError, match="a version of model 'letters', not of 'digits'"):
        store.publish_file("digits", make_draft("letters").pack())
    with pytest.raises(ModelNotFound):
        store.publish_file("../digits", draft.pack())

    assert (store.models(), store.versions("digits")) == (["digits"], [1])


def test_a_deleted_version_is_gone_and_its_number_is_not_given_again(store, draft):
    published(store, draft, draft, draft)
    store.promote("digits", 1)

    document = store.delete("digits", 3, by="ada")

    assert store.versions("digits") == [1, 2]
    assert document.history[-1].what == "deleted: 3"
    with pytest.raises(VersionNotFound):
        store.delete("digits", 3)
    with pytest.raises(VersionNotFound):
        store.promote("digits", 3)
    assert draft.publish(store) == 4


def test_a_deletion_that_was_interrupted_is_made_whole_by_the_next(store, draft, monkeypatch):
    published(store, draft, draft, draft)
    with monkeypatch.context() as patch:
        patch.setattr(store, "_remove", lambda name, numbers: None)
        store.delete("digits", 1)

    with pytest.raises(VersionNotFound, match="deleted"):
        store.promote("digits", 1)
    store.delete("digits", 1)

    assert store.versions("digits") == [2, 3]


def test_a_version_in_use_is_not_deleted(store, draft):
    published(store, draft, draft, draft)
    store.promote("digits", 1)
    store.promote("digits", 2)
    store.promote("digits", 3, "shadow")

    for number, use in [(1, "rollback of production"), (2, "production names"), (3, "shadow names")]:
        with pytest.raises(VersionInUse, match=use):
            store.delete("digits", number)

    assert store.versions("digits") == [1, 2, 3]
    assert store.rollback("digits").aliases["production"] == 1


def test_pruning_keeps_the_last_and_those_in_use(store, draft):
    published(store, *[draft] * 8)
    store.promote("digits", 2)
    store.promote("digits", 4)
    store.promote("digits", 1, "candidate")
    store.set_traffic("digits", {"candidate": 0.5})

    assert store.prune("digits", keep=2) == [3, 5, 6]
    assert store.versions("digits") == [1, 2, 4, 7, 8]
    generation = store.aliases("digits").generation
    assert store.prune("digits", keep=2) == []
    assert store.aliases("digits").generation == generation
    assert store.prune("digits", keep=0) == [7, 8]
    assert store.prune("digits", keep=100) == []
    with pytest.raises(InvalidChange):
        store.prune("digits", keep=-1)
    assert draft.publish(store) == 9


def test_a_new_version_is_never_one_that_an_alias_names_already(store, draft):
    """Else it would answer at once, without anybody having promoted it."""
    published(store, draft, draft)
    store.promote("digits", 2)
    store._remove("digits", [2])

    assert draft.publish(store) == 3


def test_the_fingerprint_changes_with_every_change_and_only_then(store, draft, tmp_path):
    seen = [store.fingerprint("digits")]
    draft.publish(store)
    for step in range(3):
        store.promote("digits", 1, f"alias-{step}")
        seen.append(store.fingerprint("digits"))
        assert (
            store.fingerprint("digits")
            == open_store(store.location, tmp_path / "other").fingerprint("digits")
            == seen[-1]
        )

    assert len(set(seen)) == 4


def test_publishers_at_once_get_different_numbers_and_lose_nothing(store):
    drafts = [make_draft(seed=seed, hidden=()) for seed in range(8)]
    numbers = []
    threads = [threading.Thread(target=lambda d=d: numbers.append(d.publish(store))) for d in drafts]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(numbers) == store.versions("digits") == list(range(1, 9))
    assert {store.read("digits", n).layers[0].weights[0, 0] for n in numbers} == {
        d.layers[0].weights[0, 0] for d in drafts
    }
