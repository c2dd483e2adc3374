"""What most tests begin from, and where the real data is."""

import contextlib
import gc
import gzip
import signal
import uuid

import numpy as np
import pytest

from mlp.local_store import LocalStore
from mlp.store import open_store
from tests.drafts import ROOT, Draft, make_draft
from tests.postgres import PROGRAMS, Postgres
from tests.s3_server import BUCKET, S3Server

# What a script starts in the background has SIGINT ignored, and so would have all that is started from here.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish():
    """Look through what all files of tests have imported no more: else it takes a tenth of the tests' time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 50)


@contextlib.contextmanager
def a_postgres():
    if PROGRAMS is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def draft() -> Draft:
    return make_draft()


@pytest.fixture
def store(tmp_path) -> LocalStore:
    return LocalStore(tmp_path / "models")


@pytest.fixture(scope="session")
def mnist_test():
    """MNIST's 10,000 test pictures (n, 28, 28) and labels, read without the code under test."""
    images = gzip.decompress((ROOT / "data/mnist/t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((ROOT / "data/mnist/t10k-labels-idx1-ubyte.gz").read_bytes())
    return np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28), np.frombuffer(labels, np.uint8, offset=8)


@pytest.fixture(scope="session")
def s3_server():
    """A server that all tests share, and that starts when the first of them asks for it."""
    server = S3Server()
    server.start()
    server.make_bucket(BUCKET)
    yield server
    server.kill()


@pytest.fixture
def s3_store(s3_server, tmp_path, monkeypatch):
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return open_store(f"s3://{BUCKET}/{uuid.uuid4()}", tmp_path / "cache")


@pytest.fixture
def own_server(monkeypatch):
    """A server that a test may stop and kill."""
    server = S3Server()
    server.start()
    server.make_bucket(BUCKET)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    yield server
    server.kill()


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server that all tests share, and that starts when the first of them asks for it."""
    with a_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path) -> str:
    """The URL of a database in which nothing is yet, of each kind that there is."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/corrections.sqlite"
    return request.getfixturevalue("postgres").emptied()


@pytest.fixture
def own_postgres():
    """A PostgreSQL server that a test may stop and start."""
    with a_postgres() as server:
        yield server


def pytest_make_parametrize_id(val, argname):
    """Name bytes by their number: gzip's have the time in them, and processes that share tests must name them alike."""
    return f"{argname} of {len(val)} bytes" if isinstance(val, bytes) else None
