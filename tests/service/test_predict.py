import json

import numpy as np
import pytest

from tests import pictures


def post(client, body, content_type, query="", **headers):
    return client.post(f"/predict{query}", data=body, content_type=content_type, headers=headers)


def post_json(client, value, query=""):
    return post(client, json.dumps(value), "application/json", query)


def scores(response):
    assert response.status_code == 200, response.text
    return [prediction["scores"] for prediction in response.json["predictions"]]


def test_the_answer_has_the_contract_s_fields(client, digits, expected):
    response = post(client, digits[:1].tobytes(), "application/octet-stream", "?top_k=3")

    answer = response.json
    prediction = answer["predictions"][0]
    best = int(expected[0].argmax())
    assert response.content_type == "application/json"
    assert (answer["model"], answer["version"]) == ("digits", 1)
    assert list(prediction) == ["label", "index", "confidence", "scores", "one_hot", "top_k"]
    assert (prediction["label"], prediction["index"]) == (str(best), best)
    assert prediction["confidence"] == prediction["scores"][best] == pytest.approx(float(expected[0, best]), abs=1e-6)
    assert prediction["one_hot"] == [int(index == best) for index in range(10)]
    assert [row["label"] for row in prediction["top_k"]] == [str(i) for i in np.argsort(-expected[0])[:3]]
    assert prediction["top_k"][0]["score"] == prediction["confidence"]


def test_headers_name_the_request_the_model_and_its_generation(client, digits):
    response = post(client, digits.tobytes(), "application/octet-stream", **{"X-Request-Id": "abc-1"})

    assert response.headers["X-Request-Id"] == "abc-1"
    assert response.headers["X-Model-Name"] == "digits"
    assert response.headers["X-Model-Version"] == "1"
    assert response.headers["X-Model-Generation"] == "1"


@pytest.mark.parametrize("given", ["", "two words", "x" * 200, "a\tb", "<script>"])
def test_a_request_id_that_could_do_harm_is_replaced(client, given):
    response = client.get("/healthz", headers={"X-Request-Id": given})

    assert response.headers["X-Request-Id"] != given
    assert len(response.headers["X-Request-Id"]) == 32


@pytest.mark.parametrize(
    "value",
    [
        lambda d: {"pixels": d[0].ravel().tolist()},
        lambda d: {"pixels": d[0].tolist()},
        lambda d: {"pixels": d.reshape(3, -1).tolist()},
        lambda d: {"pixels": d.tolist()},
        lambda d: {"pixels": (d / 255).tolist(), "pixel_max": 1},
        lambda d: {"pixels": (d[0] / 255).ravel().tolist(), "pixel_max": 1},
        lambda d: {"pixels": d.astype(float).tolist(), "pixel_max": 255},
        lambda d: {"image": pictures.base64_text(pictures.encoded(d[0]))},
        lambda d: {"image": "data:image/png;base64," + pictures.base64_text(pictures.encoded(d[0]))},
        lambda d: {"images": [pictures.base64_text(pictures.encoded(picture)) for picture in d]},
    ],
)
def test_every_json_form_gives_the_offline_scores(client, digits, expected, value):
    found = scores(post_json(client, value(digits)))

    np.testing.assert_allclose(found, expected[: len(found)], atol=1e-6)


@pytest.mark.parametrize("shape", [(3, 28, 28), (3, 784)])
@pytest.mark.parametrize("dtype", ["u1", "<i8", ">i2", "<f4", ">f8", "<f2"])
def test_npy_of_any_number_type_gives_the_offline_scores(client, digits, expected, dtype, shape):
    body = pictures.npy(digits.astype(dtype).reshape(shape))

    np.testing.assert_allclose(scores(post(client, body, "application/x-npy")), expected, atol=1e-6)


def test_npy_of_floats_up_to_one_is_scaled(client, digits, expected):
    body = pictures.npy((digits / 255).astype(np.float32))

    np.testing.assert_allclose(scores(post(client, body, "application/x-npy")), expected, atol=1e-5)


def test_a_single_npy_picture_is_a_batch_of_one(client, digits, expected):
    np.testing.assert_allclose(
        scores(post(client, pictures.npy(digits[0]), "application/x-npy")), expected[:1], atol=1e-6
    )


def test_raw_bytes_give_the_offline_scores(client, digits, expected):
    np.testing.assert_allclose(scores(post(client, digits.tobytes(), "application/octet-stream")), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("form", "mimetype"),
    [("PNG", "image/png"), ("WEBP", "image/webp"), ("BMP", "image/bmp"), ("GIF", "image/gif"), ("TIFF", "image/tiff")],
)
def test_a_picture_that_looks_like_the_training_data_passes_unchanged(client, digits, expected, form, mimetype):
    how = {"lossless": True} if form == "WEBP" else {}

    found = scores(post(client, pictures.encoded(digits[0], form, **how), mimetype))

    np.testing.assert_allclose(found, expected[:1], atol=1e-6)


def test_a_jpeg_gives_nearly_the_offline_scores(client, digits, expected):
    found = scores(post(client, pictures.encoded(digits[0], "JPEG", quality=98), "image/jpeg"))

    np.testing.assert_allclose(found, expected[:1], atol=0.05)


def test_files_of_a_form_are_answered_in_the_order_of_the_body(client, digits, expected):
    """Their field names alternate: answers grouped by name would be in another order."""
    body, content_type = pictures.form(*[pictures.encoded(picture) for picture in digits], fields={"note": "hello"})

    np.testing.assert_allclose(scores(post(client, body, content_type)), expected, atol=1e-6)


def test_numbers_go_to_the_network_unchanged_even_if_blank(client, published):
    found = scores(post(client, bytes(784), "application/octet-stream"))

    blank = np.zeros((1, 28, 28), np.uint8)
    np.testing.assert_allclose(found, published.read("digits", 1).scores(blank), atol=1e-6)


def test_prepare_none_takes_a_picture_as_it_is(client, published):
    """Dark on light and off-centre: `auto` would turn, fit and centre it."""
    picture = np.full((28, 28), 255, np.uint8)
    picture[2:9, 3:5] = 10

    found = scores(post(client, pictures.encoded(picture), "image/png", "?prepare=none"))

    np.testing.assert_allclose(found, published.read("digits", 1).scores(picture[np.newaxis]), atol=1e-6)


def test_prepare_auto_makes_the_same_of_a_drawing_wherever_it_is_and_whichever_way_it_is_lit(client):
    drawing = pictures.a_stroke()
    elsewhere = np.full((400, 300), 255, np.uint8)
    elsewhere[150:350, 100:260] = drawing

    answers = [
        scores(post(client, pictures.encoded(picture), "image/png")) for picture in (drawing, 255 - drawing, elsewhere)
    ]

    np.testing.assert_allclose(answers[1], answers[0], atol=0.02)
    np.testing.assert_allclose(answers[2], answers[0], atol=0.02)


@pytest.mark.parametrize(("reference", "version"), [("2", 2), ("1", 1), ("production", 1)])
def test_a_version_may_be_a_number_or_an_alias(client, digits, reference, version):
    response = post(client, digits.tobytes(), "application/octet-stream", f"?version={reference}")

    assert response.json["version"] == version
    assert response.headers["X-Model-Version"] == str(version)


def test_the_only_model_is_the_default_whatever_its_name(tmp_path):
    from mlp.local_store import LocalStore
    from service.app import create_app
    from service.settings import Settings
    from tests.drafts import make_draft

    store = LocalStore(tmp_path)
    make_draft("letters", labels="abc").publish(store)
    store.promote("letters", 1)

    response = post(create_app(Settings(models=tmp_path)).test_client(), bytes(784), "application/octet-stream")

    assert response.json["model"] == "letters"
    assert response.json["predictions"][0]["label"] in "abc"


def test_digits_is_the_default_of_several_models(published):
    from service.app import create_app
    from service.settings import Settings
    from tests.drafts import make_draft

    make_draft("another", labels="abc").publish(published)
    published.promote("another", 1)
    client = create_app(Settings(models=published.root)).test_client()

    assert post(client, bytes(784), "application/octet-stream").json["model"] == "digits"
    assert post(client, bytes(784), "application/octet-stream", "?model=another").json["model"] == "another"


def test_fractions_between_whole_pixel_values_are_not_rounded(client, published):
    picture = np.full((28, 28), 100.5, np.float32)

    found = scores(post(client, pictures.npy(picture), "application/x-npy"))

    np.testing.assert_allclose(found, published.read("digits", 1).scores(picture[np.newaxis]), atol=1e-6)


def test_a_full_batch_is_answered(client):
    assert len(scores(post(client, bytes(784 * 50), "application/octet-stream"))) == 50
