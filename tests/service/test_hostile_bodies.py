"""Bodies and queries that cost a service more than they cost their sender: refused before that cost is paid."""

import asyncio
import gc
import io
import json
import time

import numpy as np
import pytest
from PIL import Image

from service import aside, multipart
from service.app import create_app
from service.dispatch import Dispatch
from service.errors import MalformedBody
from service.lanes import Lane, Lanes
from service.settings import Settings
from tests import pictures
from tests.service.test_bad_requests import assert_is_problem

JSON = {"Content-Type": "application/json"}

SECONDS = 2.0
"""Of processor time; each of these took far longer once."""


@pytest.fixture
def quick():
    gc.collect()
    gc.freeze()  # else what other tests have left in this process would be looked through, time and again
    begun = time.process_time()
    yield
    assert time.process_time() - begun < SECONDS


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/predict", "pixels"),
        ("/v1/models/digits:predict", "instances"),
        ("/invocations", "inputs"),
    ],
)
def test_short_texts_beside_a_long_one_do_not_become_an_array(client, path, name):
    """As an array of NumPy's, each of them would take as much memory as the longest."""
    body = json.dumps({name: [0, *["x"] * 40, "x" * 4_000_000]})

    response = client.post(path, data=body, headers=JSON)

    assert response.status_code in (400, 422)


@pytest.mark.usefixtures("quick")
def test_short_cells_beside_a_long_one_do_not_become_an_array(client):
    body = "a,b\n" + "1," * 10_000 + "1" * 4_000_000 + "\n"

    assert client.post("/invocations", data=body, content_type="text/csv").status_code == 400


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/predict", "images"),
        ("/v2/models/digits/infer", "inputs"),
        ("/invocations", "dataframe_records"),
        ("/predict", "pixels"),
    ],
)
def test_of_a_million_wrong_items_one_is_named(client, path, name):
    body = b'{"%s": [%s]}' % (name.encode(), b",".join([b"[]"] * 1_000_000))

    response = client.post(path, data=body, headers=JSON)

    assert response.status_code in (400, 422)
    assert len(response.data) < 2000


@pytest.mark.usefixtures("quick")
def test_of_many_unknown_fields_none_is_named(client):
    response = client.post("/predict", data=json.dumps(dict.fromkeys(map(str, range(200_000)), 0)), headers=JSON)

    assert_is_problem(response, 422)
    assert "200000 fields" in response.json["detail"]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("path", ["/predict", "/explain"])
def test_a_query_of_many_fields_is_refused(client, path):
    query = "&".join(f"a{number}" for number in range(20_000))

    assert_is_problem(client.post(f"{path}?{query}", data=bytes(784), content_type="application/octet-stream"), 422)


LONG = {
    "headers": b"--b\r\n" + b"X:\r\n" * 2_000_000 + b"\r\n\r\n--b--",
    "a header": b"--b\r\nX: " + b"x" * 20_000_000 + b"\r\n\r\n\r\n--b--",
    "boundaries": b"--b\r\n" * 4_000_000,
    "line breaks": b"\r\n" * 10_000_000,
    "almost boundaries": b"\r\n-" * 6_000_000,
}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("body", LONG.values(), ids=LONG)
def test_a_form_of_headers_without_end_is_refused(body):
    with pytest.raises(MalformedBody, match="16384 bytes"):
        multipart.files(body, "multipart/form-data; boundary=b", max_parts=10)


def test_a_large_file_with_boundaries_alike_is_no_matter_of_headers():
    content = b"--frontierless\n\n" * 5000 + b"\n--bb" + b"x" * 50_000
    body, content_type = pictures.form(content, content, boundary="b")

    assert multipart.files(body, content_type, max_parts=10) == [content, content]


def a_blank(side, form="PNG"):
    file = io.BytesIO()
    Image.new("1", (side, side)).save(file, form)
    return file.getvalue()


def test_the_pictures_of_a_request_have_a_limit_together(published):
    client = create_app(Settings(models=published.root, max_image_pixels=40_000)).test_client()
    body, content_type = pictures.form(*[pictures.encoded(pictures.a_stroke())] * 11)  # of 32,000 pixels each

    assert_is_problem(client.post("/predict", data=body, content_type=content_type), 413)


def dispatched(app, body, content_type):
    """How a request is answered by what a server's workers run: at once on the loop, or in a thread."""
    lanes, seen = Lanes(app.extensions["settings"], app.extensions["admins"]), []
    dispatch = Dispatch(app, lanes, app.extensions["predict"].direct)
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/predict", "QUERY_STRING": "", "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)), "SERVER_NAME": "x", "SERVER_PORT": "1", "wsgi.url_scheme": "http",
    }  # fmt: skip
    assert lanes.lane(environ, len(body), body) is Lane.LOOP
    dispatch._queues[Lane.WORK].put = lambda answer, answered: (seen.append("thread"), answered(answer()))

    async def within():
        dispatch(environ, body, lambda answer: seen.append(answer.status))

    asyncio.run(within())
    return seen


def test_a_few_bytes_that_are_a_large_picture_do_not_keep_the_loop_waiting(app):
    large = a_blank(1200)
    assert len(large) < 2000

    app.extensions["settings"].__dict__["max_image_pixels"] = 10_000_000
    assert dispatched(app, large, "image/png") == ["thread", 422]
    assert dispatched(app, pictures.encoded(pictures.a_stroke()), "image/png") == [200]


def test_pictures_that_have_taken_long_are_gone_on_with_in_a_thread(app, monkeypatch):
    monkeypatch.setattr(aside, "MOST_SECONDS", 0)
    body, content_type = pictures.form(*[pictures.encoded(pictures.a_stroke())] * 3)

    assert dispatched(app, body, content_type) == ["thread", 200]


def test_in_a_thread_nothing_is_put_aside():
    aside.check(10**9, 10**9)


def test_what_is_behind_chunks_is_not_kept():
    from service.connection import Connection

    connection = Connection.__new__(Connection)
    connection._in_head, connection._headers = False, []
    connection.on_header(b"X", b"y")

    assert connection._headers == []


def test_an_array_of_numbers_is_what_it_was(client):
    """The checks before it change nothing for what is right."""
    for pixels in ([0.5] * 784, np.zeros((28, 28), int).tolist(), [[0] * 784] * 3, [[[1] * 28] * 28] * 2):
        body = json.dumps({"pixels": pixels, "pixel_max": 1})
        assert client.post("/predict", data=body, headers=JSON).status_code == 200
