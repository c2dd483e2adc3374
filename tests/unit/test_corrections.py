import re
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing import get_context

import numpy as np
import psycopg
import pytest

from mlp import database as databases
from mlp.corrections import Correction, Corrections, Selection
from mlp.errors import CorrectionsFull, CorrectionsUnavailable, InvalidLocation, TooManyCorrections, in_full

PLENTY = {"per_minute": 10_000, "most": 10_000}


@pytest.fixture
def corrections(database):
    with closing(Corrections(database)) as corrections:
        yield corrections


@pytest.fixture
def in_file(tmp_path):
    return Corrections(f"sqlite:///{tmp_path}/corrections.sqlite")


@contextmanager
def unavailable(pattern):
    with pytest.raises(CorrectionsUnavailable) as refused:
        yield
    assert re.search(pattern, in_full(refused.value))
    assert "/" not in str(refused.value), "a client may be told this"


def seven(number=0, label="7", **fields):
    pixels = np.full((28, 28), 9, np.uint8)
    pixels[:2].reshape(-1)[:4] = np.frombuffer(np.int32(number).tobytes(), np.uint8)
    return Correction("digits", 3, "1", 0.75, label, pixels, **fields)


def test_what_is_stored_is_read_as_it_was(corrections):
    stored = corrections.add(seven(5, picture=b"PNG"), **PLENTY)

    (read,) = corrections.read()

    assert (read.model, read.version, read.answered, read.confidence, read.label) == ("digits", 3, "1", 0.75, "7")
    assert (read.picture, read.id, read.part, read.created_at) == (b"PNG", stored.id, "train", stored.created_at)
    assert (read.pixels == seven(5).pixels).all()


def test_the_table_is_what_it_was_when_people_began_to_keep_corrections(in_file, tmp_path):
    """Databases outlive programs: another table would need a way from this one to that."""
    in_file.add(seven(), **PLENTY)

    with closing(sqlite3.connect(tmp_path / "corrections.sqlite")) as connection:
        columns = {name: (kind, bool(filled)) for _, name, kind, filled, *_ in connection.execute(
            "PRAGMA table_info(mlp_corrections)"
        )}  # fmt: skip
        indexed = {
            tuple(column for *_, column in connection.execute(f"PRAGMA index_info({name})"))
            for _, name, *_ in connection.execute("PRAGMA index_list(mlp_corrections)")
        }

    assert columns == {
        "id": ("VARCHAR(32)", True),
        "created_at": ("DOUBLE", True),
        "model": ("VARCHAR(200)", True),
        "version": ("INTEGER", True),
        "answered": ("VARCHAR(200)", True),
        "confidence": ("DOUBLE", True),
        "label": ("VARCHAR(200)", True),
        "part": ("VARCHAR(10)", True),
        "height": ("INTEGER", True),
        "width": ("INTEGER", True),
        "pixels": ("BLOB", True),
        "pixels_sha256": ("VARCHAR(64)", True),
        "picture": ("BLOB", False),
    }
    assert indexed == {("id",), ("created_at",), ("model", "label", "pixels_sha256")}


def test_connections_to_a_server_are_few_looked_at_first_and_not_waited_for_long(postgres):
    with closing(Corrections(postgres.emptied())) as corrections:
        pool = corrections._database._connected().pool
        assert (pool.size(), pool._max_overflow, pool._timeout, pool._pre_ping) == (1, 4, 3, True)


def test_two_who_read_a_file_do_not_wait_for_each_other(in_file, monkeypatch):
    monkeypatch.setattr(databases, "_STATEMENT_SECONDS", 1)
    in_file.add(seven(), **PLENTY)

    with in_file._database.reading(in_file._table):
        assert in_file.count() == 1


def test_many_are_read_page_by_page_while_others_write(corrections, monkeypatch):
    monkeypatch.setattr("mlp.corrections._AT_ONCE", 3)
    stored = [corrections.add(seven(number), **PLENTY).id for number in range(7)]
    reading = corrections.read()
    first = next(reading).id

    stored.append(corrections.add(seven(7), **PLENTY).id)

    assert [first, *(found.id for found in reading)] == stored


def test_those_of_one_moment_are_each_read_once(corrections, monkeypatch):
    monkeypatch.setattr("mlp.corrections._AT_ONCE", 2)
    monkeypatch.setattr("time.time", lambda: 1.0e9 + 1 / 3)
    stored = [corrections.add(seven(number), **PLENTY).id for number in range(6)]

    assert [found.id for found in corrections.read()] == sorted(stored)


def test_the_same_picture_with_the_same_label_is_stored_once(corrections):
    first, again, other = (corrections.add(seven(1, label), **PLENTY) for label in ("7", "7", "1"))

    assert first.id == again.id != other.id
    assert corrections.count() == 2


def test_every_fifth_of_a_label_is_kept_from_training(corrections):
    for number in range(10):
        corrections.add(seven(number), **PLENTY)
        corrections.add(seven(number, "2"), **PLENTY)

    held_out = [(found.label, found.pixels[0, 0]) for found in corrections.read() if found.part == "validation"]

    assert sorted(held_out) == [("2", 4), ("2", 9), ("7", 4), ("7", 9)]


def test_no_more_than_so_many_are_stored_within_a_minute(corrections):
    for number in range(3):
        corrections.add(seven(number), per_minute=3, most=100)

    with pytest.raises(TooManyCorrections, match="3 corrections came within a minute"):
        corrections.add(seven(3), per_minute=3, most=100)
    assert corrections.add(seven(2), per_minute=3, most=100).id  # it is there already
    assert corrections.count() == 3


def test_no_more_than_so_many_are_kept(corrections):
    corrections.add(seven(), per_minute=100, most=1)

    with pytest.raises(CorrectionsFull, match="1 corrections are kept"):
        corrections.add(seven(1), per_minute=100, most=1)


@pytest.mark.parametrize(
    ("which", "left"),
    [
        (Selection(label="7"), {"2"}),
        (Selection(label="7", version=9), {"7", "2"}),
        (Selection(model="letters"), {"7", "2"}),
        (Selection(version=3), set()),
        (Selection(before=0), {"7", "2"}),
        (Selection(before=4e9), set()),
        (Selection(ids=[]), {"7", "2"}),
    ],
)
def test_what_is_selected_is_erased(corrections, which, left):
    corrections.add(seven(), **PLENTY)
    corrections.add(seven(0, "2"), **PLENTY)
    before = corrections.count(which)

    assert corrections.erase(which) == before == 2 - len(left)
    assert {found.label for found in corrections.read()} == left


def test_one_is_erased_by_its_id_and_nothing_of_it_stays_in_the_file(in_file, tmp_path):
    mark = b"a picture that nobody else has" * 100
    stored = in_file.add(seven(picture=mark), **PLENTY)
    file = tmp_path / "corrections.sqlite"
    assert mark in file.read_bytes()

    assert in_file.erase(Selection(ids=[stored.id])) == 1
    assert b"nobody else has" not in file.read_bytes()


def test_the_file_is_its_owner_s_alone(in_file, tmp_path):
    in_file.add(seven(), **PLENTY)

    assert stat.S_IMODE((tmp_path / "corrections.sqlite").stat().st_mode) == 0o600


def _add(url, start):
    corrections = Corrections(url)
    for number in range(start, start + 25):
        corrections.add(seven(number), **PLENTY)


def test_processes_and_threads_may_write_at_once(database, corrections):
    corrections.add(seven(), **PLENTY)  # before the fork
    processes = [get_context("fork").Process(target=_add, args=(database, start)) for start in (100, 200)]
    for process in processes:
        process.start()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: corrections.add(seven(number), **PLENTY), range(300, 330)))
    for process in processes:
        process.join(60)

    assert [process.exitcode for process in processes] == [0, 0]
    assert corrections.count() == 1 + 50 + 30
    assert sum(found.part == "validation" for found in corrections.read()) == 81 // 5


def test_reading_where_nothing_was_kept_says_so_and_makes_nothing(in_file, tmp_path):
    with unavailable(r"there is no .*corrections\.sqlite"):
        in_file.count()

    assert not list(tmp_path.iterdir())


def test_a_database_of_something_else_is_refused_when_it_is_read(in_file, tmp_path):
    sqlite3.connect(tmp_path / "corrections.sqlite").execute("CREATE TABLE other (x)").connection.close()

    with unavailable("nothing has been kept"):
        list(in_file.read())


def test_what_is_no_database_is_unavailable(in_file, tmp_path):
    (tmp_path / "corrections.sqlite").write_bytes(b"not a database, but long enough to look at" * 100)

    with unavailable("file is not a database"):
        in_file.add(seven(), **PLENTY)


def test_a_folder_that_is_not_there_is_unavailable(tmp_path):
    with unavailable("No such file or directory"):
        Corrections(f"sqlite:///{tmp_path}/none/corrections.sqlite").add(seven(), **PLENTY)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "corrections.sqlite",
        "mysql://host/x",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite+other:///x",
        "sqlite:///file:x?uri=true",
        "postgresql://host",
        "postgresql://host:port/x",
    ],
)
def test_an_address_that_cannot_be_used_says_what_is_expected(url):
    with pytest.raises(InvalidLocation, match=r"sqlite:///corrections\.sqlite"):
        Corrections(url)


@pytest.mark.parametrize("url", ["someone:secret@127.0.0.1:1/x", "someone@127.0.0.1:1/x?password=secret"])
def test_a_password_is_never_shown(url):
    corrections = Corrections(f"postgresql://{url}")

    with pytest.raises(CorrectionsUnavailable) as refused:
        corrections.count()
    assert "secret" not in f"{corrections.location}{in_full(refused.value)}"
    assert "127.0.0.1:1" not in str(refused.value), "a client may be told this"
    assert "127.0.0.1:1" in in_full(refused.value)


def test_reading_a_server_where_nothing_was_kept_says_so(postgres):
    with (
        closing(Corrections(postgres.emptied())) as corrections,
        pytest.raises(CorrectionsUnavailable, match="nothing has been kept") as refused,
    ):
        corrections.count()
    assert refused.value.inside.startswith("postgresql://")


def test_a_server_that_was_restarted_is_used_again(own_postgres):
    with closing(Corrections(own_postgres.emptied())) as corrections:
        first = corrections.add(seven(), **PLENTY)

        own_postgres.stop()
        with pytest.raises(CorrectionsUnavailable):
            corrections.add(seven(1), **PLENTY)
        own_postgres.start()

        corrections.add(seven(1), **PLENTY)
        assert [found.id == first.id for found in corrections.read()] == [True, False]


def test_a_writer_that_has_to_wait_for_another_too_long_gives_up(postgres, monkeypatch):
    url = postgres.emptied()
    monkeypatch.setattr(databases, "_STATEMENT_SECONDS", 1)
    with closing(Corrections(url)) as corrections:
        with psycopg.connect(url) as other:
            other.execute(f"SELECT pg_advisory_xact_lock({databases._LOCK})")
            with unavailable("statement timeout"):
                corrections.add(seven(), **PLENTY)

        assert corrections.add(seven(), **PLENTY).id
