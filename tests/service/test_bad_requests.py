"""Every way to ask wrongly, and the code that answers it."""

import dataclasses
import io
import json
import struct
import zlib

import numpy as np
import pytest

from mlp import errors
from service import errors as service_errors
from tests import pictures
from tests.service.conftest import MAX_BATCH

PNG = pictures.encoded(pictures.a_stroke())
WHITE = pictures.encoded(np.full((200, 200), 255, np.uint8))


def js(**fields):
    return json.dumps(fields)


def images(*items: bytes) -> str:
    return js(images=[pictures.base64_text(item) for item in items])


def huge_png() -> bytes:
    """A few bytes that say they are 100,000 × 100,000 pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def objects_npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    return file.getvalue()


@dataclasses.dataclass
class Bad:
    status: int
    body: bytes | str
    content_type: str | None
    says: str
    query: str = ""
    item: int | None = None


JSON, RAW, NPY = "application/json", "application/octet-stream", "application/x-npy"
FORM = pictures.form(PNG)[1]
ONE = [0] * 784

BAD = {
    "json cut short": Bad(400, '{"pixels": [1, 2', JSON, "not valid JSON"),
    "json empty": Bad(400, "", JSON, "not valid JSON"),
    "json with NaN": Bad(400, '{"pixels": [NaN]}', JSON, "not valid JSON"),
    "json with Infinity": Bad(400, '{"pixels": [Infinity]}', JSON, "not valid JSON"),
    "json not utf-8": Bad(400, b'{"image": "\xff\xfe"}', JSON, "not valid JSON"),
    "json nested too deep": Bad(400, "[" * 100_000, JSON, "not valid JSON"),
    "json is a list": Bad(422, "[1, 2]", JSON, "body"),
    "json without a picture": Bad(422, "{}", JSON, "exactly one"),
    "json with two kinds": Bad(422, js(pixels=ONE, image="aGk="), JSON, "exactly one"),
    "json with an unknown field": Bad(422, js(pixels=ONE, pixelmax=1), JSON, "pixelmax"),
    "pixel_max neither 1 nor 255": Bad(422, js(pixels=ONE, pixel_max=100), JSON, "pixel_max"),
    "pixels null": Bad(422, js(pixels=None), JSON, "number"),
    "pixels a text": Bad(422, js(pixels="0" * 784), JSON, "number"),
    "pixels an object": Bad(422, js(pixels={"a": 1}), JSON, "number"),
    "pixels empty": Bad(422, js(pixels=[]), JSON, "shape"),
    "pixels empty lists": Bad(422, js(pixels=[[], []]), JSON, "shape"),
    "pixels too few": Bad(422, js(pixels=ONE[1:]), JSON, "(783,)"),
    "pixels too many": Bad(422, js(pixels=[*ONE, 0]), JSON, "(785,)"),
    "pixels turned over": Bad(422, js(pixels=np.zeros((14, 56)).tolist()), JSON, "(14, 56)"),
    "pixels four deep": Bad(422, js(pixels=np.zeros((1, 1, 28, 28)).tolist()), JSON, "(1, 1, 28, 28)"),
    "pixels ragged": Bad(422, js(pixels=[ONE, ONE[1:]]), JSON, "item 1", item=1),
    "pixels with a text": Bad(422, js(pixels=[ONE, [*ONE[1:], "x"], ONE]), JSON, "item 1", item=1),
    "pixels with true": Bad(422, js(pixels=[True] * 784), JSON, "number"),
    "pixels with null": Bad(422, js(pixels=[None, *ONE[1:]]), JSON, "number"),
    "pixel below 0": Bad(422, js(pixels=[-1, *ONE[1:]]), JSON, "from 0 to 255"),
    "pixel above 255": Bad(422, js(pixels=[256, *ONE[1:]]), JSON, "from 0 to 255"),
    "pixel above 1": Bad(422, js(pixels=[1.5, *ONE[1:]], pixel_max=1), JSON, "from 0 to 1"),
    "pixel 1e400": Bad(422, '{"pixels": [1e400' + ", 0" * 783 + "]}", JSON, "from 0 to 255"),
    "pixel of a hundred digits": Bad(422, '{"pixels": [' + "9" * 100 + ", 0" * 783 + "]}", JSON, "number"),
    "one pixel of a batch": Bad(422, js(pixels=[ONE, ONE, [300, *ONE[1:]]]), JSON, "item 2", item=2),
    "base64 that is none": Bad(422, js(image="not base64!"), JSON, "base64"),
    "base64 cut short": Bad(422, js(image="abc"), JSON, "base64"),
    "data url without base64": Bad(422, js(image="data:image/png,abc"), JSON, "data: URL"),
    "image a number": Bad(422, js(image=7), JSON, "image"),
    "image empty": Bad(422, js(image=""), JSON, ""),
    "images empty": Bad(422, js(images=[]), JSON, "images"),
    "images with a number": Bad(422, js(images=["aGk=", 7]), JSON, "images.1"),
    "one image of several is no picture": Bad(422, images(PNG, b"hello"), JSON, "item 1", item=1),
    "one image of several is cut short": Bad(422, images(PNG, PNG, PNG[:-60]), JSON, "item 2", item=2),
    "raw empty": Bad(422, b"", RAW, "0 bytes"),
    "raw too short": Bad(422, bytes(783), RAW, "783 bytes"),
    "raw not a multiple": Bad(422, bytes(784 * 2 + 1), RAW, "1569 bytes"),
    "npy that is none": Bad(400, b"hello", NPY, "not a .npy"),
    "npy empty": Bad(400, b"", NPY, "not a .npy"),
    "npy cut short": Bad(400, pictures.npy(np.zeros((28, 28)))[:-1], NPY, "announces"),
    "npy of objects": Bad(400, objects_npy(), NPY, "objects"),
    "npy of texts": Bad(422, pictures.npy(np.full((28, 28), "x")), NPY, "number"),
    "npy of booleans": Bad(422, pictures.npy(np.ones((28, 28), bool)), NPY, "number"),
    "npy complex": Bad(422, pictures.npy(np.ones((28, 28), complex)), NPY, "number"),
    "npy of another shape": Bad(422, pictures.npy(np.zeros((28, 27), np.uint8)), NPY, "(28, 27)"),
    "npy of no picture": Bad(422, pictures.npy(np.zeros((0, 28, 28), np.uint8)), NPY, "(0, 28, 28)"),
    "npy a scalar": Bad(422, pictures.npy(np.float32(1)), NPY, "shape ()"),
    "npy with NaN": Bad(422, pictures.npy(np.full((28, 28), np.nan)), NPY, "found nan"),
    "npy with infinity": Bad(422, pictures.npy(np.full((28, 28), np.inf)), NPY, "found inf"),
    "npy negative": Bad(422, pictures.npy(np.full((2, 784), -1)), NPY, "item 0", item=0),
    "npy up to 1.2": Bad(422, pictures.npy(np.full((28, 28), 1.2)), NPY, "neither"),
    "picture empty": Bad(422, b"", "image/png", ""),
    "picture that is none": Bad(422, b"hello", "image/png", ""),
    "picture a svg": Bad(422, b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/png", ""),
    "png cut short": Bad(422, PNG[: len(PNG) // 2], "image/png", ""),
    "jpeg cut short": Bad(422, pictures.encoded(pictures.a_stroke(), "JPEG")[:-400], "image/jpeg", ""),
    "picture without ink": Bad(422, WHITE, "image/png", "nothing is drawn"),
    "black picture": Bad(422, pictures.encoded(np.zeros((28, 28), np.uint8)), "image/png", "nothing is drawn"),
    "picture too large": Bad(413, huge_png(), "image/png", "pixels"),
    "prepare=none with another size": Bad(422, PNG, "image/png", "28", "?prepare=none"),
    "form without a boundary": Bad(400, b"x", "multipart/form-data", "boundary"),
    "form cut short": Bad(400, pictures.form(PNG)[0][:-40], FORM, "multipart"),
    "form that is none": Bad(400, b"hello", FORM, "multipart"),
    "form empty": Bad(422, b"", FORM, "no file"),
    "form without a file": Bad(422, pictures.form(fields={"image": "7.png"})[0], FORM, "no file"),
    "form with a bad file": Bad(422, pictures.form(PNG, b"hello", PNG)[0], FORM, "item 1", item=1),
    "form with an empty sheet": Bad(422, pictures.form(PNG, PNG, WHITE)[0], FORM, "item 2", item=2),
    "too many raw": Bad(413, bytes(784 * (MAX_BATCH + 1)), RAW, "51 pictures"),
    "too many in json": Bad(413, js(pixels=[ONE] * (MAX_BATCH + 1)), JSON, "51 pictures"),
    "too many images": Bad(413, js(images=["aGk="] * (MAX_BATCH + 1)), JSON, "51 pictures"),
    "too many files": Bad(413, pictures.form(*[b"x"] * (MAX_BATCH + 1))[0], FORM, "50"),
    "body too large": Bad(413, bytes(32 * 2**20 + 1), RAW, "bytes"),
    "no content type": Bad(415, b"x", None, "missing"),
    "curl's default type": Bad(415, b"x", "application/x-www-form-urlencoded", "curl"),
    "unknown content type": Bad(415, b"x", "text/plain", "text/plain"),
    "svg": Bad(415, b"x", "image/svg+xml", "image/svg+xml"),
    "content type that is none": Bad(415, b"x", ";;;", "expected one of"),
    "unknown model": Bad(404, bytes(784), RAW, "letters", "?model=letters"),
    "model outside the store": Bad(404, bytes(784), RAW, "no model", "?model=../digits"),
    "unknown version": Bad(404, bytes(784), RAW, "version 9", "?version=9"),
    "unknown alias": Bad(404, bytes(784), RAW, "shadow", "?version=shadow"),
    "version 0": Bad(404, bytes(784), RAW, "'0'", "?version=0"),
    "version of a thousand digits": Bad(404, bytes(784), RAW, "no version", "?version=" + "1" * 1000),
    "top_k a word": Bad(422, bytes(784), RAW, "top_k", "?top_k=three"),
    "top_k negative": Bad(422, bytes(784), RAW, "top_k", "?top_k=-1"),
    "prepare unknown": Bad(422, bytes(784), RAW, "prepare", "?prepare=maybe"),
    "query given twice": Bad(422, bytes(784), RAW, "2 times", "?version=1&version=2"),
    "query unknown": Bad(422, bytes(784), RAW, "topk", "?topk=3"),
}


def assert_is_problem(response, status):
    """The one shape that every error has."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    problem = response.json
    assert problem["type"] == "about:blank"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == response.headers["X-Request-Id"]
    for place in problem.get("errors", []):
        assert place["loc"][0] in ("query", "body")
        assert place["msg"]
    assert "Traceback" not in response.text
    assert "/mlp/" not in response.text


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_request_is_answered_with_its_code_and_reason(client, bad):
    headers = {"Content-Type": bad.content_type} if bad.content_type else {}

    response = client.post(f"/predict{bad.query}", data=bad.body, headers=headers)

    assert_is_problem(response, bad.status)
    assert bad.says in response.json["detail"]
    if bad.item is not None:
        assert response.json["errors"][0]["loc"][-1] == bad.item


def test_the_table_is_long_enough():
    assert len(BAD) >= 40


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/predict", 405),
        ("PUT", "/predict", 405),
        ("DELETE", "/models", 405),
        ("POST", "/healthz", 405),
        ("GET", "/nothing", 404),
        ("GET", "/models/letters", 404),
        ("GET", "/models/../../etc", 404),
        ("GET", "/models/%2e%2e%2fdigits", 404),
        ("GET", "/models/digits/versions/9", 404),
        ("GET", "/models/digits/versions/shadow", 404),
        ("GET", "/models/letters/versions/1", 404),
    ],
)
def test_a_wrong_path_or_method_is_a_problem_too(client, method, path, status):
    response = client.open(path, method=method)

    assert_is_problem(response, status)
    if status == 405:
        assert response.headers["Allow"]


@pytest.mark.parametrize("accept", ["text/html", "image/png, text/*", "application/xml;q=0.9", "nonsense"])
def test_a_client_that_accepts_no_json_gets_406(client, accept):
    assert_is_problem(client.get("/models", headers={"Accept": accept}), 406)


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/*", "text/html, */*;q=0.1", ""])
def test_a_client_that_accepts_json_among_others_is_answered(client, accept):
    assert client.get("/models", headers={"Accept": accept}).status_code == 200


def test_a_compressed_body_is_415(client):
    response = client.post(
        "/predict", data=zlib.compress(bytes(784)), headers={"Content-Type": RAW, "Content-Encoding": "deflate"}
    )

    assert_is_problem(response, 415)


def test_our_own_fault_is_500_without_details_and_the_log_has_them(client, monkeypatch, caplog):
    from mlp.version import Version

    def broken(self, pixels):
        raise RuntimeError("a secret")

    monkeypatch.setattr(Version, "scores", broken)

    response = client.post("/predict", data=bytes(784), content_type=RAW)

    assert_is_problem(response, 500)
    assert "secret" not in response.text
    assert "a secret" in caplog.text


def leaves(kind):
    children = kind.__subclasses__()
    return [leaf for child in children for leaf in leaves(child)] if children else [kind]


@pytest.mark.parametrize("kind", [*leaves(errors.MlpError), *leaves(service_errors.RequestError)])
def test_every_error_of_a_request_has_a_status_in_the_table(kind):
    in_table = [ancestor for ancestor in kind.__mro__ if ancestor in service_errors.STATUS]

    assert in_table or kind is service_errors.BadItem or kind.__module__.startswith("training")
