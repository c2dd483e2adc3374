"""A model without a server, and that it answers what the service answers."""

import subprocess
import sys
import uuid
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mlp
from mlp import errors, load
from mlp.store import open_store
from service.app import create_app
from service.settings import Settings
from tests import pictures
from tests.drafts import ROOT, make_draft
from tests.s3_server import BUCKET

EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def digits():
    return load(ROOT / "models/digits")


@pytest.fixture(scope="module")
def client():
    return create_app(Settings(models=ROOT / "models")).test_client()


def answered(client, body, content_type, query=""):
    return client.post(f"/predict{query}", data=body, content_type=content_type).json["predictions"]


def same(found, predictions):
    """Bit for bit, but for the decimals that JSON has."""
    assert list(found.labels) == [p["label"] for p in predictions]
    assert found.indices.tolist() == [p["index"] for p in predictions]
    assert found.one_hot.tolist() == [p["one_hot"] for p in predictions]
    np.testing.assert_allclose(found.scores, [p["scores"] for p in predictions], rtol=0, atol=6e-8)
    np.testing.assert_allclose(found.confidences, [p["confidence"] for p in predictions], rtol=0, atol=6e-8)


ENCODED = sorted(path for path in EXAMPLES.iterdir() if path.suffix in (".png", ".jpg"))


@pytest.mark.parametrize("path", ENCODED, ids=lambda path: path.name)
@pytest.mark.parametrize("given", [str, Path, Path.read_bytes, lambda path: bytearray(path.read_bytes()), Image.open])
def test_a_picture_in_whatever_form_is_answered_as_the_service_answers_its_file(digits, client, path, given):
    same(digits.predict(given(path)), answered(client, path.read_bytes(), "image/png"))


def test_several_pictures_are_answered_in_their_order_as_a_form_s_are(digits, client):
    body, content_type = pictures.form(*[path.read_bytes() for path in ENCODED])

    same(
        digits.predict([ENCODED[0], *[path.read_bytes() for path in ENCODED[1:]]]), answered(client, body, content_type)
    )


@pytest.mark.parametrize("dtype", ["u1", "<i8", "<f4", ">f8"])
@pytest.mark.parametrize("shape", [(3, 28, 28), (3, 784), (28, 28), (784,)])
def test_arrays_are_answered_as_the_service_answers_their_npy(digits, client, mnist_test, dtype, shape):
    array = mnist_test[0][: 3 if shape[0] == 3 else 1].astype(dtype).reshape(shape)

    same(digits.predict(array), answered(client, pictures.npy(array), "application/x-npy"))
    same(digits.predict(array.tolist()), answered(client, pictures.npy(array), "application/x-npy"))


def test_floats_up_to_one_are_taken_for_shares_of_a_full_pixel(digits, client, mnist_test):
    array = mnist_test[0][:3] / 255

    same(digits.predict(array), answered(client, pictures.npy(array), "application/x-npy"))


def test_prepare_none_takes_a_picture_as_it_is(digits, client, mnist_test):
    data = pictures.encoded(255 - mnist_test[0][0])  # dark on light: auto would turn it round

    found = digits.predict(data, prepare="none")

    same(found, answered(client, data, "image/png", "?prepare=none"))
    same(
        digits.predict(Image.fromarray(255 - mnist_test[0][0]), prepare="none"),
        answered(client, data, "image/png", "?prepare=none"),
    )
    assert not np.array_equal(found.scores, digits.predict(data).scores)


def test_a_version_is_chosen_by_number_alias_or_file():
    folder = ROOT / "models/digits"

    assert load(folder).version.metadata.version == load(folder, "production").version.metadata.version == 3
    assert load(f"{folder}/", 1).version.metadata.version == load(folder / "1.npz").version.metadata.version == 1


def test_a_model_is_read_from_a_bucket(s3_server, monkeypatch, tmp_path, draft):
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    location = f"s3://{BUCKET}/{uuid.uuid4()}"
    store = open_store(location, tmp_path / "cache")
    draft.publish(store)
    store.promote("digits", 1)

    model = load(f"{location}/digits", cache=tmp_path / "another")

    np.testing.assert_allclose(model.predict(draft.golden_inputs).scores, model.version.golden_scores, atol=1e-6)


def test_what_is_given_back_cannot_be_changed(digits, mnist_test):
    found = digits.predict(mnist_test[0][:2])

    for array in (found.scores, found.indices, found.confidences, found.one_hot):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(AttributeError):
        found.labels = ()


def test_the_texts_say_what_there_is(digits, mnist_test):
    found = digits.predict(mnist_test[0])

    assert repr(digits) == "<digits version 3: 28×28 pixels, 10 classes>"
    assert repr(found).startswith("<10000 predictions: '7' 0.99")
    assert repr(found).endswith(", …>")
    assert repr(digits.predict(mnist_test[0][0])).startswith("<1 predictions: '7' 0.99")
    assert len(found) == 10_000


@pytest.mark.parametrize(
    ("images", "error", "text"),
    [
        (np.zeros((3, 27, 28)), errors.WrongShape, r"\(3, 27, 28\)"),
        ([], errors.WrongShape, "shape"),
        ([[1, 2], [3]], errors.WrongShape, "784"),
        (7, errors.WrongShape, r"\(\)"),
        (None, errors.ValueOutOfRange, "number"),
        (np.zeros((28, 28), bool), errors.ValueOutOfRange, "number"),
        (np.full(784, 256), errors.ValueOutOfRange, "0 to 255"),
        (np.full(784, 1.5), errors.ValueOutOfRange, "neither"),
        (np.full(784, np.nan), errors.ValueOutOfRange, "nan"),
        (b"GIF?", errors.NotAPicture, "no picture"),
        ([EXAMPLES / "7.png", b""], errors.NotAPicture, "item 1: "),
        ([EXAMPLES / "7.png", np.zeros((28, 28))], errors.WrongShape, "item 1 is ndarray"),
        ((EXAMPLES / "7.png").read_bytes()[:200], errors.TruncatedPicture, "ends before"),
        (Image.new("L", (50, 50), 200), errors.NoInk, "nothing|ink"),
        ("nowhere/7.png", FileNotFoundError, "7.png"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_reason(digits, images, error, text):
    with pytest.raises(error, match=text):
        digits.predict(images)


def test_one_of_several_arrays_that_is_wrong_is_named(digits):
    with pytest.raises(errors.ValueOutOfRange, match="300") as caught:
        digits.predict(np.stack([np.zeros(784), np.full(784, 300.0)]))

    assert caught.value.index == 1


def test_a_picture_that_pillow_opened_and_that_is_cut_short_is_refused(digits, tmp_path):
    (tmp_path / "short.png").write_bytes((EXAMPLES / "7.png").read_bytes()[:200])

    with Image.open(tmp_path / "short.png") as image, pytest.raises(errors.TruncatedPicture):
        digits.predict(image)


def test_a_picture_over_the_limit_is_not_decoded(digits):
    with pytest.raises(errors.PictureTooLarge):
        digits.predict(EXAMPLES / "7.png", max_pixels=10)


def test_no_such_preparation_is_refused(digits):
    with pytest.raises(ValueError, match="maybe"):
        digits.predict(EXAMPLES / "7.png", prepare="maybe")


@pytest.mark.parametrize(
    ("source", "version", "error"),
    [
        ("models/no-such", None, errors.ModelNotFound),
        ("no-folder/digits", None, errors.StoreUnavailable),
        ("models/digits", 999, errors.VersionNotFound),
        ("models/digits", "canary", errors.VersionNotFound),
        ("models/digits/999.npz", None, FileNotFoundError),
        ("examples/7.npz", 3, ValueError),
        ("http://host/digits", None, errors.InvalidLocation),
    ],
)
def test_what_is_not_there_is_said(monkeypatch, source, version, error):
    monkeypatch.chdir(ROOT)

    with pytest.raises(error):
        load(source, version)


def test_a_file_that_is_no_version_is_refused(tmp_path):
    (tmp_path / "1.npz").write_bytes(make_draft().pack()[:-100])

    with pytest.raises(mlp.MlpError, match=r"1\.npz"):
        load(tmp_path / "1.npz")


def test_the_package_costs_nothing_until_it_is_asked_for_something():
    code = "import sys, mlp; assert 'numpy' not in sys.modules and 'pydantic' not in sys.modules; mlp.load"

    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_prediction_needs_no_more_than_the_three_dependencies():
    """In a process in which nothing else can be imported."""
    code = """
import sys
from importlib.metadata import packages_distributions
allowed = {"mlp", "numpy", "pillow", "pydantic", "pydantic_core", "pydantic-core", "annotated-types",
           "typing_extensions", "typing-extensions", "typing-inspection"}
others = {m for m, names in packages_distributions().items() if not {n.lower() for n in names} & allowed}
class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in others:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Refusing())
from mlp import load
print(load("models/digits").predict("examples/7.png").labels)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert done.stdout == "('7',)\n", done.stderr


def test_a_name_that_the_package_does_not_have_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such"):
        mlp.no_such  # noqa: B018
