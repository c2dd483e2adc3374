"""A store in a bucket, on a server that all tests share and that starts when the first of them asks for it."""

import uuid

import pytest

from mlp.store import open_store
from tests.s3_server import S3Server

BUCKET = "models"


@pytest.fixture(scope="session")
def s3_server():
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
