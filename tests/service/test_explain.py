"""POST /explain: the answer of POST /predict, and why."""

import base64

import numpy as np
import pytest

from tests.pictures import a_stroke, encoded, form

PNG = {"content_type": "image/png"}


@pytest.fixture
def picture():
    return encoded(a_stroke())


def test_it_is_the_answer_of_predict_and_an_explanation(client, picture):
    predicted = client.post("/predict?top_k=2", data=picture, **PNG)

    answer = client.post("/explain?top_k=2", data=picture, **PNG)

    body = answer.get_json()
    why = body.pop("explanation")
    assert (answer.status_code, body) == (200, predicted.get_json())
    assert (why["index"], why["label"]) == (body["predictions"][0]["index"], body["predictions"][0]["label"])
    assert answer.headers["X-Model-Version"] == "1"


def test_the_pixels_are_what_the_network_is_given(client, picture):
    why = client.post("/explain", data=picture, **PNG).get_json()["explanation"]

    again = client.post("/predict", json={"pixels": why["pixels"]}).get_json()
    assert again["predictions"] == client.post("/predict", data=picture, **PNG).get_json()["predictions"]
    relevance, pixels = np.array(why["relevance"]), np.array(why["pixels"])
    assert relevance.shape == pixels.shape == (28, 28)
    assert relevance.any()
    assert not relevance[pixels == 0].any()


@pytest.mark.parametrize("asked", ["index=3", "label=3"])
def test_a_class_is_asked_for_by_index_or_label(client, picture, asked):
    why = client.post(f"/explain?{asked}", data=picture, **PNG).get_json()["explanation"]

    assert (why["index"], why["label"]) == (3, "3")


def test_another_version_is_explained_by_number(client, picture):
    one = client.post("/explain?version=1&index=3", data=picture, **PNG).get_json()
    two = client.post("/explain?version=2&index=3", data=picture, **PNG).get_json()

    assert (one["version"], two["version"]) == (1, 2)
    assert one["explanation"]["evidence"] != two["explanation"]["evidence"]


@pytest.mark.parametrize("most", [0, 3])
def test_no_more_units_than_asked_for(client, picture, published, most):
    units = client.post(f"/explain?units={most}", data=picture, **PNG).get_json()["explanation"]["units"]

    assert len(units) <= most
    if most:
        unit, weights = units[0], published.read("digits", 1).layers[0].weights
        given = np.array(unit["weights"]) * unit["weight_step"]
        np.testing.assert_allclose(given.ravel(), weights[:, unit["unit"]], atol=unit["weight_step"])


def test_a_picture_in_json_and_in_a_form_is_explained_too(client, picture):
    text = base64.b64encode(picture).decode()
    body, content_type = form(picture)

    by_json = client.post("/explain", json={"image": text})
    by_form = client.post("/explain", data=body, content_type=content_type)

    assert by_json.get_json() == by_form.get_json() == client.post("/explain", data=picture, **PNG).get_json()


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("index=10", "index"),
        ("index=-1", "index"),
        ("index=x", "index"),
        ("label=seven", "label"),
        ("label=7&index=7", "label"),
        ("units=33", "units"),
        ("unit=3", "unit"),
    ],
)
def test_a_wrong_query_is_422_and_names_the_place(client, picture, query, place):
    answer = client.post(f"/explain?{query}", data=picture, **PNG)

    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["loc"] == ["query", place]


def test_several_pictures_are_422(client):
    answer = client.post("/explain", data=bytes(2 * 784), content_type="application/octet-stream")

    assert answer.status_code == 422
    assert "2 pictures; one at a time" in answer.get_json()["detail"]


def test_an_empty_picture_is_422_as_for_predict(client):
    answer = client.post("/explain", data=encoded(np.full((50, 50), 255, np.uint8)), **PNG)

    assert answer.status_code == 422
