"""Accuracy over HTTP is offline accuracy: MNIST's test set, posted in each form to the shipped model."""

import contextlib
import http.client
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mlp.local_store import LocalStore
from tests import pictures
from tests.drafts import ROOT
from tests.live.conftest import serving

FORMS = {
    "raw": (1000, lambda batch: (batch.tobytes(), "application/octet-stream")),
    "npy": (1000, lambda batch: (pictures.npy(batch), "application/x-npy")),
    "json": (200, lambda batch: (json.dumps({"pixels": batch.tolist()}), "application/json")),
    "png in a form": (200, lambda batch: pictures.form(*map(pictures.encoded, batch))),
    "png in json": (
        200,
        lambda batch: (
            json.dumps({"images": [pictures.base64_text(pictures.encoded(picture)) for picture in batch]}),
            "application/json",
        ),
    ),
    "png, one a request": (1, lambda batch: (pictures.encoded(batch[0]), "image/png")),
}


@pytest.fixture(scope="module")
def server():
    with serving(ROOT / "models") as running:
        yield running


@pytest.fixture(scope="module")
def offline(mnist_test):
    store = LocalStore(ROOT / "models")
    return store.read("digits", store.resolve("digits")).scores(mnist_test[0])


@pytest.mark.parametrize(("size", "encode"), FORMS.values(), ids=FORMS)
def test_all_test_digits_get_the_offline_labels_and_scores(server, mnist_test, offline, size, encode):
    images = mnist_test[0]

    def post(share):
        predictions = []
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
            for start in share:
                body, content_type = encode(images[start : start + size])
                connection.request("POST", "/predict", body, {"Content-Type": content_type})
                answer = connection.getresponse()
                content = answer.read()
                assert answer.status == 200, content[:500]
                predictions += json.loads(content)["predictions"]
        return predictions

    starts = np.arange(0, len(images), size)
    with ThreadPoolExecutor(4) as pool:
        predictions = [row for part in pool.map(post, np.array_split(starts, 4)) for row in part]

    assert len(predictions) == 10_000
    assert [row["index"] for row in predictions] == offline.argmax(axis=1).tolist()
    assert [row["label"] for row in predictions] == [str(index) for index in offline.argmax(axis=1)]
    np.testing.assert_allclose([row["scores"] for row in predictions], offline, atol=1e-5)
    np.testing.assert_array_equal([row["one_hot"] for row in predictions], np.eye(10)[offline.argmax(axis=1)])


def test_the_shipped_model_is_as_accurate_as_it_says(mnist_test, offline):
    """On MNIST's own test files; most of a pooled split's test part is among their and the training examples."""
    store = LocalStore(ROOT / "models")
    claimed = store.metadata("digits", store.resolve("digits")).metrics["accuracy"]

    assert (offline.argmax(axis=1) == mnist_test[1]).mean() == pytest.approx(claimed, abs=0.02)
