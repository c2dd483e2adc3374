"""The tricks on a request's way change nothing: the same pixels and the same text as the plain way gives."""

import json

import numpy as np
import pytest

from mlp import network
from mlp.metadata import Input
from mlp.network import Layer
from mlp.version import Version
from service import answer, pixels
from tests.drafts import make_draft

SPEC = Input(height=28, width=28, low=0, high=1, preparation="digit")


def version(labels="0123456789") -> Version:
    draft = make_draft(labels=labels)
    return Version(draft.metadata, draft.layers, draft.golden_inputs, np.empty((0, len(labels)), np.float32))


def plain(version, scores, top_k):
    """What the text is to say, a dictionary for each picture."""
    labels = version.metadata.labels
    predictions = []
    for row in scores:
        rounded = [round(float(score), 7) for score in row]
        index = int(row.argmax())
        prediction = {"label": labels[index], "index": index, "confidence": rounded[index], "scores": rounded}
        prediction["one_hot"] = [int(n == index) for n in range(len(labels))]
        if top_k:
            best = sorted(range(len(labels)), key=lambda n: -row[n])[:top_k]
            prediction["top_k"] = [{"label": labels[n], "score": rounded[n]} for n in best]
        predictions.append(prediction)
    return {"model": version.metadata.name, "version": version.metadata.version, "predictions": predictions}


@pytest.mark.parametrize("labels", ["0123456789", ('a"b', "],[", "é\\", ",")])
@pytest.mark.parametrize("n", [1, 2, 300])
@pytest.mark.parametrize("top_k", [0, 1, 3, 99])
def test_the_text_says_what_a_dictionary_for_each_picture_would(labels, n, top_k):
    rng = np.random.default_rng(n)
    scores = rng.random((n, len(labels)), dtype=np.float32) ** rng.integers(1, 30, (n, 1))
    scores[0] = 0
    scores[-1, 1:] = (1,) * (len(labels) - 1)

    scores = scores.astype(np.float32)
    text = answer.body(version(tuple(labels)), scores, network.winners(scores), top_k)

    assert json.loads(text) == plain(version(tuple(labels)), scores, top_k)


@pytest.mark.parametrize("shape", [(784,), (28, 28), (1, 784), (3, 784), (3, 28, 28)])
@pytest.mark.parametrize("kind", ["whole", "fractions", "one fraction"])
def test_numbers_in_lists_are_the_pixels_that_numpy_makes_of_them(shape, kind):
    array = np.random.default_rng(0).integers(0, 256, shape).astype(np.float64)
    if kind != "whole":
        array.reshape(-1)[: 1 if kind == "one fraction" else None] *= 0.5
    numbers = array.astype(int).tolist() if kind == "whole" else array.tolist()

    found = pixels.from_lists(numbers, SPEC, 255, 3)

    np.testing.assert_array_equal(found, array.reshape(-1, 28, 28).astype(np.float32))


@pytest.mark.parametrize("shape", [(784,), (28, 28), (1, 784), (3, 784), (3, 28, 28)])
@pytest.mark.parametrize("pixel_max", [None, 255, 1])
@pytest.mark.parametrize("kind", ["whole", "fractions", "one fraction"])
def test_a_json_body_read_without_lists_is_what_lists_give(shape, pixel_max, kind):
    largest = pixel_max or 255
    array = np.random.default_rng(0).integers(0, largest + 1, shape).astype(np.float64)
    if kind != "whole":
        array.reshape(-1)[: 1 if kind == "one fraction" else None] *= 0.5
    numbers = array.astype(int).tolist() if kind == "whole" else array.tolist()
    fields = {"pixels": numbers} if pixel_max is None else {"pixel_max": pixel_max, "pixels": numbers}

    found = pixels.from_json(json.dumps(fields).encode(), SPEC)
    expected = pixels.from_lists(numbers, SPEC, largest, 3)

    assert found is not None
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "7",
        '{"pixels": 7}',
        '{"pixels": []}',
        '{"pixels": [[]]}',
        '{"pixels": ["0"]}',
        '{"pixels": [0, 0], "pixels": [0]}',
        '{"pixels": [0, 0], "more": [0]}',
        '{"pixels": [0, 0], "pixel_max": true}',
        '{"pixels": [0, 0], "pixel_max": 2}',
        '{"pixels": [0, 0], "pixel_max": 1.0}',
        '{"pixels": [0, true]}',
        '{"pixels": [0, null]}',
        '{"pixels": [0, -1]}',
        '{"pixels": [0, 256]}',
        '{"pixels": [0, 1e999]}',
        '{"pixels": [0, 18446744073709551617]}',
        '{"pixels": [0, NaN]}',
        '{"pixels": [[0, 0], 0]}',
        '{"pixels": [0, [0, 0]]}',
        '{"pixels": [[0, [0]], [0, 0]]}',
        '{"pixels": [[0, 0], [0]]}',
        '{"pixels": [[[0], [0, 0]], [[0, 0], [0]]]}',
        '{"pixels": [0, 0, 0]}',
        '{"image": "AAAA"}',
        '{"pixels": [0, 0]',
        "",
    ],
)
def test_a_json_body_with_anything_else_is_left_to_those_who_can_say_what_is_wrong(body):
    spec = Input(height=1, width=2, low=0, high=1, preparation="digit")

    assert pixels.from_json(body.encode(), spec) is None


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "tanh"])
@pytest.mark.parametrize("hidden", [8, 512])
@pytest.mark.parametrize("n", [1, 3, 600])
def test_a_version_answers_as_the_network_does_to_its_features(activation, hidden, n):
    rng = np.random.default_rng(n)
    layers = tuple(
        Layer(rng.normal(0, 0.1, (i, o)).astype(np.float32), rng.normal(0, 1, o).astype(np.float32), name)
        for i, o, name in ((784, hidden, activation), (hidden, 10, "softmax"))
    )
    draft = make_draft()
    metadata = draft.metadata.model_copy(
        update={"sizes": (784, hidden, 10), "input": SPEC.model_copy(update={"low": -1.0})}
    )
    served = Version(metadata, layers, draft.golden_inputs, np.empty((0, 10), np.float32))
    pictures = rng.integers(0, 256, (n, 28, 28)).astype(np.uint8) * (rng.random((n, 28, 28)) < 0.2)
    pictures[0, 0] = 0

    expected = network.scores(layers, network.features(pictures, -1.0, 1.0))

    np.testing.assert_allclose(served.scores(pictures), expected, atol=2e-6)
    np.testing.assert_allclose(served.scores(np.zeros((1, 28, 28), np.uint8)).sum(), 1, atol=1e-6)
