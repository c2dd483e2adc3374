"""The Flask app called by ASGI: what it is told of a request, what of a body is read, and what waits for what."""

import asyncio
import json
import threading

import pytest
from flask import Flask, Response, request

from service.inline import Inline, environ_of
from service.lanes import Lane, Lanes
from service.settings import Settings

LIMIT = 1000
TOKEN = "secret"


def scope(path="/predict", *, method="POST", query="", headers=(), raw_path=None):
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": raw_path if raw_path is not None else path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
    }


class Client:
    """The server's side of one request: gives the parts of a body, and keeps what is sent."""

    def __init__(self, *parts, ends=True):
        self.left = [
            {"type": "http.request", "body": part, "more_body": not ends or number < len(parts) - 1}
            for number, part in enumerate(parts or (b"",))
        ]
        self.sent = []

    async def receive(self):
        return self.left.pop(0) if self.left else {"type": "http.disconnect"}

    async def send(self, message):
        self.sent.append(message)

    @property
    def status(self):
        return self.sent[0]["status"]

    @property
    def headers(self):
        return {name.decode().lower(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self):
        return b"".join(message.get("body", b"") for message in self.sent[1:])


def lanes(**settings):
    return Lanes(Settings(max_body_bytes=LIMIT, admin_token=TOKEN, **settings))


def called(app, asked, *parts, ends=True):
    client = Client(*parts, ends=ends)
    asyncio.run(Inline(app, lanes())(asked, client.receive, client.send))
    return client


@pytest.fixture
def echo():
    """An app that says what it was told."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LIMIT

    @app.route("/predict", methods=["GET", "POST"])
    def predict():
        return {"length": request.content_length, "body": request.get_data().decode(), "args": request.args.to_dict()}

    return app


def test_the_app_gets_body_length_and_query(echo):
    asked = scope(query="top_k=2&x=%C3%A9", headers=[("Content-Length", "5")])

    client = called(echo, asked, b"ab", b"cde")

    assert client.status == 200
    assert json.loads(client.body) == {"length": 5, "body": "abcde", "args": {"top_k": "2", "x": "é"}}


def test_a_body_in_chunks_gets_its_length(echo):
    client = called(echo, scope(headers=[("Transfer-Encoding", "chunked")]), b"ab", b"", b"cde")

    assert json.loads(client.body)["length"] == 5


def test_a_body_longer_than_the_limit_is_413_before_any_of_it_is_read(echo):
    reads = []
    client = Client(b"x")

    async def receive():
        reads.append(bool(client.sent))
        return {"type": "http.disconnect"}

    asyncio.run(Inline(echo, lanes())(scope(headers=[("Content-Length", "1001")]), receive, client.send))

    assert (client.status, client.headers["connection"]) == (413, "close")
    assert all(reads)  # only after the answer


def test_a_body_in_chunks_over_the_limit_is_413_where_the_limit_is_passed(echo):
    asked = scope(headers=[("Transfer-Encoding", "chunked")])

    client = called(echo, asked, bytes(600), bytes(600), bytes(600), ends=False)

    assert (client.status, client.headers["connection"]) == (413, "close")


def test_a_client_that_goes_away_in_the_middle_of_its_body_is_never_seen_by_the_app():
    app = Flask(__name__)
    seen = []
    app.before_request(lambda: seen.append(request.path))

    client = called(app, scope(headers=[("Content-Length", "10")]), b"12345", ends=False)

    assert seen == []
    assert client.status == 408


def test_head_has_the_headers_of_get_and_no_body(echo):
    assert called(echo, scope(method="HEAD")).body == b""
    assert int(called(echo, scope(method="HEAD")).headers["content-length"]) > 0


@pytest.mark.parametrize(
    ("raw", "path"), [(b"/a%20b", "/a b"), (b"/%C3%A9", "/Ã©"), (b"/a%2Fb?x=1", "/a/b"), (b"/%", "/%")]
)
def test_percent_signs_of_a_path_are_resolved_to_bytes(raw, path):
    assert environ_of(scope(raw_path=raw))["PATH_INFO"] == path


def test_headers_that_are_repeated_are_joined():
    environ = environ_of(scope(headers=[("Accept", "a"), ("Accept", "b"), ("Cookie", "x=1"), ("Cookie", "y=2")]))

    assert (environ["HTTP_ACCEPT"], environ["HTTP_COOKIE"]) == ("a,b", "x=1;y=2")


def test_the_app_hears_of_the_end_of_an_answer_after_it_was_sent():
    client, order = Client(), []
    app = Flask(__name__)

    @app.get("/predict")
    def predict():
        response = Response("x")
        response.call_on_close(lambda: order.append(len(client.sent)))
        return response

    asyncio.run(Inline(app, lanes())(scope(method="GET"), client.receive, client.send))

    assert order == [2]


def test_a_probe_is_answered_while_requests_that_wait_are_not():
    app = Flask(__name__)
    waits, may_end = threading.Barrier(Lane.STORE.threads + 1), threading.Event()

    @app.get("/models")
    def models():
        waits.wait(10)
        may_end.wait(10)
        return "done"

    @app.get("/healthz")
    def healthz():
        return "alive"

    async def both():
        server = Inline(app, lanes())
        slow = [Client() for _ in range(Lane.STORE.threads)]
        begun = [asyncio.create_task(server(scope("/models", method="GET"), c.receive, c.send)) for c in slow]
        await asyncio.to_thread(waits.wait, 10)
        probe = Client()
        await server(scope("/healthz", method="GET"), probe.receive, probe.send)
        answered = [bool(client.sent) for client in slow]
        may_end.set()
        await asyncio.gather(*begun)
        return probe, answered, slow

    probe, answered, slow = asyncio.run(both())

    assert (probe.body, any(answered)) == (b"alive", False)
    assert [client.body for client in slow] == [b"done"] * len(slow)


@pytest.mark.parametrize(
    ("asked", "size", "lane"),
    [
        (scope(headers=[("Content-Type", "application/json")]), 16_000, Lane.LOOP),
        (scope(headers=[("Content-Type", "application/json")]), 17_000, Lane.WORK),
        (scope(headers=[("Content-Type", "image/jpeg")]), 17_000, Lane.WORK),
        (scope(headers=[("Content-Type", "application/octet-stream")]), 64_000, Lane.LOOP),
        (scope(headers=[("Content-Type", "application/x-npy")]), 66_000, Lane.WORK),
        (scope(query="version=3"), 784, Lane.STORE),
        (scope(query="top_k=3"), 784, Lane.LOOP),
        (scope("/models/digits/aliases/production", method="PUT"), 15, Lane.STORE),
        (scope("/healthz", method="GET"), 0, Lane.LOOP),
        (scope("/metrics", method="GET"), 0, Lane.SCRAPE),
    ],
)
def test_nothing_long_and_nothing_that_waits_is_on_the_loop(asked, size, lane):
    assert lanes().lane(environ_of(asked), size) is lane


@pytest.mark.parametrize(
    ("path", "token", "limit"),
    [("/predict", "", LIMIT), ("/models/digits/versions", "", 0), ("/models/digits/versions", TOKEN, 5000)],
)
def test_a_version_is_read_for_an_admin_alone(path, token, limit):
    environ = environ_of(scope(path, headers=[("Authorization", f"Bearer {token}")]))

    assert lanes(max_upload_bytes=5000).limit(environ) == limit


def test_a_worker_s_life_is_followed_to_its_end(echo):
    told = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent = []

    async def receive():
        return next(told)

    async def send(message):
        sent.append(message["type"])

    asyncio.run(Inline(echo, lanes())({"type": "lifespan"}, receive, send))

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
