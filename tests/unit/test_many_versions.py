"""A store with hundreds of versions costs no more than one with two: counted in opened files and in requests."""

import sys
from collections import Counter

import pytest

from mlp.store import open_store
from tests.drafts import looked_at, make_draft
from tests.s3_server import BUCKET

_counted: list[Counter] = []


def _count(event: str, arguments: tuple) -> None:
    if _counted and event in ("open", "os.listdir", "os.scandir"):
        _counted[-1][event, str(arguments[0])] += 1


sys.addaudithook(_count)


@pytest.fixture
def opened():
    """How often each file and folder is opened while a test runs."""
    _counted.append(Counter())
    yield _counted[-1]
    _counted.pop()


def fill(store, versions):
    """A model of many versions, of which the first and the last were promoted; the others cannot even be read."""
    data = make_draft(hidden=()).pack()
    folder = store.root / "digits"
    folder.mkdir(parents=True)
    for number in range(1, versions + 1):
        (folder / f"{number}.npz").write_bytes(data if number in (1, versions) else b"")
    for number in (1, versions):
        store.promote("digits", number)


def test_a_start_opens_what_an_alias_names_and_nothing_for_each_version(tmp_path, opened):
    counts = []
    for versions in (2, 500):
        store = open_store(tmp_path / str(versions))
        fill(store, versions)
        opened.clear()

        assert list(looked_at(store)) == [("digits", versions)]
        assert store.resolve("digits") == store.resolve("digits", str(versions)) == versions

        read = {
            (event, path.removeprefix(str(store.root)).replace(f"{versions}.npz", "last.npz")): n
            for (event, path), n in opened.items()
        }
        counts.append(read)
    few, many = counts

    assert many == few
    assert [path for event, path in few if path.endswith(".npz")] == ["/digits/last.npz"]


def test_a_start_asks_a_bucket_as_often_for_many_versions_as_for_two(s3_server, s3_store, tmp_path, monkeypatch):
    data = make_draft(hidden=()).pack()
    counts = []
    for versions in (2, 50):
        prefix = f"{s3_store._prefix}{versions}"
        numbers = range(1, versions + 1)
        s3_server.fill(BUCKET, {f"{prefix}/digits/{n}.npz": data if n == versions else b"" for n in numbers})
        store = open_store(f"s3://{BUCKET}/{prefix}", tmp_path / "cache")
        store.promote("digits", versions)
        asked = []
        connected = store._bucket._connected
        monkeypatch.setattr(store._bucket, "_connected", lambda c=connected, a=asked: a.append(1) or c())

        assert list(looked_at(store)) == [("digits", versions)]
        assert store.resolve("digits") == versions

        counts.append(len(asked))

    assert counts[0] == counts[1]
