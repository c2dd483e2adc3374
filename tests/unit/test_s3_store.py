"""What a store in a bucket does that others need not: others who write, an unreachable server, the cache."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlp import bucket, s3_store, store_cache
from mlp.errors import InvalidLocation, StoreUnavailable, VersionFileError, VersionNotFound, in_full
from mlp.s3_store import S3Store
from mlp.store import open_store
from tests.drafts import ROOT, looked_at, make_draft
from tests.s3_server import BUCKET


@pytest.mark.parametrize(
    ("location", "prefix"),
    [("s3://models", ""), ("s3://models/", ""), ("s3://models/a", "a/"), ("s3://models/a/b.c/", "a/b.c/")],
)
def test_a_bucket_is_opened_with_and_without_a_prefix(location, prefix):
    store = open_store(location)

    assert isinstance(store, S3Store)
    assert (store._bucket.name, store._prefix) == ("models", prefix)


@pytest.mark.parametrize("location", ["s3://", "s3:///a", "s3://Models", "s3://a_b", "s3://ab", "s3://models//a"])
def test_what_is_no_bucket_is_no_store(location):
    with pytest.raises(InvalidLocation, match="s3://bucket/prefix is expected"):
        open_store(location)


def test_without_the_extra_it_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)

    with pytest.raises(InvalidLocation, match="extra s3"):
        open_store("s3://models")


def test_objects_have_the_names_of_the_files(s3_server, s3_store, draft):
    s3_store.promote("digits", draft.publish(s3_store))

    keys = [key.removeprefix(s3_store._prefix) for key in s3_server.objects(BUCKET) if key.startswith(s3_store._prefix)]
    assert keys == ["digits/1.npz", "digits/aliases.json"]


def test_other_objects_are_no_versions(s3_server, s3_store, draft):
    draft.publish(s3_store)
    names = ["digits/01.npz", "digits/2.npz.tmp", "digits/old/3.npz", "Letters/1.npz", "1.npz", "letters/1.html"]
    s3_server.fill(BUCKET, {s3_store._prefix + name: b"" for name in names})

    assert s3_store.models() == ["digits"]
    assert s3_store.versions("digits") == [1]


def test_a_missing_bucket_is_unavailable(s3_store, tmp_path):
    missing = open_store("s3://missing", tmp_path)

    for ask in (missing.models, lambda: missing.aliases("digits"), lambda: make_draft().publish(missing)):
        with pytest.raises(StoreUnavailable, match="NoSuchBucket"):
            ask()


@pytest.mark.parametrize("data", [b"", b"PK", b"x" * 100_000])
def test_a_damaged_version_is_refused_by_its_name(s3_server, s3_store, draft, data):
    draft.publish(s3_store)
    s3_server.fill(BUCKET, {f"{s3_store._prefix}digits/2.npz": data})

    for ask in (s3_store.read, s3_store.metadata, s3_store.promote):
        with pytest.raises(VersionFileError, match=r"2\.npz: not a whole \.npz"):
            ask("digits", 2)
    assert not s3_store.stale


def run(program: str, store: S3Store, *arguments: str) -> subprocess.Popen:
    """Run a program that has the store as `store`, in a process of its own."""
    head = (
        "import os, signal, sys; from mlp.store import open_store; from tests.drafts import make_draft\n"
        "store = open_store(sys.argv[1], sys.argv[2])\n"
    )
    command = [sys.executable, "-c", head + program, store.location, str(store._cache_root), *arguments]
    return subprocess.Popen(command, cwd=ROOT)


def test_publishers_at_once_in_several_processes_get_different_numbers(s3_store):
    program = "for seed in range(5): make_draft(seed=int(sys.argv[3]) + seed, hidden=()).publish(store)"

    processes = [run(program, s3_store, start) for start in ("0", "5")]

    assert [process.wait(60) for process in processes] == [0, 0]
    assert s3_store.versions("digits") == list(range(1, 11))
    first_weights = {s3_store.read("digits", number).layers[0].weights[0, 0] for number in range(1, 11)}
    assert first_weights == {make_draft(seed=seed, hidden=()).layers[0].weights[0, 0] for seed in range(10)}


def test_promotions_at_once_in_several_processes_lose_no_generation(s3_store):
    for seed in range(2):
        make_draft(seed=seed, hidden=()).publish(s3_store)
    program = "for _ in range(5): store.promote('digits', 1, sys.argv[3]); store.promote('digits', 2, sys.argv[3])"

    processes = [run(program, s3_store, alias) for alias in ("one", "two")]

    assert [process.wait(60) for process in processes] == [0, 0]
    document = s3_store.aliases("digits")
    assert document.generation == 20
    assert [change.generation for change in document.history] == list(range(1, 21))


def test_a_publisher_killed_in_mid_write_leaves_no_version_and_the_number_free(s3_store, draft):
    draft.publish(s3_store)
    program = """if True:
        import http.client
        whole = http.client.HTTPConnection.send
        def half(connection, data):
            data = data if isinstance(data, bytes) else data.read()
            if len(data) < 10_000:
                return whole(connection, data)
            whole(connection, data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        http.client.HTTPConnection.send = half
        make_draft(seed=1).publish(store)
    """

    killed = run(program, s3_store)

    assert killed.wait(60) == -signal.SIGKILL
    assert s3_store.versions("digits") == [1]
    assert draft.publish(s3_store) == 2


def test_a_write_whose_answer_is_lost_is_not_made_twice(own_server, tmp_path, draft):
    store = open_store(f"s3://{BUCKET}", tmp_path)

    own_server.lose_answers(1)
    assert draft.publish(store) == 1
    assert draft.publish(store) == 2
    store.promote("digits", 1)
    store.promote("digits", 2)
    own_server.lose_answers(1)
    assert store.rollback("digits").aliases == {"production": 1}

    assert store.versions("digits") == [1, 2]
    assert (store.aliases("digits").generation, store.aliases("digits").aliases) == (3, {"production": 1})


def test_a_number_that_was_published_and_deleted_in_the_meantime_is_not_given_again(s3_store, draft, monkeypatch):
    for _ in range(2):
        draft.publish(s3_store)
    s3_store.delete("digits", 2)
    numbers = iter([2, 3])
    monkeypatch.setattr(s3_store, "_next_number", lambda name: next(numbers))

    assert draft.publish(s3_store) == 3
    assert s3_store.versions("digits") == [1, 3]


def test_a_fork_has_connections_of_its_own(s3_store, draft):
    draft.publish(s3_store)

    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os._exit(0 if s3_store.versions("digits") == [1] and s3_store._bucket._client[0] == os.getpid() else 1)
        os._exit(2)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert s3_store.versions("digits") == [1]


def test_what_a_version_says_of_itself_is_read_without_the_rest(s3_store, monkeypatch):
    make_draft(hidden=(512,)).publish(s3_store)
    fetched = []
    part = s3_store._bucket.part
    monkeypatch.setattr(s3_store._bucket, "get", None)
    monkeypatch.setattr(
        s3_store._bucket, "part", lambda key, start, end: fetched.append(end - start) or part(key, start, end)
    )

    assert s3_store.metadata("digits", 1).sizes == (784, 512, 10)
    assert s3_store.metadata("digits", 1).version == 1
    assert fetched == [2**16]


def filled(server, tmp_path):
    """A store of two versions that was looked at, and what the server holds."""
    store = open_store(f"s3://{BUCKET}/p", tmp_path / "cache")
    for seed in range(2):
        store.promote("digits", make_draft(seed=seed).publish(store))
        looked_at(store)
    return store, server.objects(BUCKET)


def counted(store, monkeypatch):
    """A list that grows with each request."""
    asked = []
    assert store._cache  # its place depends on the address, for which a connection is made
    connected = store._bucket._connected
    monkeypatch.setattr(store._bucket, "_connected", lambda: asked.append(1) or connected())
    return asked


def test_a_server_that_goes_away_and_comes_back(own_server, tmp_path, caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(s3_store, "_PAUSE_SECONDS", 0)
    store, objects = filled(own_server, tmp_path)

    own_server.kill()
    for ask in (store.models, lambda: store.aliases("digits"), lambda: store.fingerprint("digits")):
        with pytest.raises(StoreUnavailable, match="cannot be used") as refused:
            ask()
        address = f"127.0.0.1:{own_server.port}"
        assert address not in str(refused.value), "a client may be told this"
        assert address in in_full(refused.value)
    assert store.stale

    own_server.start()
    own_server.make_bucket(BUCKET)
    own_server.fill(BUCKET, objects)
    assert store.rollback("digits").aliases == {"production": 1}
    assert list(looked_at(store)) == [("digits", 1)]
    assert not store.stale
    gone, back = (record for record in caplog.records if record.name == "mlp")
    assert (gone.message, gone.levelname, gone.store) == ("the store does not answer", "WARNING", store.location)
    assert address in gone.reason
    assert (back.message, back.levelname, back.store) == ("the store answers again", "INFO", store.location)


def test_a_server_that_has_gone_away_is_asked_by_one_and_not_for_each_thing(own_server, tmp_path, monkeypatch):
    store, _ = filled(own_server, tmp_path)
    asked = counted(store, monkeypatch)
    own_server.kill()

    for ask in (store.models, lambda: store.resolve("digits", "1"), lambda: store.versions("digits")) * 5:
        with pytest.raises(StoreUnavailable):
            ask()

    assert len(asked) == 1


def test_a_server_that_is_silent_is_not_waited_for_long(own_server, tmp_path, monkeypatch):
    monkeypatch.setattr(bucket, "_TIMEOUTS", {"connect_timeout": 0.2, "read_timeout": 0.2})
    monkeypatch.setattr(bucket, "_ATTEMPTS", 2)
    store, _ = filled(own_server, tmp_path)

    own_server.send(signal.SIGSTOP)
    with pytest.raises(StoreUnavailable, match="Timeout"):
        store.fingerprint("digits")

    monkeypatch.setattr(store, "_next_try", 0)
    own_server.send(signal.SIGCONT)
    assert store.fingerprint("digits")


def test_a_start_without_the_server_takes_what_is_kept(own_server, tmp_path, monkeypatch, caplog):
    before, objects = filled(own_server, tmp_path)
    fingerprint, version = before.fingerprint("digits"), before.read("digits", 2)
    own_server.kill()

    store = open_store(before.location, tmp_path / "cache")

    found = looked_at(store)
    assert list(found) == [("digits", 2)]
    np.testing.assert_array_equal(found["digits", 2].layers[0].weights, version.layers[0].weights)
    assert (store.models(), store.versions("digits")) == (["digits"], [1, 2])
    assert store.metadata("digits", 2) == version.metadata
    assert store.fingerprint("digits") == fingerprint
    assert store.stale
    assert "the store does not answer" in caplog.text

    for write in (lambda: store.promote("digits", 1), lambda: make_draft().publish(store)):
        with pytest.raises(StoreUnavailable):
            write()

    own_server.start()
    own_server.make_bucket(BUCKET)
    own_server.fill(BUCKET, objects)
    monkeypatch.setattr(store, "_next_try", 0)
    assert store.fingerprint("digits") == fingerprint
    assert not store.stale
    assert store.rollback("digits").aliases == {"production": 1}


def test_a_start_without_the_server_asks_it_once_and_not_for_each_thing(own_server, tmp_path, monkeypatch):
    before, _ = filled(own_server, tmp_path)
    own_server.kill()
    store = open_store(before.location, tmp_path / "cache")
    asked = counted(store, monkeypatch)

    assert looked_at(store)

    assert len(asked) == 1


def test_a_start_without_the_server_takes_the_last_state_that_is_whole(own_server, tmp_path):
    """The last thing read was a document; the server was gone before the version that it names could be read."""
    before, _ = filled(own_server, tmp_path)
    other = open_store(before.location, tmp_path / "elsewhere")
    other.promote("digits", make_draft(seed=2).publish(other))
    assert before.aliases("digits").generation == 3
    own_server.kill()

    store = open_store(before.location, tmp_path / "cache")
    assert list(looked_at(store)) == [("digits", 2)]
    assert store.aliases("digits").generation == 2


def test_a_start_with_neither_server_nor_cache_is_unavailable(own_server, tmp_path):
    store, _ = filled(own_server, tmp_path)
    own_server.kill()
    store = open_store(store.location, tmp_path / "empty")

    for ask in (store.models, lambda: store.versions("digits"), lambda: store.resolve("digits"), store.models):
        with pytest.raises(StoreUnavailable):
            ask()


def cached(store: S3Store) -> list[str]:
    return sorted(path.name.partition("-")[0] for path in store._cache.folder.glob("digits/*.npz"))


def test_a_later_document_is_kept_when_its_versions_are(s3_store, draft, tmp_path):
    s3_store.promote("digits", draft.publish(s3_store))
    draft.publish(s3_store)
    other = open_store(s3_store.location, tmp_path / "elsewhere")
    other.promote("digits", 2)

    s3_store.aliases("digits")
    assert b'"generation": 1' in s3_store._cache.document("digits")[1]
    assert b'"generation": 2' in s3_store._cache.waiting("digits")[1]

    s3_store.read("digits", 2)
    assert b'"generation": 2' in s3_store._cache.document("digits")[1]
    assert s3_store._cache.waiting("digits") is None


def test_what_a_dead_process_left_in_the_cache_is_cleared_away(s3_store, draft):
    s3_store.promote("digits", draft.publish(s3_store))
    for name, when in (("old", 1_600_000_000), ("new", None)):
        path = s3_store._cache.folder / "digits" / f".2-x.npz.{name}.tmp"
        path.write_bytes(b"")
        os.utime(path, when and (when, when))
    s3_store.read("digits", draft.publish(s3_store))

    assert [path.name for path in s3_store._cache.folder.glob("digits/.*")] == [".2-x.npz.new.tmp"]


def test_a_version_is_fetched_once(s3_store, draft, tmp_path, monkeypatch):
    draft.publish(s3_store)
    s3_store.read("digits", 1)
    again = open_store(s3_store.location, tmp_path / "cache")
    monkeypatch.setattr(again._bucket, "get", None)

    assert again.read("digits", 1).metadata.version == 1


def test_a_version_that_is_another_one_in_the_bucket_is_not_taken_from_the_cache(s3_server, s3_store):
    make_draft(seed=0).publish(s3_store)
    s3_store.read("digits", 1)

    s3_server.fill(BUCKET, {f"{s3_store._prefix}digits/1.npz": make_draft(seed=1).pack()})

    assert s3_store.read("digits", 1).layers[0].weights[0, 0] == make_draft(seed=1).layers[0].weights[0, 0]
    assert cached(s3_store) == ["1"]


def test_a_version_that_is_gone_from_the_bucket_is_not_taken_from_the_cache(s3_store, draft):
    for _ in range(2):
        draft.publish(s3_store)
    s3_store.read("digits", 1)
    s3_store.delete("digits", 1)

    with pytest.raises(VersionNotFound):
        s3_store.read("digits", 1)
    with pytest.raises(VersionNotFound):
        s3_store.metadata("digits", 1)


def test_a_damaged_file_in_the_cache_is_fetched_anew(s3_store, draft):
    draft.publish(s3_store)
    good = s3_store.read("digits", 1)
    (path,) = s3_store._cache.folder.glob("digits/*.npz")
    path.write_bytes(path.read_bytes()[:-7])

    again = s3_store.read("digits", 1)

    np.testing.assert_array_equal(again.layers[0].weights, good.layers[0].weights)
    assert s3_store._cache.version("digits", 1) is not None


def test_the_cache_keeps_what_is_in_use_and_the_last_few(s3_store):
    draft = make_draft(hidden=())
    for number in range(1, 10):
        draft.publish(s3_store)
        if number <= 2:
            s3_store.promote("digits", number)
    for number in range(1, 10):
        s3_store.read("digits", number)

    assert cached(s3_store) == ["1", "2", "5", "6", "7", "8", "9"]
    assert store_cache._SPARE == 4


def test_a_cache_that_cannot_be_written_costs_a_warning_and_no_answer(s3_store, draft, tmp_path, caplog):
    (tmp_path / "file").write_text("not a folder")
    store = open_store(s3_store.location, tmp_path / "file")

    store.promote("digits", draft.publish(store))

    assert store.read("digits", 1).metadata.version == 1
    assert store.aliases("digits").aliases == {"production": 1}
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.message.partition(";")[0] for record in warnings] == ["the cache cannot be used"]
    assert warnings[0].cache.startswith(str(tmp_path / "file"))
    assert "Not a directory" in warnings[0].reason


def test_a_cache_is_where_it_was_when_the_service_starts_again():
    """And tells whoever looks there whose it is."""
    folder = store_cache.folder_of(Path("cache"), "s3://My.Bucket/digits_of/1")

    assert folder == Path("cache/s3-my-bucket-digits-of-1-f4f89cc44e7f")


def test_an_empty_object_is_an_empty_file(s3_server, s3_store):
    s3_server.fill(BUCKET, {f"{s3_store._prefix}empty": b"", f"{s3_store._prefix}three": b"abc"})

    file = s3_store._bucket.open(f"{s3_store._prefix}empty")
    assert (file.read(), file.read(5), file.seek(0, 2)) == (b"", b"", 0)
    file = s3_store._bucket.open(f"{s3_store._prefix}three")
    assert (file.read(0), file.read(2), file.tell(), file.read(), file.read()) == (b"", b"ab", 2, b"c", b"")


def test_nothing_half_written_is_left_in_the_cache(s3_store, draft, monkeypatch):
    draft.publish(s3_store)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    assert s3_store.read("digits", 1).metadata.version == 1
    assert [path.name for path in s3_store._cache.folder.rglob("*") if path.is_file()] == ["aliases"]
