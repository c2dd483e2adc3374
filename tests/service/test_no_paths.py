"""Answers name no path of the machine, whatever has happened to the store."""

import logging
import shutil

import pytest

from service.app import create_app
from service.settings import Settings
from tests.drafts import make_draft

TOKEN = "secret"

BODIES = {"PUT": b'{"version": 2}', "POST": bytes(784)}


@pytest.fixture
def app(published):
    return create_app(Settings(models=published.root, admin_token=TOKEN))


def gone(root):
    shutil.rmtree(root)


def a_file(root):
    shutil.rmtree(root)
    root.write_bytes(b"")


def documents_that_are_folders(root):
    for document in root.glob("*/*.json"):
        document.unlink()
        document.mkdir()


def versions_that_are_folders(root):
    for version in root.glob("*/*.npz"):
        version.unlink()
        version.mkdir()


def damaged(root):
    for file in root.glob("*/*"):
        file.write_bytes(b"damaged")


def test_not_of_the_corrections_either(published, tmp_path, caplog):
    client = create_app(Settings(models=published.root, feedback=f"sqlite:///{tmp_path}/none/c.sqlite")).test_client()

    answer = client.post("/feedback?label=1", data=bytes(784), content_type="application/octet-stream")

    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text
    assert any(str(tmp_path) in getattr(record, "reason", "") for record in caplog.records), "the log says where"


@pytest.mark.parametrize("trouble", [gone, a_file, documents_that_are_folders, versions_that_are_folders, damaged])
def test_in_no_answer_of_any_route(app, published, trouble, caplog, tmp_path):
    client = app.test_client()
    paths = client.get("/openapi.json").json["paths"]
    upload = tmp_path / "upload.npz"
    make_draft(seed=3).publish(published)
    shutil.copy(published.root / "digits/3.npz", upload)
    trouble(published.root)
    app.extensions["live"].look()

    statuses, said = [], []
    for path, methods in paths.items():
        for method in methods:
            for version in ("1", "2", "3", "9"):
                filled = path.replace("{name}", "digits").replace("{model}", "digits").replace("{version}", version)
                answer = client.open(
                    filled.replace("{alias}", "production"),
                    method=method.upper(),
                    data=upload.read_bytes() if path.endswith("/versions") else BODIES.get(method.upper(), b""),
                    headers={"Authorization": f"Bearer {TOKEN}", "If-Match": "*"},
                    content_type="application/json" if method == "put" else "application/octet-stream",
                )
                statuses.append(answer.status_code)
                said.append(answer.get_data())

    assert statuses.count(500) == 0
    assert not [text for text in said if str(tmp_path).encode() in text or b"Traceback" in text or b'File "' in text]
    if trouble in (a_file, documents_that_are_folders):
        assert 503 in statuses
        told = [
            record.reason for record in caplog.records if record.levelno >= logging.WARNING and "reason" in vars(record)
        ]
        assert any(str(published.root) in reason for reason in told), "the log says where"
