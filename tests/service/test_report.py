"""GET …/versions/{version}/report: the training report beside a version's file, and nothing else."""

from pathlib import Path

import numpy as np
import pytest

from mlp.local_store import LocalStore
from service.app import create_app
from service.settings import Settings
from tests.drafts import make_draft
from training.answers import Answers
from training.measure import Examples
from training.page import write

REPORT = "/models/digits/versions/{}/report"


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> bytes:
    """A real one, of an untrained network."""
    store = LocalStore(tmp_path_factory.mktemp("models"))
    version = store.read("digits", make_draft(seed=1).publish(store))
    pixels = np.random.default_rng(0).integers(0, 256, (40, 28, 28), dtype=np.uint8)
    path = write.path_of(store, "digits", 1)
    write.write(path, version, Answers(Examples(pixels, np.arange(40) % 10), version.scores(pixels)), "noise")
    return path.read_bytes()


@pytest.fixture
def reported(published, report) -> Path:
    """Where the report of version 1 lies."""
    path = write.path_of(published, "digits", 1)
    path.write_bytes(report)
    return path


@pytest.mark.parametrize("reference", ["1", "production"])
def test_a_report_is_served_as_it_lies_there(client, reported, reference):
    answer = client.get(REPORT.format(reference), headers={"Accept": "text/html"})

    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    assert answer.data == reported.read_bytes()


def test_it_may_show_styles_and_pictures_of_its_own_and_run_nothing(client, reported):
    headers = client.get(REPORT.format(1)).headers

    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; sandbox"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_what_a_browser_has_is_not_sent_again(client, reported):
    tag = client.get(REPORT.format(1)).headers["ETag"]

    assert client.get(REPORT.format(1), headers={"If-None-Match": tag}).status_code == 304
    reported.write_text("another")
    assert client.get(REPORT.format(1), headers={"If-None-Match": tag}).data == b"another"


def test_the_catalogue_says_of_which_versions_there_is_one(client, reported):
    rows = client.get("/models/digits").get_json()["versions"]

    assert [row.get("report") for row in rows] == [True, None]
    assert client.get("/models/digits/versions/1").get_json()["report"] is True


def test_without_one_it_is_404_and_says_so(client):
    answer = client.get(REPORT.format(2), headers={"Accept": "text/html,*/*;q=0.8"})

    assert answer.status_code == 404
    assert "no training report of digits version 2" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/models/none/versions/1/report",
        "/models/digits/versions/9/report",
        "/models/digits/versions/01/report",
        "/models/digits/versions/1.html/report",
        "/models/digits/versions/..%2f..%2fsecret/report",
        "/models/digits/versions/%2e%2e/report",
        "/models/../versions/1/report",
        "/models/%2e%2e/versions/1/report",
        "/models/..%2fmodels%2fdigits/versions/1/report",
        "/models/digits/versions/1/report/../../../secret",
        "/models/digits/versions/1%00/report",
    ],
)
def test_nothing_but_a_version_s_own_file_is_served(client, reported, path):
    (reported.parent.parent / "secret.html").write_text("for nobody")

    answer = client.get(path)

    assert answer.status_code == 404
    assert "for nobody" not in answer.text


def test_a_report_that_goes_in_between_is_503(client, reported, monkeypatch):
    monkeypatch.setattr(type(reported), "read_bytes", lambda path: path.with_name("none").stat())

    assert client.get(REPORT.format(1)).status_code == 503


def test_a_bucket_has_none(s3_store):
    make_draft().publish(s3_store)
    s3_store.promote("digits", 1)
    client = create_app(Settings(models=s3_store.location)).test_client()

    assert "report" not in client.get("/models/digits").get_json()["versions"][0]
    assert client.get(REPORT.format(1)).status_code == 404
