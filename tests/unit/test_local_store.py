"""What a store in a folder does that others need not."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlp.aliases import AliasDocument
from mlp.errors import AliasDocumentError, InvalidLocation, StoreUnavailable, VersionFileError, in_full
from mlp.local_store import LocalStore
from mlp.store import open_store
from tests.drafts import ROOT


def test_a_path_opens_a_store_in_a_folder(tmp_path):
    assert isinstance(open_store(str(tmp_path)), LocalStore)
    assert open_store("models").location == "models"
    assert not open_store("models").stale


@pytest.mark.parametrize("location", ["ftp://host/models", "http://host/models", "://"])
def test_another_location_is_no_store(location):
    with pytest.raises(InvalidLocation, match="no model store"):
        open_store(location)


def test_where_a_store_is_that_cannot_be_used_is_for_those_who_run_it(tmp_path):
    (tmp_path / "models").write_bytes(b"no folder")

    with pytest.raises(StoreUnavailable) as refused:
        LocalStore(tmp_path / "models").models()

    assert str(refused.value) == "the model store cannot be used: Not a directory"
    assert in_full(refused.value) == f"{refused.value} ({tmp_path}/models)"
    assert in_full(ValueError("of another kind")) == "of another kind"


def test_a_report_beside_a_version_is_no_version(store, draft):
    draft.publish(store)
    for name in ("1.html", "2.html"):
        (store.root / "digits" / name).write_text("a report")

    assert store.versions("digits") == [1]
    assert draft.publish(store) == 2


def test_a_deleted_version_takes_its_report_with_it(store, draft):
    draft.publish(store)
    (store.root / "digits" / "1.html").write_text("a report")

    store.delete("digits", 1)

    assert [path.name for path in (store.root / "digits").iterdir()] == ["aliases.json"]


def test_other_files_in_the_folder_are_no_versions(store, draft):
    draft.publish(store)
    for name in ["01.npz", "0.npz", "2.npz.tmp", "report.html", ".3.npz.x.tmp", "x.npz"]:
        (store.root / "digits" / name).write_bytes(b"")
    (store.root / "empty").mkdir()

    assert store.versions("digits") == [1]
    assert store.models() == ["digits"]


def test_a_damaged_version_is_not_promoted(store, draft):
    draft.publish(store)
    store.promote("digits", 1)
    (store.root / "digits" / "2.npz").write_bytes(draft.pack()[:-100])

    with pytest.raises(VersionFileError, match=r"2\.npz"):
        store.promote("digits", 2)

    assert store.aliases("digits").aliases == {"production": 1}


def test_a_damaged_version_is_not_rolled_back_to(store, draft):
    for _ in range(2):
        store.promote("digits", draft.publish(store))
    (store.root / "digits" / "1.npz").write_bytes(draft.pack()[:-100])

    with pytest.raises(VersionFileError, match=r"1\.npz"):
        store.rollback("digits")

    assert store.aliases("digits").aliases == {"production": 2}


def test_a_damaged_alias_document_is_an_error_and_not_an_empty_one(store, draft):
    draft.publish(store)
    (store.root / "digits" / "aliases.json").write_text('{"generation": 7, "ali')

    with pytest.raises(AliasDocumentError):
        store.promote("digits", 1)

    assert (store.root / "digits" / "aliases.json").read_text() == '{"generation": 7, "ali'


def test_a_damaged_alias_document_costs_no_version(store, draft):
    draft.publish(store)
    (store.root / "digits" / "aliases.json").write_text("")

    assert draft.publish(store) == 2


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


def test_a_publisher_killed_in_mid_write_leaves_no_version_and_the_number_free(store, draft):
    draft.publish(store)
    program = (
        "import os, sys, signal; from pathlib import Path\n"
        "from mlp.local_store import LocalStore; from tests.drafts import make_draft\n"
        "os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)\n"
        "make_draft(seed=1).publish(LocalStore(Path(sys.argv[1])))\n"
    )

    killed = subprocess.run([sys.executable, "-c", program, str(store.root)], cwd=ROOT, timeout=60)

    assert killed.returncode == -signal.SIGKILL
    assert [path.name for path in (store.root / "digits").glob(".2.npz.*.tmp")]
    assert store.versions("digits") == [1]
    assert draft.publish(store) == 2
    assert sorted(path.name for path in (store.root / "digits").iterdir()) == ["1.npz", "2.npz"]


def test_promotions_at_once_from_several_processes_lose_no_generation(store, draft):
    for _ in range(2):
        draft.publish(store)
    program = (
        "import sys; from pathlib import Path; from mlp.local_store import LocalStore\n"
        "store = LocalStore(Path(sys.argv[1]))\n"
        "for _ in range(20):\n    store.promote('digits', 1, sys.argv[2]); store.promote('digits', 2, sys.argv[2])\n"
    )

    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(store.root), alias], cwd=ROOT) for alias in ("one", "two")
    ]

    assert [process.wait(60) for process in processes] == [0, 0]
    assert store.aliases("digits").generation == 80


def document(folder: Path, generation: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "aliases.json"
    path.write_text(f'{{"generation": {generation}, "aliases": {{"production": 1}}}}')
    return path


def old(path: Path) -> None:
    """A file that was written long ago, so that its age is no reason to look into it."""
    os.utime(path, (1_600_000_000, 1_600_000_000))


def test_the_fingerprint_follows_a_symlink_that_is_swapped(store):
    """As Kubernetes swaps `..data` in a mounted ConfigMap: the link below the file's folder, and nothing else."""
    digits = store.root / "digits"
    for generation in (1, 2):
        old(document(digits / f"..{generation}", generation))
    (digits / "..data").symlink_to("..1")
    (digits / "aliases.json").symlink_to("..data/aliases.json")
    before = store.fingerprint("digits")

    (digits / "..new").symlink_to("..2")
    (digits / "..new").rename(digits / "..data")

    assert store.fingerprint("digits") != before
    assert store.aliases("digits").generation == 2


def test_the_fingerprint_notices_an_edit_in_place_of_the_same_size_and_time(store, monkeypatch):
    path = document(store.root / "digits", 1)
    old(path)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 60)  # the content does not count any more
    before = store.fingerprint("digits")

    document(store.root / "digits", 2)
    old(path)

    assert store.fingerprint("digits") != before


def test_the_fingerprint_notices_two_edits_within_one_tick_of_the_clock(store, monkeypatch):
    path = document(store.root / "digits", 1)
    stat = path.stat()
    before = store.fingerprint("digits")

    document(store.root / "digits", 2)
    monkeypatch.setattr(Path, "stat", lambda path: stat)

    assert store.fingerprint("digits") != before


def test_the_fingerprint_of_a_file_that_is_not_new_reads_nothing(store, monkeypatch):
    path = document(store.root / "digits", 1)
    now = path.stat().st_ctime
    monkeypatch.setattr(time, "time", lambda: now + 60)
    monkeypatch.setattr(Path, "read_bytes", None)

    assert store.fingerprint("digits") == store.fingerprint("digits")


def test_the_fingerprint_of_a_document_that_is_not_there_is_steady(store):
    (store.root / "digits").mkdir(parents=True)

    assert store.fingerprint("digits") == store.fingerprint("digits")


def test_a_symbolic_link_to_the_document_stays_one_when_an_alias_moves(store, draft, tmp_path):
    draft.publish(store)
    target = document(tmp_path / "elsewhere", 5)
    link = store.root / "digits" / "aliases.json"
    link.symlink_to(target)

    moved = store.promote("digits", 1, alias="candidate")

    assert link.is_symlink()
    assert AliasDocument.parse(target.read_bytes()) == moved == store.aliases("digits")
    assert moved.generation == 6


def test_a_writer_that_was_stopped_holds_up_no_other_for_ever(store, draft, monkeypatch):
    monkeypatch.setattr("mlp.local_store._LOCK_SECONDS", 0.01)
    draft.publish(store)

    with store._locked("digits"):
        with pytest.raises(StoreUnavailable, match="another program has been writing model 'digits'"):
            draft.publish(store)
        assert store.versions("digits") == [1]

    assert draft.publish(store) == 2
