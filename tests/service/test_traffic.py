import pytest

from service import traffic
from service.app import create_app
from service.settings import Settings

KEYS = [f"client-{number}" for number in range(20_000)]


def share(alias, shares, model="digits"):
    return sum(traffic.alias_for(key, model, shares) == alias for key in KEYS) / len(KEYS)


@pytest.mark.parametrize("wanted", [0.01, 0.05, 0.5, 0.9])
def test_an_alias_gets_its_share_of_the_keys(wanted):
    deviation = (wanted * (1 - wanted) / len(KEYS)) ** 0.5

    assert abs(share("candidate", {"candidate": wanted}) - wanted) < 4 * deviation


def test_several_aliases_get_theirs_and_production_the_rest():
    shares = {"candidate": 0.2, "other": 0.3}

    assert share("candidate", shares) == pytest.approx(0.2, abs=0.015)
    assert share("other", shares) == pytest.approx(0.3, abs=0.015)
    assert share("production", shares) == pytest.approx(0.5, abs=0.015)


def test_a_key_always_goes_to_the_same_alias():
    shares = {"candidate": 0.5}

    assert all(
        traffic.alias_for(key, "digits", shares) == traffic.alias_for(key, "digits", dict(shares))
        for key in KEYS[:1000]
    )


def test_a_share_that_grows_keeps_the_keys_it_had():
    small = {key for key in KEYS if traffic.alias_for(key, "digits", {"candidate": 0.05}) == "candidate"}
    large = {key for key in KEYS if traffic.alias_for(key, "digits", {"candidate": 0.20}) == "candidate"}

    assert small
    assert small < large


def test_models_draw_their_keys_independently():
    both = sum(
        traffic.alias_for(key, "digits", {"candidate": 0.5}) == traffic.alias_for(key, "letters", {"candidate": 0.5})
        for key in KEYS
    )

    assert both / len(KEYS) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(("shares", "alias"), [({}, "production"), ({"c": 0.0}, "production"), ({"c": 1.0}, "c")])
def test_none_and_all(shares, alias):
    assert {traffic.alias_for(key, "digits", shares) for key in KEYS[:500]} == {alias}


@pytest.fixture
def client(published):
    published.promote("digits", 2, "candidate")
    published.set_traffic("digits", {"candidate": 0.5})
    return create_app(Settings(models=published.root)).test_client()


def ask(client, query="", **headers):
    answer = client.post(f"/predict{query}", data=bytes(784), content_type="application/octet-stream", headers=headers)
    assert answer.headers["X-Model-Version"] == str(answer.json["version"])
    return answer.json["version"]


def test_requests_are_split_and_the_answer_names_the_version(client):
    versions = [ask(client) for _ in range(200)]

    assert 60 < versions.count(2) < 140


@pytest.mark.parametrize("header", ["X-Client-Key", "X-Request-Id"])
def test_a_client_that_gives_a_key_keeps_its_version(client, header):
    for key in ("a", "b", "c", "d"):
        assert len({ask(client, **{header: key}) for _ in range(5)}) == 1


def test_the_client_s_key_counts_before_the_request_s_id(client):
    assert len({ask(client, **{"X-Client-Key": "someone", "X-Request-Id": f"r{n}"}) for n in range(30)}) == 1


@pytest.mark.parametrize(("reference", "version"), [("production", 1), ("1", 1), ("candidate", 2)])
def test_who_asks_for_a_version_gets_it(client, reference, version):
    assert {ask(client, f"?version={reference}") for _ in range(30)} == {version}


def test_a_candidate_that_could_not_be_loaded_leaves_its_share_to_production(published):
    published.promote("digits", 2, "candidate")
    published.set_traffic("digits", {"candidate": 0.5})
    path = published.root / "digits" / "2.npz"
    path.write_bytes(path.read_bytes()[:-50])
    client = create_app(Settings(models=published.root)).test_client()

    assert {ask(client) for _ in range(30)} == {1}


def test_the_shares_are_shown(client):
    assert client.get("/models/digits").json["traffic"] == {"candidate": 0.5}
