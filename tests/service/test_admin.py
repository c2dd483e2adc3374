import http.client
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.app import create_app
from service.settings import Settings
from tests.drafts import make_draft

TOKEN = "a token for tests"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}

EVERY_ROUTE = [
    ("POST", "/models/digits/versions"),
    ("PUT", "/models/digits/aliases/production"),
    ("POST", "/models/digits/rollback"),
    ("DELETE", "/models/digits/versions/2"),
]


@pytest.fixture
def client(published):
    return create_app(Settings(models=published.root, admin_token=TOKEN, max_upload_bytes=200_000)).test_client()


def move(client, version, alias="production", headers=None, **body):
    return client.put(
        f"/models/digits/aliases/{alias}", json={"version": version, **body}, headers=ADMIN | (headers or {})
    )


def served(client):
    answer = client.post("/predict", data=bytes(784), content_type="application/octet-stream")
    return answer.json["version"], int(answer.headers["X-Model-Generation"])


@pytest.mark.parametrize(("method", "path"), EVERY_ROUTE)
@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_in_the_settings_nobody_is_an_admin(published, method, path, token):
    client = create_app(Settings(models=published.root, admin_token=token)).test_client()

    answer = client.open(path, method=method, headers=ADMIN | {"Authorization": f"Bearer {token or TOKEN}"})

    assert answer.status_code == 403
    assert "MLP_ADMIN_TOKEN" in answer.json["detail"]


def test_a_token_may_have_letters_beyond_ascii(published):
    client = create_app(Settings(models=published.root, admin_token="sesäme")).test_client()
    on_the_wire = "sesäme".encode().decode("latin-1")

    answer = client.post("/models/digits/rollback", headers={"Authorization": f"Bearer {on_the_wire}"})

    assert answer.status_code != 401


@pytest.mark.parametrize(("method", "path"), EVERY_ROUTE)
@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", "Bearer ä", f"Bearer {TOKEN}x"]
)
def test_a_missing_or_wrong_token_is_401_and_changes_nothing(client, published, method, path, given):
    before = published.aliases("digits")

    answer = client.open(path, method=method, headers={} if given is None else {"Authorization": given})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert published.aliases("digits") == before


def test_a_whole_number_may_have_a_point_in_json(client, published):
    answer = client.put(
        "/models/digits/aliases/production", data=b'{"version": 2.0}', headers=ADMIN, content_type="application/json"
    )

    assert (answer.status_code, published.aliases("digits").aliases) == (200, {"production": 2})


@pytest.mark.parametrize("version", ["2.5", '"2"', "true", "1e400"])
def test_nothing_else_is_a_version(client, published, version):
    answer = client.put("/models/digits/aliases/production", data=b'{"version": %b}' % version.encode(), headers=ADMIN)

    assert answer.status_code in (400, 422)
    assert published.aliases("digits").aliases == {"production": 1}


@pytest.mark.parametrize("force", ['"yes"', "1"])
def test_what_is_neither_true_nor_false_forces_nothing(client, force):
    body = b'{"version": 2, "force": %b}' % force.encode()

    answer = client.put("/models/digits/aliases/production", data=body, headers=ADMIN)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["loc"] == ["body", "force"]


@pytest.mark.parametrize("given", ["9" * 5000, '"' + "9" * 5000 + '"', '""7""', "W/7x", '"7'])
def test_what_is_no_generation_is_422(client, given):
    answer = move(client, 2, headers={"If-Match": given})

    assert answer.status_code == 422
    assert answer.json["errors"][0]["loc"] == ["header", "If-Match"]


def test_a_version_is_sent_and_stored_and_where_it_is_is_said(client, published):
    answer = client.post("/models/digits/versions", data=make_draft(seed=7).pack(), headers=ADMIN)

    assert (answer.status_code, answer.json) == (201, {"name": "digits", "version": 3})
    assert client.get(answer.headers["Location"]).json["version"] == 3
    assert served(client) == (1, 1), "sending a version moves no alias"


def test_a_version_of_a_new_model_makes_the_model(client, published):
    answer = client.post("/models/letters/versions", data=make_draft("letters", labels="abc").pack(), headers=ADMIN)
    assert answer.status_code == 201

    moved = client.put("/models/letters/aliases/production", json={"version": 1}, headers=ADMIN)

    assert moved.status_code == 200
    assert client.post("/predict?model=letters", data=bytes(784), content_type="application/octet-stream").json[
        "model"
    ] == ("letters")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a whole .npz"),
        (b"PK\x03\x04 and then nothing", "not a whole .npz"),
        (make_draft().pack()[:-100], "not a whole .npz"),
        (make_draft("letters").pack(), "'letters'"),
    ],
    ids=["empty", "no zip", "truncated", "another model's"],
)
def test_what_is_no_version_is_422_with_the_reason_and_leaves_nothing(client, published, data, said):
    before = sorted(path.name for path in (published.root / "digits").iterdir())

    answer = client.post("/models/digits/versions", data=data, headers=ADMIN)

    assert answer.status_code == 422
    assert said in answer.json["detail"]
    assert sorted(path.name for path in (published.root / "digits").iterdir()) == before


def test_a_version_over_the_limit_is_413(client, published):
    answer = client.post("/models/digits/versions", data=bytes(200_001), headers=ADMIN)

    assert answer.status_code == 413
    assert published.versions("digits") == [1, 2]


def test_the_limit_of_versions_is_not_that_of_other_bodies(published):
    data = make_draft().pack()
    settings = Settings(models=published.root, admin_token=TOKEN, max_body_bytes=1000)

    answer = create_app(settings).test_client().post("/models/digits/versions", data=data, headers=ADMIN)

    assert answer.status_code == 201


def test_a_moved_alias_is_served_when_the_answer_is_there(client, published):
    answer = move(client, 2, why="it is better")

    assert answer.status_code == 200
    assert answer.json == {
        "name": "digits",
        "generation": 2,
        "aliases": {"production": 2},
        "previous": {"production": 1},
    }
    assert answer.headers["ETag"] == '"2"'
    assert served(client) == (2, 2)
    last = published.aliases("digits").history[-1]
    assert (last.by, last.why, last.target) == ("the admin API", "it is better", 2)


def test_a_move_to_where_the_alias_is_changes_nothing(client):
    assert move(client, 1).json["generation"] == 1


def test_a_new_alias_can_be_made(client):
    assert move(client, 2, alias="shadow").json["aliases"] == {"production": 1, "shadow": 2}


@pytest.mark.parametrize("given", ['"1"', "1", 'W/"1"', "*"])
def test_a_move_on_condition_of_the_generation_seen(client, given):
    assert move(client, 2, headers={"If-Match": given}).status_code == 200


def test_a_move_on_a_generation_that_has_moved_is_409(client, published):
    answer = move(client, 2, headers={"If-Match": '"7"'})

    assert answer.status_code == 409
    assert "generation 1" in answer.json["detail"]
    assert served(client) == (1, 1)


def test_the_generation_to_send_back_is_in_the_etag(client):
    assert client.get("/models/digits").headers["ETag"] == '"1"'


def test_a_document_that_moves_while_the_version_is_loaded_is_409_and_not_overwritten(client, published, monkeypatch):
    promote = type(published).promote

    def raced(store, *arguments, **options):
        monkeypatch.setattr(type(published), "promote", promote)
        published.promote("digits", 2, "shadow")
        return promote(store, *arguments, **options)

    monkeypatch.setattr(type(published), "promote", raced)

    answer = move(client, 2)

    assert answer.status_code == 409
    assert published.aliases("digits").aliases == {"production": 1, "shadow": 2}
    client.application.extensions["live"].refresh()
    assert served(client) == (1, 2)


def test_a_damaged_version_is_422_and_never_in_the_document(client, published):
    path = published.root / "digits" / "2.npz"
    path.write_bytes(path.read_bytes()[:-50])

    answer = move(client, 2)

    assert answer.status_code == 422
    assert "2.npz" in answer.json["detail"]
    assert published.aliases("digits").generation == 1
    assert served(client) == (1, 1)
    assert client.get("/readyz").status_code == 200
    model = client.get("/models/digits").json
    assert "2.npz" in model["refused"]["reason"]
    assert model["versions"][1]["state"] == "refused"


def test_a_move_after_a_refused_edit_mends_it(client, published):
    path = published.root / "digits" / "aliases.json"
    path.write_text(json.dumps({"generation": 9, "aliases": {"production": 5}}))
    client.application.extensions["live"].refresh()
    assert client.get("/models/digits").json["refused"]["generation"] == 9

    answer = move(client, 2)

    assert answer.json["generation"] == 10
    assert served(client) == (2, 10)
    assert "refused" not in client.get("/models/digits").json


def test_other_classes_are_422_unless_forced(client, published):
    make_draft(labels="abcdefghij").publish(published)

    refused = move(client, 3)
    forced = move(client, 3, force=True)

    assert refused.status_code == 422
    assert "a, b, c" in refused.json["detail"]
    assert forced.status_code == 200
    assert served(client)[0] == 3


@pytest.mark.parametrize("alias", ["Production", "1", "a b", "x" * 65])
def test_what_can_be_no_alias_is_422(client, alias):
    assert move(client, 2, alias=alias).status_code == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"version": "2"}', 422),
        (b'{"version": 0}', 422),
        (b'{"version": 2, "other": 1}', 422),
        (b'{"version": 77}', 404),
    ],
)
def test_a_wrong_body_is_told(client, body, status):
    answer = client.put("/models/digits/aliases/production", data=body, headers=ADMIN)

    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert served(client) == (1, 1)


def test_a_wrong_condition_is_told(client):
    answer = move(client, 2, headers={"If-Match": "yesterday"})

    assert answer.status_code == 422
    assert answer.json["errors"][0]["loc"] == ["header", "If-Match"]


def test_an_unknown_model_is_404(client):
    moved = client.put("/models/none/aliases/production", json={"version": 1}, headers=ADMIN)

    assert moved.status_code == 404
    assert client.post("/models/none/rollback", headers=ADMIN).status_code == 404
    assert client.delete("/models/none/versions/1", headers=ADMIN).status_code == 404


def test_a_rollback_is_served_when_the_answer_is_there(client):
    move(client, 2)

    answer = client.post("/models/digits/rollback", headers=ADMIN)

    assert answer.status_code == 200
    assert answer.json["aliases"] == {"production": 1}
    assert served(client) == (1, 3)


def test_a_rollback_of_another_alias_is_asked_for_by_name(client):
    move(client, 1, alias="shadow")
    move(client, 2, alias="shadow")

    answer = client.post("/models/digits/rollback", json={"alias": "shadow"}, headers=ADMIN)

    assert answer.json["aliases"] == {"production": 1, "shadow": 1}


def test_nothing_to_roll_back_is_409(client):
    assert client.post("/models/digits/rollback", headers=ADMIN).status_code == 409


def test_a_version_is_deleted_and_answers_no_more(client, published):
    assert (
        client.post("/predict?version=2", data=bytes(784), content_type="application/octet-stream").json["version"] == 2
    )

    answer = client.delete("/models/digits/versions/2", headers=ADMIN)

    assert (answer.status_code, answer.data) == (204, b"")
    assert published.versions("digits") == [1]
    gone = client.post("/predict?version=2", data=bytes(784), content_type="application/octet-stream")
    assert gone.status_code == http.client.NOT_FOUND


def test_a_version_that_an_alias_names_is_not_deleted(client, published):
    answer = client.delete("/models/digits/versions/1", headers=ADMIN)

    assert answer.status_code == 409
    assert "production" in answer.json["detail"]
    assert published.versions("digits") == [1, 2]


@pytest.mark.parametrize("version", ["77", "production", "0", "-1"])
def test_an_unknown_version_cannot_be_deleted(client, version):
    assert client.delete(f"/models/digits/versions/{version}", headers=ADMIN).status_code == 404


def test_a_rollback_s_body_counts_also_without_a_length(client):
    move(client, 2)
    move(client, 1, alias="shadow")
    move(client, 2, alias="shadow")
    body = {"input_stream": io.BytesIO(b'{"alias": "shadow"}'), "environ_overrides": {"wsgi.input_terminated": True}}

    answer = client.post("/models/digits/rollback", headers=ADMIN | {"Transfer-Encoding": "chunked"}, **body)

    assert answer.json["aliases"] == {"production": 2, "shadow": 1}


def test_an_upload_that_stops_in_the_middle_keeps_the_next_one_waiting_for_a_while_only(client, draft, monkeypatch):
    monkeypatch.setattr("service.admin._TURN_SECONDS", 0.01)
    begun, go_on = threading.Event(), threading.Event()

    class Stopped(io.BytesIO):
        def readinto(self, buffer):
            begun.set()
            go_on.wait(30)
            return super().readinto(buffer)

        def read(self, size=-1):
            begun.set()
            go_on.wait(30)
            return super().read(size)

    data = draft.pack()

    def send(stream):
        return client.application.test_client().post(
            "/models/digits/versions", input_stream=stream, headers=ADMIN | {"Content-Length": str(len(data))}
        )

    with ThreadPoolExecutor(1) as executor:
        first = executor.submit(send, Stopped(data))
        assert begun.wait(30)
        try:
            second = send(io.BytesIO(data))
        finally:
            go_on.set()

        assert second.status_code == 503
        assert "try again" in second.json["detail"]
        assert second.headers["Retry-After"]
        assert first.result(30).status_code == 201
    assert send(io.BytesIO(data)).status_code == 201
