"""Where a request is answered, what the app is told of it, and what waits for what."""

import asyncio
import json
import threading

import pytest
from flask import Flask, Response, request

from service import dispatch as dispatch_room
from service.access import Admins
from service.answering import Answer
from service.app import create_app
from service.dispatch import Dispatch
from service.lanes import Lane, Lanes
from service.settings import Settings

LIMIT = 1000
TOKEN = "secret"


def asked(path="/predict", *, method="POST", query="", **headers):
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SCRIPT_NAME": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        **headers,
    }


def lanes(**settings):
    chosen = Settings(max_body_bytes=LIMIT, admin_token=TOKEN, **settings)
    return Lanes(chosen, Admins(chosen))


def called(app, environ, body=b"", direct=None):
    async def within():
        answered = asyncio.get_running_loop().create_future()
        Dispatch(app, lanes(), direct)(environ, body, answered.set_result)
        return await asyncio.wait_for(answered, 10)

    return asyncio.run(within())


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
    answer = called(echo, asked(query="top_k=2&x=%C3%A9", CONTENT_LENGTH="5"), b"abcde")

    assert answer.status == 200
    assert json.loads(answer.body) == {"length": 5, "body": "abcde", "args": {"top_k": "2", "x": "é"}}


def test_a_body_that_was_not_read_is_413(echo):
    app = echo

    @app.post("/read")
    def read():
        return request.get_data()

    assert called(app, asked("/read", CONTENT_LENGTH="1001"), None).status == 413


def test_head_has_the_headers_of_get_and_no_body(echo):
    answer = called(echo, asked(method="HEAD"))

    assert answer.body == b""
    assert int(dict(answer.headers)["Content-Length"]) > 0


def test_an_answer_of_unknown_length_gets_one():
    app = Flask(__name__)
    app.add_url_rule("/predict", view_func=lambda: Response(iter(["ab", "c"])))

    answer = called(app, asked(method="GET"))

    assert (answer.body, dict(answer.headers)["Content-Length"]) == (b"abc", "3")


def test_the_app_hears_of_the_end_of_an_answer_when_it_is_told():
    app, order = Flask(__name__), []

    @app.get("/predict")
    def predict():
        response = Response("x")
        response.call_on_close(lambda: order.append("closed"))
        return response

    answer = called(app, asked(method="GET"))

    assert order == []
    answer.after()
    assert order == ["closed"]


def test_an_app_that_fails_itself_is_500():
    app = Flask(__name__)
    app.wsgi_app = lambda environ, begun: 1 / 0

    answer = called(app, asked())

    assert (answer.status, json.loads(answer.body)["status"]) == (500, 500)


@pytest.mark.parametrize(
    ("direct", "body"),
    [
        (lambda environ, body: Answer(200, [], b"direct"), b"direct"),
        (lambda environ, body: None, None),
        (lambda environ, body: 1 / 0, None),
    ],
    ids=["taken", "left", "failed"],
)
def test_what_the_direct_way_does_not_take_the_app_answers(echo, direct, body):
    answer = called(echo, asked(CONTENT_LENGTH="1"), b"x", direct)

    assert answer.status == 200
    assert answer.body == body or json.loads(answer.body)["body"] == "x"


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
        dispatch, slow, probe = Dispatch(app, lanes()), [], []
        for _ in range(Lane.STORE.threads):
            dispatch(asked("/models", method="GET"), b"", slow.append)
        await asyncio.to_thread(waits.wait, 10)
        dispatch(asked("/healthz", method="GET"), b"", probe.append)
        before = len(slow)
        may_end.set()
        async with asyncio.timeout(10):
            while len(slow) < Lane.STORE.threads:
                await asyncio.sleep(0.01)
        return [answer.body for answer in probe], before, [answer.body for answer in slow]

    assert asyncio.run(both()) == ([b"alive"], 0, [b"done"] * Lane.STORE.threads)


def test_where_others_have_waited_long_one_is_told_at_once_to_come_back(published, monkeypatch):
    settings = Settings(models=published.root, queue_seconds=0.05)
    app = create_app(settings)
    may_end, begun = threading.Event(), threading.Event()

    @app.get("/slow")
    def slow():
        begun.set()
        may_end.wait(10)
        return "done"

    monkeypatch.setattr(Lanes, "lane", lambda self, environ, size, body=b"": LANES[environ["PATH_INFO"]])

    async def scenario():
        dispatch, answers = Dispatch(app, Lanes(settings, Admins(settings))), []
        for _ in range(2):  # one that is being answered, one that waits
            dispatch(asked("/slow", method="GET"), b"", answers.append)
        await asyncio.to_thread(begun.wait, 10)
        soon = []
        dispatch(asked("/slow", method="GET"), b"", soon.append)
        await asyncio.sleep(0.06)
        refused = []
        for path in ("/slow", "/v2/models/digits/infer"):
            dispatch(asked(path, method="GET"), b"", refused.append)
        probe = []
        dispatch(asked("/healthz", method="GET"), b"", probe.append)
        before = len(answers), len(soon)
        may_end.set()
        async with asyncio.timeout(10):
            while len(answers) + len(soon) < 3:
                await asyncio.sleep(0.005)
        after = []
        dispatch(asked("/slow", method="GET"), b"", after.append)
        async with asyncio.timeout(10):
            while not after:
                await asyncio.sleep(0.005)
        return before, refused, probe, after

    before, (refused, in_protocol), (probe,), (after,) = asyncio.run(scenario())

    assert before == (0, 0)
    assert (refused.status, dict(refused.headers)["Retry-After"]) == (503, "1")
    assert "have waited" in json.loads(refused.body)["detail"]
    assert set(json.loads(in_protocol.body)) == {"error"}
    assert (probe.status, after.status, after.body) == (200, 200, b"done")
    metrics = app.test_client().get("/metrics").text
    assert 'mlp_rejections_total{reason="QueueTooLong"} 2.0' in metrics


LANES = {"/slow": Lane.WORK, "/v2/models/digits/infer": Lane.WORK, "/healthz": Lane.LOOP}


@pytest.mark.parametrize(
    ("environ", "size", "lane"),
    [
        (asked(CONTENT_TYPE="application/json"), 16_000, Lane.LOOP),
        (asked(CONTENT_TYPE="application/json"), 17_000, Lane.WORK),
        (asked(CONTENT_TYPE="image/jpeg"), 17_000, Lane.WORK),
        (asked(CONTENT_TYPE="application/octet-stream"), 64_000, Lane.LOOP),
        (asked(CONTENT_TYPE="application/x-npy"), 266_000, Lane.WORK),
        (asked(query="version=3"), 784, Lane.STORE),
        (asked(query="top_k=3"), 784, Lane.LOOP),
        (asked("/models/digits/aliases/production", method="PUT"), 15, Lane.STORE),
        (asked("/healthz", method="GET"), 0, Lane.LOOP),
        (asked("/feedback", method="GET"), 0, Lane.LOOP),
        (asked("/feedback", query="label=7&version=3"), 784, Lane.FEEDBACK),
        (asked("/feedback/0", method="DELETE"), 0, Lane.FEEDBACK),
        (asked("/v2/health/ready/", method="GET"), 0, Lane.LOOP),
        (asked("/v2/models/digits/infer"), 16_000, Lane.LOOP),
        (asked("/v2/models/digits/infer"), 17_000, Lane.WORK),
        (asked("/v2/models/digits/infer", HTTP_CONTENT_ENCODING="gzip"), 100, Lane.WORK),
        (asked("/v2/models/digits/versions/3/infer"), 100, Lane.STORE),
        (asked("/v2/models/digits", method="GET"), 0, Lane.STORE),
        (asked("/v2/repository/models/digits/load"), 2, Lane.STORE),
        (asked("/v1/models/digits:predict"), 16_000, Lane.LOOP),
        (asked("/v1/models/digits:predict"), 17_000, Lane.WORK),
        (asked("/invocations", HTTP_CONTENT_ENCODING="gzip"), 100, Lane.WORK),
        (asked("/metrics", method="GET"), 0, Lane.SCRAPE),
        (asked("/explain", CONTENT_TYPE="image/png"), 3_000, Lane.LOOP),
        (asked("/explain", CONTENT_TYPE="image/png", query="version=3"), 3_000, Lane.STORE),
        (asked("/page/main.js", method="GET"), 0, Lane.LOOP),
    ],
)
def test_nothing_long_and_nothing_that_waits_is_on_the_loop(environ, size, lane):
    assert lanes().lane(environ, size) is lane


@pytest.mark.parametrize(
    ("head", "headers", "lane"),
    [
        (b'{"datatype":"FP32","binary_data_size":64000}', {}, Lane.LOOP),
        (b'{"datatype":"BYTES","binary_data_size":64000}', {}, Lane.WORK),
        (b'{"datatype":"FP32","data":[]}', {}, Lane.WORK),
        (b"", {}, Lane.LOOP),
        (b"", {"CONTENT_TYPE": "image/png"}, Lane.WORK),
        (b'{"datatype":"FP32","binary_data_size":64000}' + b" " * 2000, {}, Lane.WORK),
    ],
)
def test_binary_tensors_of_numbers_may_be_as_long_as_bare_pixels_on_the_loop(head, headers, lane):
    headers = {"HTTP_INFERENCE_HEADER_CONTENT_LENGTH": str(len(head)), **headers}
    body = memoryview(head + bytes(64_000))

    assert lanes().lane(asked("/v2/models/digits/infer", **headers), len(body), body) is lane


@pytest.mark.parametrize("length", ["x", "-1", "²", "9" * 5000])
def test_a_length_that_is_none_is_no_reason_to_stay_on_the_loop(length):
    environ = asked("/v2/models/digits/infer", HTTP_INFERENCE_HEADER_CONTENT_LENGTH=length)

    assert lanes().lane(environ, 64_000, bytes(64_000)) is Lane.WORK


@pytest.mark.parametrize(
    ("path", "token", "limit"),
    [("/predict", "", LIMIT), ("/models/digits/versions", "", 0), ("/models/digits/versions", TOKEN, 5000)],
)
def test_a_version_is_read_for_an_admin_alone(path, token, limit):
    assert lanes(max_upload_bytes=5000).limit(asked(path, HTTP_AUTHORIZATION=f"Bearer {token}")) == limit


def test_a_body_that_there_is_no_memory_for_is_503_and_those_behind_it_are_answered(echo):
    class TooLong(bytes):
        def __bytes__(self):
            raise MemoryError

    refused, answered = (called(echo, asked(CONTENT_LENGTH="1"), body) for body in (TooLong(b"x"), b"y"))

    assert (refused.status, dict(refused.headers)["Retry-After"]) == (503, "1")
    assert answered.status == 200


def test_a_long_body_is_refused_by_its_headers_where_others_wait_and_a_short_one_is_not(echo):
    async def scenario():
        dispatch = Dispatch(echo, lanes())
        long = asked(CONTENT_TYPE="image/png")
        before = dispatch.refuses(long, 100_000)
        dispatch._queues[Lane.WORK].waiting.too_long = lambda: 7.0
        answers = []
        refused = dispatch.refuses(long, 100_000)
        dispatch(long, None, answers.append)
        return before, refused, dispatch.refuses(asked(CONTENT_TYPE="image/png"), 100), answers

    before, refused, short, (answer,) = asyncio.run(scenario())

    assert (before, refused, short) == (False, True, False)
    assert answer.status == 503
    assert "7.0 seconds" in json.loads(answer.body)["detail"]


def test_when_many_come_at_once_a_probe_is_answered_before_those_that_would_keep_the_loop(echo, monkeypatch):
    monkeypatch.setattr(dispatch_room, "_ROUND_SECONDS", 0.0)

    @echo.get("/healthz")
    def healthz():
        return "alive"

    async def scenario():
        dispatch, order = Dispatch(echo, lanes()), []
        for number in range(3):
            dispatch(asked(CONTENT_LENGTH="1"), b"x", lambda _answer, number=number: order.append(number))
        dispatch(asked("/healthz", method="GET"), b"", lambda _answer: order.append("probe"))
        monkeypatch.setattr(dispatch_room, "_ROUND_SECONDS", 10.0)
        async with asyncio.timeout(10):
            while len(order) < 4:
                await asyncio.sleep(0)
        return order

    assert asyncio.run(scenario()) == [0, "probe", 1, 2]
