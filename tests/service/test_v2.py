"""The Open Inference Protocol: what is asked, what is answered, and what is refused."""

import gzip
import json
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

import mlp
from service.app import create_app
from service.settings import Settings
from service.v2 import plain, schemas
from tests import pictures
from tests.drafts import make_draft
from tests.service.conftest import MAX_BATCH

LENGTH = "Inference-Header-Content-Length"
INFER = "/v2/models/digits/infer"


def tensor(array, datatype="UINT8", **more):
    return {"name": "images", "shape": list(array.shape), "datatype": datatype, "data": array.tolist(), **more}


def message(*inputs, **more):
    return {"inputs": list(inputs), **more}


def post(client, body, path=INFER, **headers):
    """Without a content type, as some clients do."""
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    return client.post(path, data=data, headers={name.replace("_", "-"): value for name, value in headers.items()})


def post_binary(client, head, *tensors, path=INFER, **headers):
    text = json.dumps(head).encode()
    return post(client, text + b"".join(tensors), path, **{LENGTH: str(len(text)), **headers})


def binary(array, datatype="UINT8", **more):
    return {
        "name": "images",
        "shape": list(array.shape),
        "datatype": datatype,
        "parameters": {"binary_data_size": array.nbytes, **more},
    }


def elements(*items: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(item)) + item for item in items)


def read(response):
    """The answer's outputs by name: lists from JSON, arrays and texts from binary tensors."""
    assert response.status_code == 200, response.text
    length = response.headers.get(LENGTH)
    head = json.loads(response.data[: int(length)] if length else response.data)
    schemas.InferResponse.model_validate(head)
    found, at = {}, int(length or 0)
    for output in head["outputs"]:
        size = output.get("parameters", {}).get("binary_data_size")
        if size is None:
            found[output["name"]] = np.array(output["data"]).reshape(output["shape"])
            continue
        data, at = response.data[at : at + size], at + size
        found[output["name"]] = values(data, output)
    assert at == (len(response.data) if length else 0)
    return found


def values(data, output):
    if output["datatype"] != "BYTES":
        dtype = {"FP32": "<f4", "UINT8": "u1", "INT64": "<i8"}[output["datatype"]]
        return np.frombuffer(data, dtype).reshape(output["shape"])
    texts = []
    while data:
        (length,) = struct.unpack_from("<I", data)
        texts.append(data[4 : 4 + length].decode())
        data = data[4 + length :]
    return np.array(texts).reshape(output["shape"])


def check(found, expected):
    best = expected.argmax(axis=1)
    assert list(found) == ["scores", "one_hot", "index", "label"]
    np.testing.assert_allclose(found["scores"], expected, atol=1e-6)
    np.testing.assert_array_equal(found["one_hot"], np.eye(10)[best])
    np.testing.assert_array_equal(found["index"], best)
    np.testing.assert_array_equal(found["label"], best.astype(str))


@pytest.mark.parametrize("dtype", ["u1", "<u2", "<u4", "<u8", "<i2", "<i4", "<i8", "<f2", "<f4", "<f8"])
@pytest.mark.parametrize("shape", [(3, 28, 28), (3, 784)])
def test_binary_tensors_of_every_number_type_give_the_offline_scores(client, digits, expected, dtype, shape):
    name = {"u": "UINT", "i": "INT", "f": "FP"}[np.dtype(dtype).kind] + str(8 * np.dtype(dtype).itemsize)
    array = digits.reshape(shape).astype(dtype)

    check(read(post_binary(client, message(binary(array, name)), array.tobytes())), expected)


@pytest.mark.parametrize("dtype", ["<f4", "<f8"])
def test_floats_up_to_one_are_scaled(client, digits, expected, dtype):
    array = (digits / 255).astype(dtype)
    name = {4: "FP32", 8: "FP64"}[array.itemsize]

    check(read(post_binary(client, message(binary(array, name)), array.tobytes())), expected)
    check(read(post(client, message(tensor(array, name)))), expected)


def test_pixel_max_says_the_scale_where_the_values_do_not(client, published):
    dark = np.ones((1, 28, 28), np.float32)

    found = read(post(client, message(tensor(dark, "FP32"), parameters={"pixel_max": 255})))

    np.testing.assert_allclose(found["scores"], published.read("digits", 1).scores(dark), atol=1e-6)


@pytest.mark.parametrize("shape", [(3, 28, 28), (3, 784)])
def test_json_tensors_may_be_nested_or_flat(client, digits, expected, shape):
    array = digits.reshape(shape)

    check(read(post(client, message(tensor(array)))), expected)
    check(read(post(client, message(tensor(array, data=array.ravel().tolist())))), expected)


@pytest.mark.parametrize(
    ("array", "datatype"),
    [
        (np.arange(1568).reshape(2, 28, 28) % 256, "UINT8"),
        (np.arange(1568).reshape(2, 784) % 256, "FP32"),
        (np.arange(1568).reshape(2, 784) / 1568, "FP64"),
        (-np.arange(1568).reshape(2, 784), "FP32"),
    ],
)
def test_numbers_are_read_without_lists_and_are_the_same(array, datatype):
    asked = message(tensor(array, datatype, parameters={"a": [1]}), id="abc", outputs=[{"name": "index"}])

    found = plain.read(json.dumps(asked).encode())

    np.testing.assert_array_equal(found.inputs[0].data, array.ravel())
    assert found.inputs[0].parameters == {"a": [1]}
    assert (found.id, found.inputs[0].shape, found.outputs[0].name) == ("abc", list(array.shape), "index")


def test_encoded_pictures_come_as_bytes_and_in_base64(client, digits, expected):
    pngs = [pictures.encoded(picture) for picture in digits]
    data = elements(*pngs)
    head = {"name": "images", "shape": [3], "datatype": "BYTES"}

    check(read(post_binary(client, message({**head, "parameters": {"binary_data_size": len(data)}}), data)), expected)
    texts = [pictures.base64_text(png) for png in pngs]
    check(read(post(client, message({**head, "data": texts, "parameters": {"content_type": "base64"}}))), expected)
    check(read(post(client, message({**head, "shape": [3, 1], "data": [[text] for text in texts]}))), expected)


def test_pictures_are_prepared_unless_that_is_declined(client, published):
    picture = np.full((28, 28), 255, np.uint8)
    picture[2:9, 3:5] = 10
    data = [pictures.base64_text(pictures.encoded(picture))]
    asked = {"name": "images", "shape": [1], "datatype": "BYTES", "data": data}

    prepared = read(post(client, message(asked)))
    as_it_is = read(post(client, message(asked, parameters={"prepare": "none"})))

    np.testing.assert_allclose(as_it_is["scores"], published.read("digits", 1).scores(picture[np.newaxis]), atol=1e-6)
    assert np.abs(prepared["scores"] - as_it_is["scores"]).max() > 0.01


def test_a_header_of_zero_makes_the_body_the_input_and_the_outputs_binary(client, digits, expected):
    response = post(client, digits[:1].tobytes(), **{LENGTH: "0"})

    assert response.content_type == "application/octet-stream"
    check(read(response), expected[:1])
    png = pictures.encoded(digits[0])
    check(read(post(client, png, Content_Type="image/png", **{LENGTH: "0"})), expected[:1])


def test_an_answer_without_binary_tensors_is_json(client, digits):
    response = post(client, message(tensor(digits), id="abc"))

    assert response.content_type == "application/json"
    assert LENGTH not in response.headers
    assert (response.json["model_name"], response.json["model_version"], response.json["id"]) == ("digits", "1", "abc")
    assert [(o["name"], o["datatype"], o["shape"]) for o in response.json["outputs"]] == [
        ("scores", "FP32", [3, 10]),
        ("one_hot", "UINT8", [3, 10]),
        ("index", "INT64", [3]),
        ("label", "BYTES", [3]),
    ]


def test_an_output_says_by_itself_whether_it_is_binary_and_else_the_request_does(client, digits):
    outputs = [{"name": "label"}, {"name": "scores", "parameters": {"binary_data": False}}]

    response = post(client, message(tensor(digits), outputs=outputs, parameters={"binary_data_output": True}))

    head = json.loads(response.data[: int(response.headers[LENGTH])])
    assert [(o["name"], "data" in o) for o in head["outputs"]] == [("label", False), ("scores", True)]
    assert list(read(response)) == ["label", "scores"]


@pytest.mark.parametrize("is_binary", [False, True])
def test_classification_names_the_best_classes(client, digits, expected, is_binary):
    outputs = [{"name": "scores", "parameters": {"classification": 2, "binary_data": is_binary}}]

    found = read(post(client, message(tensor(digits), outputs=outputs)))["scores"]

    best = np.argsort(-expected, axis=1)[:, :2]
    wanted = [[f"{row[index]:f}:{index}:{index}" for index in order] for row, order in zip(expected, best, strict=True)]
    assert found.tolist() == wanted


def test_classification_gives_no_more_classes_than_there_are(client, digits):
    outputs = [{"name": "one_hot", "parameters": {"classification": 99}}]

    found = read(post(client, message(tensor(digits), outputs=outputs)))["one_hot"]

    assert found.shape == (3, 10)
    assert found[0, 0].startswith("1.000000:")


def test_labels_of_different_lengths_are_told_apart_in_binary(tmp_path):
    from mlp.local_store import LocalStore

    store = LocalStore(tmp_path)
    draft = make_draft("leaves", labels=("birch", "ash", "Erle"))
    draft.publish(store)
    store.promote("leaves", 1)
    client = create_app(Settings(models=tmp_path)).test_client()

    found = read(post(client, draft.golden_inputs.tobytes(), "/v2/models/leaves/infer", **{LENGTH: "0"}))

    best = store.read("leaves", 1).scores(draft.golden_inputs).argmax(axis=1)
    assert found["label"].tolist() == [("birch", "ash", "Erle")[index] for index in best]


@pytest.mark.parametrize(("reference", "version"), [("1", "1"), ("2", "2"), ("production", "1")])
def test_a_version_in_the_path_is_a_number_or_an_alias(client, digits, reference, version):
    response = post(client, message(tensor(digits)), f"/v2/models/digits/versions/{reference}/infer")

    assert response.json["model_version"] == version
    assert response.headers["X-Model-Version"] == version


def test_answers_name_what_answered_as_those_of_predict_do(client, digits):
    response = post(client, message(tensor(digits)), X_Request_Id="abc-1")

    names = ("X-Request-Id", "X-Model-Name", "X-Model-Version", "X-Model-Generation")
    assert [response.headers[name] for name in names] == ["abc-1", "digits", "1", "1"]


def test_without_flask_s_dispatch_the_answer_is_the_same(app, client, digits):
    """As a server asks first."""
    body = digits.tobytes()
    direct, headers = app.extensions["infer"].direct, {LENGTH: "0", "X-Request-Id": "abc-1"}
    for path in (INFER, "/v2/models/digits/versions/2/infer/"):
        asked = EnvironBuilder(path=path, method="POST", headers=headers).get_environ()

        answer, response = direct(asked, memoryview(body)), client.post(path, data=body, headers=headers)

        assert (answer.status, answer.body) == (200, response.data)
        assert dict(answer.headers) == dict(response.headers)
    for path, method in (("/v2/models/digits", "POST"), (INFER, "GET"), ("/predict", "POST")):
        assert direct(EnvironBuilder(path=path, method=method).get_environ(), b"") is None


def test_traffic_is_split_by_the_client_s_key_as_that_of_predict_is(published, digits):
    published.promote("digits", 2, "candidate")
    published.set_traffic("digits", {"candidate": 0.5})
    client = create_app(Settings(models=published.root)).test_client()

    def answered(path, body, key):
        return client.post(
            path, data=body, headers={"X-Client-Key": key, "Content-Type": "application/octet-stream", LENGTH: "0"}
        ).headers["X-Model-Version"]

    keys = [f"client-{number}" for number in range(20)]
    by_infer = [answered(INFER, digits.tobytes(), key) for key in keys]
    by_predict = [answered("/predict", digits.tobytes(), key) for key in keys]
    assert by_infer == by_predict
    assert set(by_infer) == {"1", "2"}


def test_the_shadow_is_asked_the_same(published, digits):
    published.promote("digits", 2, "shadow")
    app = create_app(Settings(models=published.root))
    app.extensions["live"].join(1)

    post(app.test_client(), message(tensor(digits))).close()

    assert app.extensions["shadow"].compare_next(0)
    assert app.test_client().get("/models/digits").json["shadow"]["pictures"] == 3


@pytest.mark.parametrize(
    ("way", "packed"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("x-gzip", gzip.compress)]
)
def test_a_compressed_request_is_read_and_its_header_counts_what_was_compressed(client, digits, expected, way, packed):
    text = json.dumps(message(binary(digits))).encode()

    response = post(client, packed(text + digits.tobytes()), Content_Encoding=way, **{LENGTH: str(len(text))})

    check(read(response), expected)


@pytest.mark.parametrize(("way", "unpacked"), [("gzip", gzip.decompress), ("deflate", zlib.decompress)])
def test_an_answer_is_compressed_for_whoever_accepts_that(client, mnist_test, way, unpacked):
    body = mnist_test[0][:40].tobytes()
    plain = post(client, body, **{LENGTH: "0"})

    response = post(client, body, Accept_Encoding=f"br, {way}", **{LENGTH: "0"})

    assert response.headers["Content-Encoding"] == way
    assert unpacked(response.data) == plain.data
    assert response.headers[LENGTH] == plain.headers[LENGTH]


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0, deflate;q=0"])
def test_an_answer_is_not_compressed_for_others(client, mnist_test, accepted):
    response = post(client, mnist_test[0][:40].tobytes(), Accept_Encoding=accepted, **{LENGTH: "0"})

    assert "Content-Encoding" not in response.headers
    assert read(response)["scores"].shape == (40, 10)


def test_a_client_that_accepts_binary_only_is_answered(client, digits):
    response = post(client, digits.tobytes(), Accept="application/octet-stream", **{LENGTH: "0"})

    assert response.status_code == 200


def test_fields_that_nobody_knows_and_null_are_passed_over(client, digits, expected):
    """As the models of MLServer and KServe dump themselves."""
    given = tensor(digits, parameters=None, more=1)

    check(read(post(client, message(given, id=None, parameters=None, outputs=None, model_name="digits"))), expected)


PNG = pictures.base64_text(pictures.encoded(pictures.a_stroke()))
ONE = np.zeros((1, 28, 28), np.uint8)
TEXTS = {"name": "images", "shape": [2], "datatype": "BYTES"}

BAD = {
    "not JSON": (400, "{", "not valid JSON"),
    "empty": (400, "", "not valid JSON"),
    "nested too deep": (400, '{"inputs":' + "[" * 10_000, "not valid JSON"),
    "a list": (400, [1], "body"),
    "no inputs": (400, {}, "inputs"),
    "no input": (400, message(), "inputs"),
    "two inputs": (400, message(tensor(ONE), tensor(ONE)), "exactly one input"),
    "another input": (400, message({**tensor(ONE), "name": "x"}), "'x'"),
    "no shape": (400, message({"name": "images", "datatype": "UINT8", "data": []}), "shape"),
    "a shape below zero": (400, message({**tensor(ONE), "shape": [-1, 28, 28]}), "shape"),
    "a shape of another size": (400, message({**tensor(ONE), "shape": [1, 14, 56]}), "(1, 14, 56)"),
    "a shape without pictures": (400, message({**tensor(ONE), "shape": [28, 28]}), "(28, 28)"),
    "an empty shape": (400, message({**tensor(ONE), "shape": []}), "shape ()"),
    "no pictures": (400, message({**tensor(ONE), "shape": [0, 28, 28]}), "n ≥ 1"),
    "a huge shape": (413, message({**tensor(ONE), "shape": [10**12, 28, 28]}), "pictures in one request"),
    "too many pictures": (413, message(tensor(np.zeros((MAX_BATCH + 1, 784)))), "pictures in one request"),
    "data that does not fill the shape": (400, message({**tensor(ONE), "shape": [2, 28, 28]}), "784 values"),
    "no data": (400, message({**tensor(ONE), "data": None}), "number"),
    "ragged data": (400, message({**tensor(ONE), "data": [[1], [1, 2]]}), "different lengths"),
    "text for numbers": (400, message({**tensor(ONE), "data": ["a"] * 784}), "number"),
    "true for numbers": (400, message({**tensor(ONE), "data": [True] * 784}), "number"),
    "an object": (400, message({**tensor(ONE), "data": {"a": 1}}), "number"),
    "a value above 255": (400, message(tensor(ONE + np.int64(256))), "from 0 to 255"),
    "a value below 0": (400, message(tensor(ONE - np.int64(1), "INT8")), "from 0 to 255"),
    "a huge value": (400, message({**tensor(ONE), "data": [10**30] * 784}), "number"),
    "fractions as UINT8": (400, message({**tensor(ONE), "data": [0.5] * 784}), "FP32"),
    "NaN": (400, message({**tensor(ONE, "FP32"), "data": [float("nan")] * 784}), "from 0 to"),
    "neither scale": (400, message(tensor(ONE + np.float32(1.5), "FP32")), "neither a scale"),
    "FP16 in JSON": (400, message(tensor(ONE, "FP16")), "FP16"),
    "an unknown datatype": (400, message(tensor(ONE, "BF16")), "BF16"),
    "BOOL": (400, message(tensor(ONE, "BOOL")), "BOOL"),
    "an unknown output": (400, message(tensor(ONE), outputs=[{"name": "x"}]), "'x'"),
    "an output twice": (400, message(tensor(ONE), outputs=[{"name": "index"}] * 2), "twice"),
    "classes of an index": (
        400,
        message(tensor(ONE), outputs=[{"name": "index", "parameters": {"classification": 1}}]),
        "classification",
    ),
    "classes below 1": (
        400,
        message(tensor(ONE), outputs=[{"name": "scores", "parameters": {"classification": 0}}]),
        "classification",
    ),
    "binary_data no boolean": (
        400,
        message(tensor(ONE), outputs=[{"name": "scores", "parameters": {"binary_data": 1}}]),
        "binary_data",
    ),
    "a reserved parameter": (400, message(tensor(ONE), parameters={"triton_x": 1}), "triton_"),
    "prepare neither": (400, message(tensor(ONE), parameters={"prepare": "x"}), "prepare"),
    "pixel_max neither": (400, message(tensor(ONE), parameters={"pixel_max": 100}), "pixel_max"),
    "pixel_max true": (400, message(tensor(ONE), parameters={"pixel_max": True}), "pixel_max"),
    "binary without the header": (400, message(binary(ONE)), LENGTH),
    "shared memory": (
        501,
        message({**tensor(ONE), "parameters": {"shared_memory_region": "a"}}),
        "shared memory",
    ),
    "fewer texts than the shape says": (400, message({**TEXTS, "data": [PNG]}), "2 texts"),
    "numbers for texts": (400, message({**TEXTS, "data": [1, 2]}), "2 texts"),
    "not base64": (400, message({**TEXTS, "data": [PNG, "!"]}), "data.1"),
    "one of two no picture": (400, message({**TEXTS, "data": [PNG, "aGVsbG8="]}), "item 1"),
    "pictures in a grid": (400, message({**TEXTS, "shape": [1, 2], "data": [PNG, PNG]}), "(1, 2)"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_request_gets_its_status_and_an_error_that_says_why(client, case):
    status, body, says = BAD[case]

    response = post(client, body)

    assert response.status_code == status, response.text
    assert response.content_type == "application/json"
    assert list(response.json) == ["error"]
    assert says in response.json["error"]


BAD_BINARY = {
    "header no number": (b"{}", "x", LENGTH),
    "header below zero": (b"{}", "-1", LENGTH),
    "header too long": (b"{}", "3", LENGTH),
    "header of too many digits": (b"{}", "9" * 5000, LENGTH),
    "header not ASCII": (b"{}", "²", LENGTH),
    "nothing as raw input": (b"", "0", "0 bytes"),
    "raw input of another size": (bytes(785), "0", "785 bytes"),
}


@pytest.mark.parametrize("case", BAD_BINARY)
def test_a_bad_header_is_400_and_says_why(client, case):
    body, header, says = BAD_BINARY[case]

    response = client.post(INFER, data=body, headers={LENGTH: header.encode().decode("latin-1")})

    assert response.status_code == 400
    assert says in response.json["error"]


@pytest.mark.parametrize(
    ("size", "behind", "says"),
    [
        (784, 785, "785 bytes are behind"),
        (784, 783, "783 bytes are behind"),
        ("784", 784, "'784'"),
        (785, 785, "785 bytes"),
    ],
)
def test_binary_tensors_must_fill_the_body(client, size, behind, says):
    head = message({**binary(ONE), "parameters": {"binary_data_size": size}})

    response = post_binary(client, head, bytes(behind))

    assert response.status_code == 400
    assert says in response.json["error"]


def test_bytes_behind_a_request_whose_data_is_in_the_json_are_refused(client):
    response = post_binary(client, message(tensor(ONE)), b"x")

    assert response.status_code == 400
    assert "no input has binary_data_size" in response.json["error"]


def test_data_in_both_places_is_refused(client):
    response = post_binary(client, message({**binary(ONE), "data": [1]}), bytes(784))

    assert response.status_code == 400
    assert "in the JSON, too" in response.json["error"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\1\0\0", "inside the length"),
        (struct.pack("<I", 99) + b"abc", "96 bytes are missing"),
        (elements(b"a"), "1 elements"),
        (elements(b"a", b"b", b"c"), "more than 2"),
    ],
)
def test_a_broken_tensor_of_texts_is_400(client, data, says):
    response = post_binary(client, message({**TEXTS, "parameters": {"binary_data_size": len(data)}}), data)

    assert response.status_code == 400
    assert says in response.json["error"]


@pytest.mark.parametrize(
    ("way", "body", "status", "says"),
    [
        ("gzip", b"hello", 400, "not gzip"),
        ("deflate", gzip.compress(b"{}"), 400, "not deflate"),
        ("gzip", gzip.compress(bytes(9000))[:-4], 400, "cut short"),
        ("gzip", b"", 400, "cut short"),
        ("gzip", gzip.compress(b"{}") + b"more", 400, "behind its end"),
        ("br", b"{}", 415, "br"),
        ("gzip, deflate", b"{}", 415, "one at a time"),
    ],
)
def test_a_body_that_is_not_what_its_encoding_says_is_refused(client, way, body, status, says):
    response = post(client, body, Content_Encoding=way)

    assert response.status_code == status
    assert says in response.json["error"]


def test_a_body_that_would_grow_over_the_limit_is_413_whatever_it_would_grow_to(published):
    client = create_app(Settings(models=published.root, max_body_bytes=100_000)).test_client()

    response = post(client, gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")

    assert response.status_code == 413
    assert "100000 bytes when it is decompressed" in response.json["error"]


def test_a_body_over_the_limit_is_413(published):
    client = create_app(Settings(models=published.root, max_body_bytes=100)).test_client()

    response = post(client, bytes(784), **{LENGTH: "0"})

    assert response.status_code == 413
    assert list(response.json) == ["error"]


def test_whatever_a_client_sends_is_no_500(client):
    """Parts of a right request replaced by others, and its bytes changed."""
    head = json.dumps(message(binary(ONE), outputs=[{"name": "scores", "parameters": {"classification": 3}}])).encode()

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def sent(data):
        body = bytearray(head + ONE.tobytes())
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(head) - 1))
            body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        length = data.draw(st.integers(0, len(body)) | st.just(len(head)))

        assert post(client, bytes(body), **{LENGTH: str(length)}).status_code in (200, 400, 413, 501)

    sent()


@pytest.mark.parametrize("slash", ["", "/"])
def test_every_path_answers_with_and_without_a_slash_at_its_end(client, slash):
    for path in (
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models",
        "/v2/models/digits",
        "/v2/models/digits/ready",
        "/v2/models/digits/config",
        "/v2/models/digits/stats",
        "/v2/models/stats",
        "/v2/models/digits/versions/2",
        "/v2/models/digits/versions/2/ready",
        "/v2/models/digits/versions/2/config",
        "/v2/models/digits/versions/1/stats",
    ):
        assert client.get(path + slash).status_code == 200, path
    assert post(client, message(tensor(ONE)), INFER + slash).status_code == 200
    assert post(client, "", "/v2/repository/index" + slash).status_code == 200


@pytest.mark.parametrize(
    "path", ["/v2/nothing", "/v2/models/nothing", "/v2/models/digits/versions/9", "/v2/models/digits/versions/x/ready"]
)
def test_what_is_not_there_is_404_in_the_protocol_s_form(client, path):
    response = client.get(path)

    assert (response.status_code, response.content_type) == (404, "application/json")
    assert list(response.json) == ["error"]


def test_a_wrong_method_is_405_in_the_protocol_s_form(client):
    response = client.get(INFER)

    assert (response.status_code, list(response.json)) == (405, ["error"])
    assert "POST" in response.headers["Allow"]


def test_metadata_and_configuration_describe_the_same_tensors(client):
    metadata = schemas.ModelMetadata.model_validate(client.get("/v2/models/digits").json)
    config = schemas.ModelConfig.model_validate(client.get("/v2/models/digits/config").json)

    assert metadata.versions == ["1", "2"]
    assert [one.shape for one in (*metadata.inputs, *metadata.outputs)] == [
        [-1, *one.dims] for one in (*config.input, *config.output)
    ]
    assert config.max_batch_size == MAX_BATCH


def test_the_server_names_the_project_s_version(client):
    found = client.get("/v2").json

    assert (found["name"], found["version"]) == ("mlp", mlp.__version__)


def test_nothing_in_production_is_not_ready(published):
    published.set_rule("digits", None)
    (published.root / "digits" / "aliases.json").unlink()
    client = create_app(Settings(models=published.root)).test_client()

    response = client.get("/v2/health/ready")

    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert client.get("/v2/health/live").json == {"live": True}
    assert client.get("/v2/models/digits/ready").status_code == 404
    assert client.get("/v2/models/digits/versions/1/ready").json == {"name": "digits", "ready": True}


def test_statistics_count_pictures_requests_and_failures_by_version(client, digits):
    for _ in range(2):
        post(client, message(tensor(digits)))
    post(client, message(tensor(digits[:1])), "/v2/models/digits/versions/2/infer")
    post(client, message(tensor(ONE + np.int64(999))))
    client.post("/v1/models/digits:predict", json={"instances": digits.tolist()})

    first, second = schemas.AllStatistics.model_validate(client.get("/v2/models/stats").json).model_stats

    assert (first.version, first.inference_count, first.execution_count) == ("1", 9, 3)
    assert (second.version, second.inference_count, second.execution_count) == ("2", 1, 1)
    stats = first.inference_stats
    assert (stats.success.count, stats.fail.count) == (3, 1)
    parts = (stats.compute_input, stats.compute_infer, stats.compute_output)
    assert all(part.count == 3 and part.ns > 0 for part in parts)
    assert stats.success.ns == sum(part.ns for part in parts)
    assert first.last_inference > 1_700_000_000_000
    assert client.get("/v2/models/digits/versions/production/stats").json["model_stats"][0]["version"] == "1"
