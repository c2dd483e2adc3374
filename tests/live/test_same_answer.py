"""The same pictures get the same answer, whichever way they come in and whichever worker answers."""

import contextlib
import http.client
import json
from pathlib import Path

import numpy as np
import pytest

import mlp
from tests import pictures
from tests.drafts import ROOT
from tests.live.conftest import serving

INFER, LENGTH = "/v2/models/digits/infer", "Inference-Header-Content-Length"


def b64(picture):
    return pictures.base64_text(pictures.encoded(picture))


def as_json(value):
    return json.dumps(value), {"Content-Type": "application/json"}


def as_form(batch):
    body, content_type = pictures.form(*map(pictures.encoded, batch))
    return body, {"Content-Type": content_type}


def as_tensor(batch, **more):
    return {"name": "images", "shape": list(batch.shape), "datatype": "UINT8", **more}


def as_binary_tensor(batch):
    size = {"binary_data_size": batch.nbytes}
    head = json.dumps({"inputs": [as_tensor(batch, parameters=size)]}).encode()
    return head + batch.tobytes(), {LENGTH: str(len(head))}


def predicted(answer):
    rows = answer["predictions"]
    return [row["label"] for row in rows], [row["scores"] for row in rows]


def inferred(answer):
    outputs = {output["name"]: output for output in answer["outputs"]}
    return outputs["label"]["data"], np.reshape(outputs["scores"]["data"], outputs["scores"]["shape"]).tolist()


RAW = {"Content-Type": "application/octet-stream"}
NPY = {"Content-Type": "application/x-npy"}

WAYS = {
    "raw bytes": ("/predict", lambda d: (d.tobytes(), RAW)),
    "npy": ("/predict", lambda d: (pictures.npy(d), NPY)),
    "npy of float64, flat": ("/predict", lambda d: (pictures.npy(d.reshape(len(d), -1).astype(float)), NPY)),
    "JSON rows": ("/predict", lambda d: as_json({"pixels": d.tolist()})),
    "JSON, flat": ("/predict", lambda d: as_json({"pixels": d.reshape(len(d), -1).tolist()})),
    "PNG in a form": ("/predict", as_form),
    "PNG in JSON": ("/predict", lambda d: as_json({"images": [b64(picture) for picture in d]})),
    "V2, JSON": (INFER, lambda d: as_json({"inputs": [as_tensor(d, data=d.ravel().tolist())]})),
    "V2, binary": (INFER, as_binary_tensor),
    "V1": ("/v1/models/digits:predict", lambda d: as_json({"instances": d.tolist()})),
    "V1, PNG": ("/v1/models/digits:predict", lambda d: as_json({"instances": [{"b64": b64(p)} for p in d]})),
    "MLflow": ("/invocations", lambda d: as_json({"inputs": d.tolist()})),
}


@pytest.fixture(scope="module")
def server():
    with serving(ROOT / "models") as running:
        yield running


@pytest.fixture
def connect(server):
    """Give a function that opens a connection; they are closed together."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(
            contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60))
        )


def ask(connection, way, batch):
    path, encode = WAYS[way]
    body, headers = encode(batch)
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == 200, content[:500]
    return inferred(json.loads(content)) if path == INFER else predicted(json.loads(content))


@pytest.fixture(scope="module")
def model():
    return mlp.load(ROOT / "models/digits")


@pytest.mark.parametrize("n", [1, 40])
def test_every_way_in_gives_the_same_labels_and_to_the_last_digit_the_same_scores(connect, mnist_test, model, n):
    connection = connect()
    for start in (0, 2000, 4000):
        batch = mnist_test[0][start : start + n]
        reference = ask(connection, "raw bytes", batch)

        assert {way: ask(connection, way, batch) for way in WAYS} == dict.fromkeys(WAYS, reference)
        found = model.predict(batch)
        assert list(found.labels) == reference[0]
        np.testing.assert_allclose(found.scores, reference[1], atol=5.1e-8)  # seven decimals are written


def test_in_python_numbers_and_png_give_the_same_bits(mnist_test, model):
    batch = mnist_test[0][:50]

    from_numbers = model.predict(batch)
    from_pictures = model.predict([pictures.encoded(picture) for picture in batch])

    assert from_numbers.labels == from_pictures.labels
    np.testing.assert_array_equal(from_numbers.scores, from_pictures.scores)


def sockets(pid):
    links = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            links.append(str(link.readlink()))
    return sum(link.startswith("socket:") for link in links)


def test_both_workers_give_the_same(server, connect, mnist_test):
    """New clients go to the worker that has fewer, so that of enough of them each has some."""
    batch, answers = mnist_test[0][100:140], []
    before = {pid: sockets(pid) for pid in server.workers()}

    def both_have_some():
        connection = connect()
        answers.extend(ask(connection, way, batch) for way in ("raw bytes", "V2, binary"))
        return all(sockets(pid) > count for pid, count in before.items())

    server.wait_until(both_have_some)

    assert len(before) == 2
    assert all(answer == answers[0] for answer in answers)
