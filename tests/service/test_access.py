"""Who may change models, how often somebody may guess, and what is recorded of it."""

import logging

import pytest

from mlp.aliases import AliasDocument
from service import access
from service.app import create_app
from service.errors import SettingsError
from service.settings import Settings
from tests.drafts import make_draft

TOKEN = "a token for tests"
ALICE, BOB = "alice-0123456789abcdef", "bob-0123456789abcdef"
ROLLBACK = "/models/digits/rollback"


def bearing(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(f"# who may\nalice {ALICE}\n\nbob  {BOB}\n")
    return path


@pytest.fixture
def client(published, file):
    return create_app(Settings(models=published.root, admin_token=TOKEN, admin_tokens_file=str(file))).test_client()


def may(client, token):
    return client.post(ROLLBACK, headers=bearing(token)).status_code != 401


def audited(caplog):
    return [record for record in caplog.records if record.name == "service.audit"]


def test_every_token_of_the_file_and_of_the_environment_is_good(client):
    assert [may(client, token) for token in (TOKEN, ALICE, BOB)] == [True] * 3
    assert not may(client, "alice")
    assert not may(client, "alice alice-0123456789abcdef")


def test_tokens_are_rotated_without_a_restart(client, file):
    replaced = file.with_suffix(".new")
    replaced.write_text("alice another-0123456789abcdef\n")
    replaced.replace(file)

    assert [may(client, token) for token in ("another-0123456789abcdef", ALICE, BOB)] == [True, False, False]


def test_a_file_that_goes_or_is_damaged_leaves_nobody_in(client, file, caplog):
    file.unlink()
    assert not may(client, ALICE)
    assert may(client, TOKEN)

    file.write_text("alice\n")
    assert not may(client, ALICE)
    assert "line 1" in audited(caplog)[-2].reason

    file.write_text(f"alice {ALICE}\n")
    assert may(client, ALICE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file"),
        ("alice\n", "line 1: a name and a token"),
        (f"# x\nal/ice {ALICE}\n", "line 2: a name and a token"),
        ("alice short\n", "line 1: the token of alice has fewer than 16"),
        (b"\xff\xfe", "utf-8"),
    ],
)
def test_a_file_that_cannot_be_used_stops_the_service_at_its_start(published, tmp_path, text, said):
    path = tmp_path / "tokens"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(SettingsError, match=said):
        create_app(Settings(models=published.root, admin_tokens_file=str(path)))


def test_a_file_alone_turns_the_admin_api_on(published, file):
    client = create_app(Settings(models=published.root, admin_tokens_file=str(file))).test_client()

    assert may(client, ALICE)
    file.write_text("# nobody\n")
    assert client.post(ROLLBACK, headers=bearing(ALICE)).status_code == 403


def test_who_guesses_is_not_looked_at_for_a_while(client, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(access.time, "monotonic", lambda: now)

    def asked(token, address):
        return client.post(ROLLBACK, headers=bearing(token), environ_base={"REMOTE_ADDR": address})

    answers = [asked(f"guess {number}", "10.0.0.1") for number in range(10)]
    assert {answer.status_code for answer in answers} == {401}
    refused = asked(ALICE, "10.0.0.1")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    assert asked(ALICE, "10.0.0.2").status_code not in (401, 429)

    now += 60.5
    assert asked(ALICE, "10.0.0.1").status_code not in (401, 429)


def test_who_shows_no_token_guesses_nothing(client):
    assert {client.post(ROLLBACK).status_code for _ in range(30)} == {401}


def test_the_count_of_guessers_has_a_bound(client, monkeypatch):
    monkeypatch.setattr(access, "_ADDRESSES", 5)
    for number in range(50):
        client.post(ROLLBACK, headers=bearing("guess"), environ_base={"REMOTE_ADDR": f"10.0.0.{number}"})

    assert len(client.application.extensions["admins"]._failures) == 5


def test_every_change_is_recorded_with_who_made_it(client, published, caplog):
    caplog.set_level(logging.INFO, "service.audit")
    by_alice = bearing(ALICE) | {"X-Request-Id": "mine"}
    client.post("/models/digits/versions", data=make_draft(seed=7).pack(), headers=by_alice)
    client.put("/models/digits/aliases/production", json={"version": 2}, headers=by_alice)
    client.post(ROLLBACK, headers=bearing(TOKEN))
    client.post("/v2/repository/models/digits/load", json={"parameters": {"version": 2}}, headers=by_alice)
    client.post("/v2/repository/models/digits/unload", headers=by_alice)
    client.delete("/models/digits/versions/3", headers=by_alice)

    found = [(line.getMessage(), line.admin, line.version) for line in audited(caplog)]
    assert found == [
        ("version stored", "alice", 3),
        ("alias moved", "alice", 2),
        ("alias rolled back", "admin", 1),
        ("alias moved", "alice", 2),
        ("model unloaded", "alice", 2),
        ("version deleted", "alice", 3),
    ]
    assert (audited(caplog)[0].request_id, audited(caplog)[0].address) == ("mine", "127.0.0.1")
    document: AliasDocument = published.aliases("digits")
    assert [change.by for change in document.history][-5:] == [
        "alice, by the admin API",
        "the admin API",
        "alice, by the V2 repository API",
        "alice, by the V2 repository API",
        "alice, by the admin API",
    ]


def test_no_token_is_ever_logged(client, caplog):
    caplog.set_level(logging.DEBUG)
    for token in (ALICE, TOKEN, "a wrong token"):
        client.post(ROLLBACK, headers=bearing(token))

    lines = [str(record.__dict__) for record in caplog.records]
    assert lines
    assert not any(token in line for line in lines for token in (ALICE, BOB, TOKEN, "a wrong token"))


@pytest.mark.parametrize("path", ["/predict", "/models/digits/aliases/production", "/"])
def test_other_origins_are_let_in_nowhere(client, path):
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "PUT"}

    for answer in (client.options(path, headers=asked), client.get("/models", headers=asked)):
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]
