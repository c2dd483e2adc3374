"""TF Serving's and KServe's first protocol, and MLflow's."""

import gzip
import json

import numpy as np
import pytest

from service.app import create_app
from service.settings import Settings
from tests import pictures
from tests.service.conftest import MAX_BATCH

PREDICT = "/v1/models/digits:predict"


def b64(picture):
    return pictures.base64_text(pictures.encoded(picture))


def scores(response):
    assert response.status_code == 200, response.text
    return [row["scores"] for row in response.json["predictions"]]


ROWS = {
    "rows": lambda d: d.tolist(),
    "flat": lambda d: d.reshape(len(d), -1).tolist(),
    "fractions": lambda d: (d / 255).tolist(),
    "named": lambda d: [{"images": picture.tolist()} for picture in d],
    "base64": lambda d: [{"b64": b64(picture)} for picture in d],
    "named base64": lambda d: [{"images": {"b64": b64(picture)}} for picture in d],
    "texts": lambda d: [b64(picture) for picture in d],
}


@pytest.mark.parametrize("form", ROWS)
@pytest.mark.parametrize("path", [PREDICT, "/invocations"])
def test_instances_give_the_offline_scores(client, digits, expected, form, path):
    response = client.post(path, json={"instances": ROWS[form](digits)})

    np.testing.assert_allclose(scores(response), expected, atol=1e-6)
    assert response.headers["X-Model-Version"] == "1"


@pytest.mark.parametrize("named", [False, True])
def test_inputs_are_answered_by_columns(client, digits, expected, named):
    inputs = digits.tolist()

    found = client.post(PREDICT, json={"inputs": {"images": inputs} if named else inputs}).json["outputs"]

    best = expected.argmax(axis=1)
    np.testing.assert_allclose(found["scores"], expected, atol=1e-6)
    assert found["one_hot"] == np.eye(10, dtype=int)[best].tolist()
    assert found["index"] == best.tolist()
    assert found["label"] == [str(index) for index in best]


def test_a_prediction_names_what_was_read(client, digits, expected):
    prediction = client.post(PREDICT, json={"instances": digits[:1].tolist()}).json["predictions"][0]

    assert prediction["label"] == str(expected[0].argmax())
    assert prediction["confidence"] == pytest.approx(expected[0].max(), abs=1e-6)


@pytest.mark.parametrize(
    ("path", "version"),
    [("versions/2", 2), ("versions/production", 1), ("labels/production", 1)],
)
def test_a_version_is_a_number_or_an_alias_and_a_label_an_alias(client, digits, path, version):
    response = client.post(f"/v1/models/digits/{path}:predict", json={"instances": digits.tolist()})

    assert response.headers["X-Model-Version"] == str(version)
    status = client.get(f"/v1/models/digits/{path}").json
    assert status["model_version_status"][0]["version"] == str(version)


def test_the_status_is_what_both_servers_clients_look_for(client):
    assert client.get("/v1/models/digits").json == {
        "name": "digits",
        "ready": True,
        "model_version_status": [
            {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        ],
    }
    assert client.get("/v1/models").json == {"models": ["digits"]}


BAD = {
    "not JSON": (400, "{", "not valid JSON"),
    "neither": (400, "{}", "exactly one"),
    "both": (400, '{"instances": [1], "inputs": [1]}', "exactly one"),
    "another signature": (400, '{"instances": [1], "signature_name": "x"}', "'x'"),
    "no list": (400, '{"instances": 1}', "list of pictures"),
    "no pictures": (400, '{"instances": []}', "at least one"),
    "one picture without its list": (400, json.dumps({"instances": np.zeros((28, 28)).tolist()}), "(28, 28)"),
    "numbers for pictures": (400, json.dumps({"instances": [0] * 28}), "(28,)"),
    "too few pixels": (400, '{"instances": [[1, 2]]}', "(1, 2)"),
    "different lengths": (400, '{"instances": [[1, 2], [1]]}', "different numbers"),
    "a value above 255": (400, json.dumps({"instances": [[256] * 784]}), "0 to 255"),
    "true": (400, json.dumps({"instances": [[True] * 784]}), "number"),
    "another name": (400, '{"instances": [{"x": 1}]}', "instances.0"),
    "not base64": (400, '{"instances": [{"b64": "!"}]}', "not valid base64"),
    "not a picture": (400, '{"instances": [{"b64": "aGk="}]}', "item 0"),
    "too many": (413, json.dumps({"instances": [[0] * 784] * (MAX_BATCH + 1)}), "pictures in one request"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_prediction_says_why(client, case):
    status, body, says = BAD[case]

    response = client.post(PREDICT, data=body)

    assert (response.status_code, list(response.json)) == (status, ["error"])
    assert response.content_type == "application/json"
    assert says in response.json["error"]


@pytest.mark.parametrize("path", ["/v1/models/nothing", "/v1/models/digits/versions/9", "/v1/nothing"])
def test_what_is_not_there_is_404(client, path):
    response = client.get(path)

    assert (response.status_code, list(response.json)) == (404, ["error"])


@pytest.mark.parametrize("path", [PREDICT, "/invocations"])
def test_bodies_may_be_compressed_both_ways(client, digits, expected, path):
    body = gzip.compress(json.dumps({"instances": np.repeat(digits, 5, axis=0).tolist()}).encode())
    headers = {"Content-Encoding": "gzip", "Accept-Encoding": "gzip", "Content-Type": "application/json"}

    response = client.post(path, data=body, headers=headers)

    assert response.headers["Content-Encoding"] == "gzip"
    found = json.loads(gzip.decompress(response.data))["predictions"]
    np.testing.assert_allclose([row["scores"] for row in found], np.repeat(expected, 5, axis=0), atol=1e-6)


def as_csv(digits):
    rows = [",".join(map(str, row)) for row in digits.reshape(len(digits), -1).tolist()]
    return "\n".join([",".join(map(str, range(784))), *rows])


INVOCATIONS = {
    "split": lambda d: json.dumps(
        {"dataframe_split": {"columns": [*range(784)], "data": d.reshape(len(d), -1).tolist()}}
    ),
    "split of one column": lambda d: json.dumps(
        {"dataframe_split": {"columns": ["image"], "data": [[b64(picture)] for picture in d]}}
    ),
    "records": lambda d: json.dumps(
        {"dataframe_records": [dict(enumerate(row)) for row in d.reshape(len(d), -1).tolist()]}
    ),
    "records of one column": lambda d: json.dumps(
        {"dataframe_records": [{"image": picture.tolist()} for picture in d]}
    ),
    "inputs": lambda d: json.dumps({"inputs": d.tolist(), "params": {"x": 1}}),
}


@pytest.mark.parametrize("form", INVOCATIONS)
def test_mlflow_s_json_gives_the_offline_scores(client, digits, expected, form):
    response = client.post("/invocations", data=INVOCATIONS[form](digits), content_type="application/json")

    np.testing.assert_allclose(scores(response), expected, atol=1e-6)


@pytest.mark.parametrize("fractions", [False, True])
def test_mlflow_s_csv_gives_the_offline_scores(client, digits, expected, fractions):
    body = as_csv(digits / 255 if fractions else digits)

    response = client.post("/invocations", data=body, content_type="text/csv; charset=utf-8")

    np.testing.assert_allclose(scores(response), expected, atol=1e-5)


def test_a_csv_of_one_column_holds_base64(client, digits, expected):
    body = "\r\n".join(["image", *[f'"{b64(picture)}"' for picture in digits], ""])

    np.testing.assert_allclose(
        scores(client.post("/invocations", data=body, content_type="text/csv")), expected, atol=1e-6
    )


def test_invocations_take_a_model_and_a_version(client, digits):
    response = client.post("/invocations?model=digits&version=2", json={"inputs": digits.tolist()})

    assert response.headers["X-Model-Version"] == "2"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "says"),
    [
        ("{", "application/json", 400, "not valid JSON"),
        ("{}", "application/json", 400, "exactly one"),
        ('{"dataframe_split": {"columns": []}}', "application/json", 400, "data"),
        ('{"dataframe_split": {"data": [1]}}', "application/json", 400, "rows"),
        ('{"dataframe_records": [1]}', "application/json", 400, "dataframe_records"),
        ("a,b\n1,2", "text/csv", 400, "(1, 2)"),
        ("a,b\n1,2\n1", "text/csv", 400, "different lengths"),
        ("a,b\n1,x", "text/csv", 400, "every cell"),
        ("a,b\n", "text/csv", 400, "no row"),
        ("", "text/csv", 400, "no row"),
        ('a,b\n"1,2', "text/csv", 400, "not valid CSV"),
        (b"a,b\n\xff,1", "text/csv", 400, "UTF-8"),
        ("image\n!", "text/csv", 400, "base64"),
        ("{}", "text/plain", 415, "text/plain"),
        ("{}", None, 415, "missing"),
    ],
)
def test_bad_invocations_say_why_in_mlflow_s_form(client, body, content_type, status, says):
    response = client.post("/invocations", data=body, content_type=content_type)

    assert (response.status_code, list(response.json)) == (status, ["error_code", "message"])
    assert says in response.json["message"]


def test_too_many_rows_are_413(client):
    response = client.post("/invocations", data="image\n" + "x\n" * (MAX_BATCH + 1), content_type="text/csv")

    assert response.status_code == 413


def test_an_unknown_query_is_refused(client, digits):
    assert client.post("/invocations?topk=3", json={"inputs": digits.tolist()}).status_code == 400


@pytest.mark.parametrize("path", ["/v1/models/digits:predict", "/v1/models/digits/versions/1:predict"])
def test_a_prediction_cannot_be_got(client, path):
    answer = client.get(path)

    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}


def test_ping_is_answered_while_a_model_is(client, tmp_path):
    assert client.get("/ping").status_code == 200
    assert create_app(Settings(models=tmp_path / "none")).test_client().get("/ping").status_code == 503
