"""The tricks on a request's way change nothing: the same pixels and the same text as the plain way gives."""

import json

import numpy as np
import pytest

from mlp.metadata import Input
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

    text = answer.body(version(tuple(labels)), scores.astype(np.float32), top_k)

    assert json.loads(text) == plain(version(tuple(labels)), scores.astype(np.float32), top_k)


@pytest.mark.parametrize("shape", [(784,), (28, 28), (1, 784), (3, 784), (3, 28, 28)])
@pytest.mark.parametrize("kind", ["whole", "fractions", "one fraction"])
def test_numbers_in_lists_are_the_pixels_that_numpy_makes_of_them(shape, kind):
    array = np.random.default_rng(0).integers(0, 256, shape).astype(np.float64)
    if kind != "whole":
        array.reshape(-1)[: 1 if kind == "one fraction" else None] *= 0.5
    numbers = array.astype(int).tolist() if kind == "whole" else array.tolist()

    found = pixels.from_lists(numbers, SPEC, 255)

    np.testing.assert_array_equal(found, array.reshape(-1, 28, 28).astype(np.float32))
