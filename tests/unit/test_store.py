import os
import subprocess
import sys
import threading

import pytest

from mlp.errors import (
    AliasDocumentError,
    ModelNotFound,
    NothingToRollBack,
    StoreUnavailable,
    VersionFileError,
    VersionNotFound,
)
from tests.drafts import ROOT, make_draft


def test_versions_are_numbered_from_one_upwards(store, draft):
    assert [draft.publish(store), draft.publish(store)] == [1, 2]
    assert store.versions("digits") == [1, 2]
    assert store.models() == ["digits"]
    assert store.read("digits", 2).metadata.version == 2


def test_a_report_beside_a_version_is_no_version(store, draft):
    draft.publish(store)
    for name in ("1.html", "2.html"):
        (store.root / "digits" / name).write_text("a report")

    assert store.versions("digits") == [1]
    assert draft.publish(store) == 2


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

    with pytest.raises(ModelNotFound):
        store.versions(name)
    with pytest.raises(ModelNotFound):
        store.resolve(name, "1")


def test_promote_and_roll_back(store, draft):
    for _ in range(2):
        draft.publish(store)

    store.promote("digits", 1)
    store.promote("digits", 2)
    back = store.rollback("digits")

    assert back.aliases == {"production": 1}
    assert store.aliases("digits") == back
    assert back.generation == 3


def test_a_damaged_version_is_not_promoted(store, draft):
    draft.publish(store)
    store.promote("digits", 1)
    (store.root / "digits" / "2.npz").write_bytes(draft.pack()[:-100])

    with pytest.raises(VersionFileError, match=r"2\.npz"):
        store.promote("digits", 2)

    assert store.aliases("digits").aliases == {"production": 1}


def test_a_version_that_is_not_there_is_not_promoted(store, draft):
    draft.publish(store)

    with pytest.raises(VersionNotFound):
        store.promote("digits", 7)


def test_rollback_without_a_previous_version_says_so(store, draft):
    draft.publish(store)

    with pytest.raises(NothingToRollBack):
        store.rollback("digits")


def test_other_files_in_the_folder_are_no_versions(store, draft):
    draft.publish(store)
    for name in ["01.npz", "0.npz", "2.npz.tmp", "report.html", ".3.npz.x.tmp", "x.npz"]:
        (store.root / "digits" / name).write_bytes(b"")
    (store.root / "empty").mkdir()

    assert store.versions("digits") == [1]
    assert store.models() == ["digits"]


def test_a_damaged_alias_document_is_an_error_and_not_an_empty_one(store, draft):
    draft.publish(store)
    (store.root / "digits" / "aliases.json").write_text('{"generation": 7, "ali')

    with pytest.raises(AliasDocumentError):
        store.promote("digits", 1)

    assert (store.root / "digits" / "aliases.json").read_text() == '{"generation": 7, "ali'


def test_a_failed_publication_leaves_nothing_behind(store, draft, monkeypatch):
    draft.publish(store)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreUnavailable, match="No space left on device"):
        draft.publish(store)

    assert [path.name for path in (store.root / "digits").iterdir()] == ["1.npz"]


def test_a_missing_store_is_unavailable(store):
    with pytest.raises(StoreUnavailable, match="No such file"):
        store.models()


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


def test_promotions_at_once_from_several_processes_lose_no_generation(store, draft):
    for _ in range(2):
        draft.publish(store)
    program = (
        "import sys; from pathlib import Path; from mlp.store import LocalStore\n"
        "store = LocalStore(Path(sys.argv[1]))\n"
        "for _ in range(20):\n    store.promote('digits', 1, sys.argv[2]); store.promote('digits', 2, sys.argv[2])\n"
    )

    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(store.root), alias], cwd=ROOT) for alias in ("one", "two")
    ]

    assert [process.wait(60) for process in processes] == [0, 0]
    assert store.aliases("digits").generation == 80
