import json
import shutil
from pathlib import Path

import pytest

from service.app import create_app
from service.settings import Settings
from tests.drafts import make_draft


def test_models_lists_names_production_and_versions(client):
    assert client.get("/models").json == {"models": [{"name": "digits", "production": 1, "versions": [1, 2]}]}


def test_a_model_lists_its_aliases_and_its_versions_in_rising_order(client, published):
    published.promote("digits", 2)
    client.application.extensions["live"].refresh()

    found = client.get("/models/digits").json

    assert found["name"] == "digits"
    assert found["generation"] == 2
    assert found["aliases"] == {"production": 2}
    assert found["previous"] == {"production": 1}
    assert [row["version"] for row in found["versions"]] == [1, 2]
    assert found["versions"][1] == {
        "version": 2,
        "created_at": "2026-01-02T03:04:05+00:00",
        "sha256": published.read("digits", 2).metadata.sha256,
        "weights": 784 * 12 + 12 + 12 * 10 + 10,
        "metrics": {"accuracy": 0.5},
        "aliases": ["production"],
        "state": "ready",
    }


def test_a_report_beside_a_version_changes_nothing_but_that_it_is_named(client, published):
    before = client.get("/models/digits").json
    (published.root / "digits" / "1.html").write_text("a report")
    (published.root / "digits" / "9.html").write_text("a report")
    client.application.extensions["live"].refresh()

    after = client.get("/models/digits").json
    assert after["versions"][0].pop("report")
    assert after == before
    assert client.get("/readyz").status_code == 200


def test_a_version_that_no_alias_names_is_available(client):
    assert client.get("/models/digits").json["versions"][1]["state"] == "available"


@pytest.mark.parametrize("reference", ["1", "production"])
def test_a_version_shows_all_that_its_file_says(client, reference):
    found = client.get(f"/models/digits/versions/{reference}").json

    assert found["version"] == 1
    assert found["labels"] == list("0123456789")
    assert found["input"]["preparation"] == "digit"
    assert found["aliases"] == ["production"]


def test_a_damaged_version_is_listed_as_refused_and_does_not_answer(client, published):
    path = published.root / "digits" / "3.npz"
    path.write_bytes(path.with_name("2.npz").read_bytes()[:-50])

    listed = client.get("/models/digits").json["versions"][2]
    answer = client.post("/predict?version=3", data=bytes(784), content_type="application/octet-stream")

    assert (listed["version"], listed["state"]) == (3, "refused")
    assert "3.npz" in listed["reason"]
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_a_moved_alias_answers_after_the_next_look(client, published):
    published.promote("digits", 2)
    before = client.post("/predict", data=bytes(784), content_type="application/octet-stream")

    client.application.extensions["live"].refresh()

    after = client.post("/predict", data=bytes(784), content_type="application/octet-stream")
    assert (before.json["version"], after.json["version"]) == (1, 2)
    assert after.headers["X-Model-Generation"] == "2"


def test_an_alias_moved_to_a_damaged_version_leaves_the_old_one_and_says_why(client, published, caplog):
    folder = published.root / "digits"
    (folder / "3.npz").write_bytes((folder / "2.npz").read_bytes()[:-50])
    (folder / "aliases.json").write_text(json.dumps({"generation": 9, "aliases": {"production": 3}}))
    live = client.application.extensions["live"]

    live.refresh()
    live.refresh()

    assert client.post("/predict", data=bytes(784), content_type="application/octet-stream").json["version"] == 1
    assert client.get("/readyz").status_code == 200
    found = client.get("/models/digits").json
    assert found["aliases"] == {"production": 1}
    assert "3.npz" in found["versions"][2]["reason"]
    assert caplog.text.count("versions refused") == 1, "said once, not at every look"


def test_a_damaged_alias_document_leaves_what_was_live(client, published):
    (published.root / "digits" / "aliases.json").write_text("{")

    client.application.extensions["live"].refresh()

    assert client.post("/predict", data=bytes(784), content_type="application/octet-stream").json["version"] == 1


def test_a_store_that_is_gone_leaves_what_was_live(client, published):
    published.root.rename(published.root.with_name("elsewhere"))

    client.application.extensions["live"].refresh()

    assert client.post("/predict", data=bytes(784), content_type="application/octet-stream").status_code == 200
    assert client.get("/models").json == {"models": [{"name": "digits", "production": 1, "versions": [1]}]}
    model = client.get("/models/digits").json
    assert [(row["version"], row["state"]) for row in model["versions"]] == [(1, "ready")]
    assert model["store"]["reachable"] is False
    assert client.get("/models/digits/versions/1").status_code == 503, "only the store knows all of it"
    assert client.get("/readyz").status_code == 200
    assert "mlp_store_reachable 0.0" in client.get("/metrics").text


def test_a_store_that_is_back_is_news_once(client, published, caplog):
    caplog.set_level("INFO")
    live = client.application.extensions["live"]
    elsewhere = published.root.rename(published.root.with_name("elsewhere"))
    live.refresh()
    live.refresh()
    elsewhere.rename(published.root)
    live.refresh()
    live.refresh()

    events = [record.message for record in caplog.records if "the store can" in record.message]
    assert events == ["the store cannot be read, serving what is loaded", "the store can be read again"]
    (back,) = [record for record in caplog.records if record.message == "the store can be read again"]
    assert back.after_seconds == round(back.after_seconds, 1)
    assert "store" not in client.get("/models/digits").json
    assert "mlp_store_reachable 1.0" in client.get("/metrics").text


def test_a_new_model_appears(client, published):
    make_draft("letters", labels="abc").publish(published)
    published.promote("letters", 1)

    client.application.extensions["live"].refresh()

    assert [row["name"] for row in client.get("/models").json["models"]] == ["digits", "letters"]


def test_readiness_needs_a_model_and_liveness_does_not(tmp_path):
    client = create_app(Settings(models=tmp_path)).test_client()

    assert client.get("/healthz").json == {"status": "alive"}
    assert client.get("/readyz").status_code == 503
    assert client.post("/predict", data=bytes(784), content_type="application/octet-stream").status_code == 503


def test_a_store_that_is_missing_at_the_start_may_come_later(tmp_path):
    app = create_app(Settings(models=tmp_path / "later"))
    client = app.test_client()
    assert client.get("/readyz").status_code == 503

    from mlp.local_store import LocalStore

    store = LocalStore(tmp_path / "later")
    make_draft().publish(store)
    store.promote("digits", 1)
    app.extensions["live"].refresh()

    assert client.get("/readyz").json == {"status": "ready"}


def test_production_refused_at_the_start_is_not_ready_and_the_reason_is_shown(published):
    path = published.root / "digits" / "1.npz"
    path.write_bytes(path.read_bytes()[:-50])

    client = create_app(Settings(models=published.root)).test_client()

    assert client.get("/readyz").status_code == 503
    answer = client.post("/predict", data=bytes(784), content_type="application/octet-stream")
    assert answer.status_code == 503
    assert "1.npz" in answer.json["detail"]


def test_two_apps_in_one_process_share_nothing(published, tmp_path):
    from mlp.local_store import LocalStore

    other = LocalStore(tmp_path / "other")
    make_draft("letters", labels="abc").publish(other)
    other.promote("letters", 1)

    one, two = (create_app(Settings(models=store.root)).test_client() for store in (published, other))

    assert one.get("/models/letters").status_code == 404
    assert two.get("/models/digits").status_code == 404


def test_a_new_model_that_nobody_has_promoted_leaves_the_service_ready(client, published):
    make_draft("letters", labels="abc").publish(published)

    client.application.extensions["live"].refresh()

    assert client.get("/models").json["models"][1] == {"name": "letters", "production": None, "versions": [1]}
    assert client.get("/readyz").status_code == 200


def test_a_document_that_cannot_be_read_at_the_start_is_not_ready_and_says_why(published):
    make_draft("letters", labels="abc").publish(published)
    published.promote("letters", 1)
    (published.root / "digits" / "aliases.json").write_text("{")

    client = create_app(Settings(models=published.root)).test_client()

    assert client.get("/readyz").status_code == 503
    assert "the alias document is wrong" in client.get("/models/digits").json["refused"]["reason"]

    (published.root / "digits" / "aliases.json").write_text('{"generation": 1, "aliases": {"production": 2}}')
    client.application.extensions["live"].refresh()
    assert client.get("/readyz").status_code == 200
    assert "refused" not in client.get("/models/digits").json


def test_a_model_whose_folder_is_gone_is_listed_without_versions(client, published):
    make_draft("letters", labels="abc").publish(published)
    published.promote("letters", 1)
    client.application.extensions["live"].refresh()
    shutil.rmtree(published.root / "letters")

    assert client.get("/models").json["models"][1] == {"name": "letters", "production": 1, "versions": []}
    assert client.get("/models/letters").json["aliases"] == {"production": 1}


def test_a_document_that_cannot_even_be_looked_at_keeps_no_other_model_waiting(client, published, caplog):
    make_draft("a-model", labels="abc").publish(published)
    aliases = published.root / "a-model" / "aliases.json"
    aliases.symlink_to(aliases.name)
    published.promote("digits", 2)

    client.application.extensions["live"].refresh()

    assert client.get("/models/digits").json["aliases"] == {"production": 2}
    assert any("a-model" in getattr(record, "reason", "") for record in caplog.records)


@pytest.mark.parametrize("spoil", [Path.mkdir, lambda path: path.symlink_to("nowhere")], ids=["folder", "broken link"])
def test_what_cannot_be_opened_among_the_versions_is_listed_as_refused(client, published, spoil):
    spoil(published.root / "digits" / "3.npz")

    rows = client.get("/models/digits").json["versions"]

    assert [row["state"] for row in rows] == ["ready", "available", "refused"]
    assert rows[2]["reason"]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ('{"generation": 8}', "names no production"),
        ('{"generation": 8, "aliases": {"shadow": 2}}', "names no production"),
        ('{"generation": 18446744073709551616, "aliases": {"production": 2}}', "generation"),
    ],
)
def test_a_document_that_would_leave_nothing_to_answer_is_refused(client, published, document, reason):
    (published.root / "digits" / "aliases.json").write_text(document)

    client.application.extensions["live"].refresh()

    found = client.get("/models/digits").json
    assert found["aliases"] == {"production": 1}
    assert reason in found["refused"]["reason"]
    assert client.get("/readyz").status_code == 200
