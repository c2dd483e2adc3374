"""Networks in and out of other libraries, by files that those libraries write and read."""

import json
import warnings

import numpy as np
import onnx
import pytest
import safetensors.numpy
import skops.io
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from mlp.local_store import LocalStore
from mlp.network import Layer
from tests.training.conftest import quarters
from tests.training.test_cli import run
from training.errors import ExportRefused, ImportRefused
from training.interchange import onnx_file, pytorch, scikit_learn
from training.interchange.imported import Imported, publish

IMAGES, LABELS = quarters(200)
X = IMAGES.reshape(200, -1) / 255


def classifier(labels=LABELS, **fields) -> MLPClassifier:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return MLPClassifier(**{"hidden_layer_sizes": (12, 8), "max_iter": 30, "random_state": 0, **fields}).fit(
            X, labels
        )


@pytest.fixture
def store(tmp_path):
    return LocalStore(tmp_path / "models")


def stored(store, network, **how):
    return store.read("m", publish(store, network, "m", **how))


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_a_scikit_learn_classifier_gives_the_same_chances_as_a_version(store, tmp_path, activation, solver):
    trained = classifier(activation=activation, solver=solver)
    skops.io.dump(trained, tmp_path / "c.skops")

    version = stored(store, scikit_learn.read(tmp_path / "c.skops"))

    np.testing.assert_allclose(version.scores(IMAGES), trained.predict_proba(X), atol=1e-5)
    assert version.metadata.labels == ("0", "1", "2", "3")
    assert version.metadata.input.height == version.metadata.input.width == 8


def test_two_classes_which_scikit_learn_has_one_unit_for(store):
    trained = classifier(np.where(LABELS < 2, "top", "bottom"), hidden_layer_sizes=(6,))

    version = stored(store, scikit_learn.from_classifier(trained))

    np.testing.assert_allclose(version.scores(IMAGES), trained.predict_proba(X), atol=1e-5)
    assert version.metadata.labels == ("bottom", "top")


def test_what_is_no_fitted_classifier_of_one_label_is_refused():
    with pytest.raises(ImportRefused, match="LogisticRegression, not an MLPClassifier"):
        scikit_learn.from_classifier(LogisticRegression())
    with pytest.raises(ImportRefused, match="not been fitted"):
        scikit_learn.from_classifier(MLPClassifier())
    with pytest.raises(ImportRefused, match="several labels"):
        scikit_learn.from_classifier(classifier(np.eye(4, dtype=int)[LABELS]))


class Runs:
    """A type of no library, as hostile files have them."""


def test_a_skops_file_with_other_types_is_refused_and_a_damaged_one(tmp_path):
    skops.io.dump({"net": classifier(), "more": Runs()}, tmp_path / "hostile.skops")
    with pytest.raises(ImportRefused, match="Runs, which an MLPClassifier does not need"):
        scikit_learn.read(tmp_path / "hostile.skops")

    skops.io.dump(classifier(), tmp_path / "c.skops")
    (tmp_path / "half.skops").write_bytes((tmp_path / "c.skops").read_bytes()[:3000])
    with pytest.raises(ImportRefused, match="cannot be read"):
        scikit_learn.read(tmp_path / "half.skops")


def sequential(prefix=""):
    """What `torch.nn.Sequential(Linear(64, 5), Tanh(), Linear(5, 3)).state_dict()` has, and its scores by hand."""
    rng = np.random.default_rng(0)
    w1, b1, w2, b2 = (rng.normal(size=shape).astype(np.float32) for shape in ((5, 64), (5,), (3, 5), (3,)))
    z = np.tanh(X @ w1.T + b1) @ w2.T + b2
    scores = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return {f"{prefix}0.weight": w1, f"{prefix}0.bias": b1, f"{prefix}2.weight": w2, f"{prefix}2.bias": b2}, scores


@pytest.mark.parametrize("prefix", ["", "net."])
def test_a_pytorch_state_dict_gives_the_scores_of_its_formula(store, tmp_path, prefix):
    arrays, scores = sequential(prefix)
    safetensors.numpy.save_file(arrays, tmp_path / "s.safetensors")

    network = pytorch.read(tmp_path / "s.safetensors", activation="tanh", output="softmax", labels=["a", "b", "c"])

    version = stored(store, network)
    np.testing.assert_allclose(version.scores(IMAGES), scores, atol=1e-5)
    assert version.metadata.labels == ("a", "b", "c")


def test_linear_layers_go_in_the_order_of_their_numbers_not_of_their_names(tmp_path):
    arrays = {f"{n}.weight": np.full((n + 1, n + 1 if n == 2 else 3), n, np.float32) for n in (2,)}
    arrays["10.weight"] = np.full((2, 3), 10, np.float32)
    safetensors.numpy.save_file(arrays, tmp_path / "s.safetensors")

    network = pytorch.read(tmp_path / "s.safetensors", activation="relu", output="identity")

    assert [layer.weights[0, 0] for layer in network.layers] == [2, 10]
    assert not network.layers[0].biases.any()  # a Linear without bias


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"conv.weight": np.zeros((2, 1, 3, 3), np.float32)}, "no part of a linear layer"),
        ({"0.weight": np.zeros((3, 4), np.float32), "1.running_mean": np.zeros(3, np.float32)}, "1.running_mean"),
        ({"0.weight": np.zeros((3, 4), np.float32), "2.weight": np.zeros((2, 5), np.float32)}, "takes 5 values, and 3"),
        ({"0.weight": np.zeros((3, 4), np.float32), "0.bias": np.zeros(2, np.float32)}, "are no layer"),
        ({"0.bias": np.zeros(3, np.float32)}, "0.bias has no 0.weight"),
        ({"a.0.weight": np.zeros((3, 4), np.float32), "b.0.weight": np.zeros((3, 4), np.float32)}, "one Sequential"),
    ],
)
def test_a_state_dict_of_something_else_is_refused(tmp_path, arrays, says):
    safetensors.numpy.save_file(arrays, tmp_path / "s.safetensors")

    with pytest.raises(ImportRefused, match=says):
        pytorch.read(tmp_path / "s.safetensors", activation="relu", output="softmax")


@pytest.mark.parametrize(
    "content", [b"", b"\x08" + bytes(7) + b"{}", bytes(100), b"\x80\x04}\x94\x8c\x080.weight\x94K\x01s."]
)
def test_what_is_no_safetensors_file_is_refused(tmp_path, content):
    (tmp_path / "s.safetensors").write_bytes(content)

    with pytest.raises(ImportRefused):
        pytorch.read(tmp_path / "s.safetensors", activation="relu", output="softmax")


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu", "identity", "softmax"])
@pytest.mark.parametrize("output", ["sigmoid", "softmax", "identity"])
def test_an_exported_version_answers_the_same_in_onnxruntime(store, tmp_path, hidden, output):
    rng = np.random.default_rng(1)
    arrays = [rng.normal(0, 0.3, shape).astype(np.float32) for shape in ((64, 9), (9,), (9, 7), (7,), (7, 4), (4,))]
    layers = tuple(Layer(w, b, a) for w, b, a in zip(arrays[::2], arrays[1::2], (hidden, hidden, output), strict=True))
    version = stored(store, Imported(layers, ("w", "x", "y", "ż"), {}), low=-1)

    assert onnx_file.write(version, tmp_path / "m.onnx") <= 1e-5

    data = (tmp_path / "m.onnx").read_bytes()
    ours, theirs = version.scores(IMAGES), onnx_file.scores(data, IMAGES)
    np.testing.assert_allclose(theirs, ours, atol=1e-5)
    np.testing.assert_array_equal(theirs.argmax(axis=1), ours.argmax(axis=1))
    properties = {entry.key: entry.value for entry in onnx.load_from_string(data).metadata_props}
    assert json.loads(properties["labels"]) == ["w", "x", "y", "ż"]
    assert (properties["height"], properties["width"]) == ("8", "8")


def test_an_export_that_would_answer_otherwise_is_not_written(store, tmp_path, monkeypatch):
    arrays, _ = sequential()
    safetensors.numpy.save_file(arrays, tmp_path / "s.safetensors")
    version = stored(store, pytorch.read(tmp_path / "s.safetensors", activation="tanh", output="softmax"))
    monkeypatch.setitem(onnx_file._OPERATORS, "tanh", "Relu")

    with pytest.raises(ExportRefused, match="off by"):
        onnx_file.write(version, tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


def test_the_commands_import_and_export(store, tmp_path):
    arrays, _ = sequential()
    safetensors.numpy.save_file(arrays, tmp_path / "s.safetensors")
    file, target = tmp_path / "s.safetensors", tmp_path / "m.onnx"

    out = run(store, "import", file, "--model", "m", "--activation", "tanh", "--output", "softmax", "--labels", "a,b,c")
    assert "stored as m version 1" in out
    assert "off by" in run(store, "export", "m", "1", "--output", target)
    assert target.stat().st_size > 1000

    assert "does not say its activations" in run(store, "import", file, "--model", "m", status=1)
    (tmp_path / "net.pkl").write_bytes(b"\x80\x04}\x94.")
    assert "a pickle could run any code" in run(store, "import", tmp_path / "net.pkl", "--model", "m", status=1)
    bad = ("--activation", "tanh", "--output", "softmax", "--height", "7")
    assert "7×9 pixels are not the 64" in run(store, "import", file, "--model", "m", *bad, status=1)
    assert store.versions("m") == [1]


def test_weights_that_are_not_finite_are_refused_and_nothing_is_stored(store, tmp_path):
    arrays, _ = sequential()
    arrays["0.weight"][0, 0] = np.nan
    safetensors.numpy.save_file(arrays, tmp_path / "s.safetensors")

    out = run(
        store,
        "import",
        tmp_path / "s.safetensors",
        "--model",
        "m",
        "--activation",
        "relu",
        "--output",
        "softmax",
        status=1,
    )
    assert "not finite" in out
    assert store.models() == []
