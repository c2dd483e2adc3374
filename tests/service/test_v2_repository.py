"""Loading and unloading by the Open Inference Protocol: what becomes of the alias document, and who may."""

import json

import pytest

from service.app import create_app
from service.settings import Settings
from tests.drafts import make_draft

TOKEN = "a token for tests"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
LOAD, UNLOAD, INDEX = (f"/v2/repository/{what}" for what in ("models/digits/load", "models/digits/unload", "index"))


@pytest.fixture
def client(published):
    return create_app(Settings(models=published.root, admin_token=TOKEN)).test_client()


def ask(client, path, headers=ADMIN, **parameters):
    return client.post(path, data=json.dumps({"parameters": parameters}) if parameters else b"", headers=headers)


def served(client):
    answer = client.post("/predict", data=bytes(784), content_type="application/octet-stream")
    return answer.json.get("version")


def entries(client, **body):
    found = client.post(INDEX, data=json.dumps(body) if body else b"").json
    return [(row["name"], row["version"], row["state"]) for row in found]


@pytest.mark.parametrize("path", [LOAD, UNLOAD])
def test_only_an_admin_loads_and_unloads(client, published, path):
    without = ask(client, path, {})
    wrong = ask(client, path, {"Authorization": "Bearer x"})
    off = ask(create_app(Settings(models=published.root)).test_client(), path)

    assert [answer.status_code for answer in (without, wrong, off)] == [401, 401, 403]
    assert all(list(answer.json) == ["error"] for answer in (without, wrong, off))
    assert "WWW-Authenticate" in without.headers
    assert served(client) == 1


def test_load_puts_the_newest_version_into_production(client, published):
    answer = ask(client, LOAD)

    assert answer.json == {"name": "digits", "load": True, "version": "2", "generation": 2}
    assert served(client) == 2
    document = published.aliases("digits")
    assert (document.aliases, document.previous) == ({"production": 2}, {"production": 1})
    assert document.history[-1].by == "the V2 repository API"


@pytest.mark.parametrize("version", ["2", 2, "candidate"])
def test_load_takes_the_version_it_is_told(published, version):
    make_draft(seed=3).publish(published)
    published.promote("digits", 2, "candidate")
    client = create_app(Settings(models=published.root, admin_token=TOKEN)).test_client()

    assert ask(client, LOAD, version=version, why="it is better").json["version"] == "2"
    assert served(client) == 2
    assert published.aliases("digits").history[-1].why == "it is better"


def test_loading_what_is_loaded_changes_nothing(client):
    ask(client, LOAD)

    assert ask(client, LOAD).json["generation"] == 2


def test_load_refuses_what_a_worker_cannot_serve_and_what_answers_stays(client, published):
    (published.root / "digits" / "2.npz").write_bytes(b"no version")

    answer = ask(client, LOAD)

    assert (answer.status_code, list(answer.json)) == (400, ["error"])
    assert served(client) == 1


def test_load_refuses_other_classes_unless_forced(client, published):
    make_draft(labels="abcdefghij").publish(published)

    refused = ask(client, LOAD)

    assert refused.status_code == 400
    assert "force" in refused.json["error"]
    assert ask(client, LOAD, force=True).json["version"] == "3"


@pytest.mark.parametrize(
    ("path", "parameters", "status", "says"),
    [
        (LOAD, {"version": "9"}, 404, "9"),
        (LOAD, {"version": "nothing"}, 404, "nothing"),
        (LOAD, {"version": 1.5}, 400, "version"),
        (LOAD, {"config": "{}"}, 501, "config"),
        (LOAD, {"file:1/model.npz": "aGk="}, 501, "POST /models/digits/versions"),
        ("/v2/repository/models/nothing/load", {"why": "x"}, 404, "nothing"),
        ("/v2/repository/models/nothing/unload", {"why": "x"}, 404, "nothing"),
    ],
)
def test_what_cannot_be_loaded_says_why(client, path, parameters, status, says):
    answer = ask(client, path, **parameters)

    assert answer.status_code == status, answer.text
    assert says in answer.json["error"]
    assert served(client) == 1


@pytest.mark.parametrize("path", [LOAD, UNLOAD, INDEX])
@pytest.mark.parametrize("body", ["{", "[]", '{"parameters": 1, "ready": 1}'])
def test_a_body_that_is_none_is_400(client, path, body):
    answer = client.post(path, data=body, headers=ADMIN)

    assert (answer.status_code, list(answer.json)) == (400, ["error"])


def test_unload_takes_the_model_out_of_production_and_its_versions_still_answer_by_number(client, published):
    answer = ask(client, UNLOAD, unload_dependents=False)

    assert answer.json == {"name": "digits", "unload": True, "version": "1", "generation": 2}
    assert client.get("/v2/models/digits/ready").status_code == 404
    assert client.get("/v2/health/ready").status_code == client.get("/readyz").status_code == 503
    assert client.post("/predict", data=bytes(784), content_type="application/octet-stream").status_code == 404
    assert client.get("/v2/models/digits/versions/1/ready").status_code == 200
    document = published.aliases("digits")
    assert (document.aliases, document.previous) == ({}, {"production": 1})
    assert document.history[-1].what == "production unloaded, was 1"


def test_another_model_that_is_unloaded_leaves_the_service_ready(published):
    make_draft("letters", labels="abc").publish(published)
    published.promote("letters", 1)
    client = create_app(Settings(models=published.root, admin_token=TOKEN)).test_client()

    ask(client, "/v2/repository/models/letters/unload")

    assert client.get("/v2/health/ready").status_code == 200
    assert client.get("/v2/models/letters/ready").status_code == 404
    assert served(client) == 1


def test_unloading_what_is_unloaded_changes_nothing(client):
    ask(client, UNLOAD)

    assert ask(client, UNLOAD).json["generation"] == 2


@pytest.mark.parametrize("back", ["load", "rollback", "promote"])
def test_there_is_a_way_back_from_an_unload(client, published, back):
    ask(client, UNLOAD)

    if back == "load":
        assert ask(client, LOAD, version="1").status_code == 200
    elif back == "rollback":
        assert client.post("/models/digits/rollback", headers=ADMIN).status_code == 200
    else:
        published.promote("digits", 1)
        client.application.extensions["live"].refresh()

    assert served(client) == 1


def test_an_unloaded_model_stays_so_for_a_service_that_starts_or_looks_later(client, published):
    other = create_app(Settings(models=published.root))

    ask(client, UNLOAD)
    other.extensions["live"].refresh()
    later = create_app(Settings(models=published.root))

    for app in (other, later):
        assert app.test_client().get("/v2/models/digits/ready").status_code == 404


def test_an_unload_ends_the_shares_of_the_traffic(client, published):
    published.promote("digits", 2, "candidate")
    published.set_traffic("digits", {"candidate": 1.0})
    client.application.extensions["live"].refresh()

    ask(client, UNLOAD)

    assert client.get("/v2/models/digits/ready").status_code == 404
    assert client.post("/predict", data=bytes(784), content_type="application/octet-stream").status_code == 404
    assert client.get("/v2/models/digits/versions/candidate/ready").status_code == 200


def test_the_index_tells_what_is_in_memory_and_why_the_rest_is_not(client, published):
    assert entries(client) == [("digits", "1", "READY"), ("digits", "2", "UNAVAILABLE")]
    assert entries(client, ready=True) == [("digits", "1", "READY")]

    (published.root / "digits" / "2.npz").write_bytes(b"no version")
    (published.root / "digits" / "aliases.json").write_text('{"generation": 7, "aliases": {"production": 2}}')
    client.application.extensions["live"].refresh()

    (refused,) = [row for row in client.post(INDEX).json if row["version"] == "2"]
    assert refused["state"] == "UNAVAILABLE"
    assert "2.npz" in refused["reason"] or "zip" in refused["reason"]


def test_the_index_tells_what_is_being_loaded(client, published):
    live = client.application.extensions["live"]
    published.promote("digits", 2)
    live.look()  # proposed, and not prepared

    assert entries(client) == [("digits", "1", "READY"), ("digits", "2", "LOADING")]

    live.refresh()
    assert ("digits", "2", "READY") in entries(client)
