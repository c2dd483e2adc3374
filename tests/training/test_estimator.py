"""The trainer as an estimator of scikit-learn: its own checks, and what people do with estimators."""

import inspect
import warnings

import numpy as np
import pyarrow
import pytest
from joblib.externals.loky import get_reusable_executor
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from mlp.local_store import LocalStore
from training.augment import Augmentation
from training.errors import Diverged, ImportRefused
from training.estimator import MultilayerPerceptron
from training.interchange.estimator import from_estimator
from training.interchange.imported import publish
from training.recipes import Recipe


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        MultilayerPerceptron(),
        MultilayerPerceptron(
            output="sigmoid", loss="mse", validation=0.2, patience=5, batch_size="full", learning_rate=0.1
        ),
    ]
)
def test_scikit_learn_finds_nothing_wrong(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    """Real digits, 8 × 8 pixels from 0 to 16: x, x_test, y, y_test."""
    x, y = load_digits(return_X_y=True)
    return train_test_split(x, y, test_size=0.3, stratify=y, random_state=0)


def scaled(**parameters) -> Pipeline:
    return make_pipeline(StandardScaler(), MultilayerPerceptron(**{"random_state": 0, "epochs": 30, **parameters}))


@pytest.fixture(scope="module")
def fitted(digits):
    return scaled().fit(digits[0], digits[2])


def weights(pipeline):
    return b"".join(layer.weights.tobytes() + layer.biases.tobytes() for layer in pipeline[-1].layers_)


def test_a_pipeline_reads_real_digits_as_well_as_scikit_learn_s_own_network(digits, fitted):
    x, x_test, y, y_test = digits
    theirs = make_pipeline(StandardScaler(), MLPClassifier(random_state=0, max_iter=300)).fit(x, y)

    assert fitted.score(x_test, y_test) >= 0.96
    assert fitted.score(x_test, y_test) >= theirs.score(x_test, y_test) - 0.01
    assert log_loss(y_test, fitted.predict_proba(x_test)) < 0.2


@pytest.fixture
def processes():
    """How many a search may have; joblib would keep them for the next search."""
    yield 2
    get_reusable_executor().shutdown(wait=True)


def test_a_search_over_recipe_fields_in_several_processes_finds_the_network_that_can_learn(digits, processes):
    x, x_test, y, y_test = digits
    grid = {"multilayerperceptron__hidden": [(1,), (64,)], "multilayerperceptron__optimiser": ["sgd", "adamw"]}

    search = GridSearchCV(scaled(epochs=10), grid, cv=2, n_jobs=processes).fit(x, y)

    assert search.best_params_["multilayerperceptron__hidden"] == (64,)
    assert search.score(x_test, y_test) >= 0.94


def test_cross_validation(digits):
    assert cross_val_score(scaled(epochs=10), digits[0], digits[2], cv=3).mean() >= 0.94


def test_rows_far_from_pixels_are_learned_negative_and_fractional():
    """Two classes that differ by the sign of a product: no linear rule, and nothing that fits into bytes."""
    x = np.random.default_rng(0).normal(0, 0.01, (600, 2))
    y = x[:, 0] * x[:, 1] > 0
    model = scaled(hidden=(16,), epochs=60).fit(x[:400], y[:400])

    assert model.score(x[400:], y[400:]) > 0.93


def test_the_same_random_state_gives_the_same_weights_and_another_does_not(digits, fitted):
    x, _, y, _ = digits

    assert weights(clone(fitted).fit(x, y)) == weights(fitted)
    assert weights(scaled(random_state=1).fit(x, y)) != weights(fitted)
    one, other = (weights(scaled(epochs=1, random_state=np.random.RandomState(seed)).fit(x, y)) for seed in (3, 4))
    assert one != other


def test_texts_are_labels_and_chances_are_in_the_order_of_classes(digits):
    x, x_test, y, y_test = digits
    names = np.array(["zero", "one", "two"])
    few = y < 3
    model = scaled(epochs=10).fit(x[few], names[y[few]])

    found = model.predict_proba(x_test)

    assert model.classes_.tolist() == ["one", "two", "zero"]
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert (model.predict(x_test) == model.classes_[found.argmax(axis=1)]).all()
    assert model.score(x_test[y_test < 3], names[y_test[y_test < 3]]) > 0.95


def test_names_of_columns_are_kept_and_others_are_refused():
    table = pyarrow.table({"width": [1.0, 9.0] * 8, "height": [2.0, 3.0] * 8})
    model = MultilayerPerceptron(epochs=2).fit(table, ["a", "b"] * 8)

    assert model.feature_names_in_.tolist() == ["width", "height"]
    with pytest.raises(ValueError, match="feature names"):
        model.predict(table.rename_columns(["height", "width"]))


def test_patience_ends_a_run_that_gets_no_better_and_keeps_its_best_epoch(digits):
    x, _, y, _ = digits
    model = scaled(validation=0.2, patience=4, epochs=200, schedule="constant").fit(x, y)[-1]

    assert model.n_iter_ < 200
    assert len(model.loss_curve_) == len(model.validation_scores_) == model.n_iter_
    assert model.best_epoch_ == model.n_iter_ - 4
    assert model.validation_scores_[model.best_epoch_ - 1] == max(model.validation_scores_)


def test_a_run_whose_patience_is_not_over_at_its_end_warns_and_one_without_patience_does_not(digits):
    x, _, y, _ = digits

    with pytest.warns(ConvergenceWarning, match="epochs=3 are over, and patience=50 is not"):
        scaled(validation=0.2, patience=50, epochs=3).fit(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scaled(validation=0.2, epochs=3).fit(x, y)


def test_validation_examples_are_not_trained_on(digits):
    """With so many kept away that one of each class is left, no more is learned than from those."""
    x, _, y, _ = digits
    model = scaled(validation=len(y) - 10, epochs=5).fit(x, y)[-1]

    assert model.recipe_.validation == len(y) - 10
    assert model.validation_scores_[-1] < 0.8


@pytest.mark.parametrize(
    ("validation", "said"),
    [(0.5, "the class of index 1 has 1 of the examples, expected 2"), (9, "9 examples are to be kept"), (1.5, "valid")],
)
def test_a_validation_part_that_few_rows_cannot_give_is_refused(validation, said):
    x, y = np.arange(18.0).reshape(9, 2), [0] * 8 + [1]

    with pytest.raises(ValueError, match=said):
        MultilayerPerceptron(validation=validation).fit(x, y)


def test_few_rows_are_enough_for_a_validation_part():
    x, y = np.arange(8.0).reshape(4, 2), [0, 0, 1, 1]

    model = MultilayerPerceptron(validation=0.5, epochs=3).fit(x, y)

    assert len(model.validation_scores_) == 3


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"hidden": (0,)}, "hidden"),
        ({"activation": "swish"}, "activation"),
        ({"learning_rate": -1}, "learning_rate"),
        ({"output": "identity", "loss": "mse"}, "output is 'identity'"),
        ({"activation": "softmax", "dropout": 0.5}, "dropout does not go with softmax"),
        ({"random_state": -1}, "random_state: "),
    ],
)
def test_a_parameter_that_will_not_do_is_named_by_fit(parameters, said):
    with pytest.raises(ValueError, match=said):
        MultilayerPerceptron(**parameters).fit([[0.0], [1.0]], [0, 1])


@pytest.mark.parametrize("value", [np.int64(8), np.float64(0.01), np.str_("tanh")])
def test_numpy_s_own_numbers_and_texts_are_parameters_as_searches_draw_them(value, digits):
    name = {"int64": "batch_size", "float64": "learning_rate", "str_": "activation"}[type(value).__name__]

    model = MultilayerPerceptron(epochs=1, **{name: value}).fit(digits[0], digits[2])

    assert getattr(model.recipe_, name) == value


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="only one class, 'a'"):
        MultilayerPerceptron().fit([[0.0], [1.0]], ["a", "a"])


def test_numbers_that_grow_without_end_are_said_to(digits):
    with pytest.raises(Diverged, match="learning_rate"):
        MultilayerPerceptron(optimiser="sgd", learning_rate=1e9, epochs=5, activation="identity").fit(
            digits[0], digits[2]
        )


def test_ctrl_c_ends_the_search_around_a_run_as_well(digits, monkeypatch):
    def pressed(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr("training.fit.patience_is_over", lambda epochs, _recipe: bool(epochs) and pressed())

    with pytest.raises(KeyboardInterrupt):
        MultilayerPerceptron().fit(digits[0], digits[2])


def test_nothing_is_printed(digits, capfd):
    scaled(epochs=2).fit(digits[0], digits[2]).predict(digits[1])

    assert capfd.readouterr() == ("", "")


def test_every_field_of_a_recipe_that_is_not_about_pictures_is_a_parameter():
    about_pictures = {
        *Augmentation.model_fields,
        *("model", "dataset", "preparation", "height", "width", "low", "high", "pool", "test", "train_sample"),
        *("printed", "written", "enlarged", "outliers"),
        *("start", "replay", "corrections", "feedback_weight"),
    }

    found = set(inspect.signature(MultilayerPerceptron).parameters)

    assert found == set(Recipe.model_fields) - about_pictures - {"seed"} | {"random_state"}


def pictures(x):
    """The pixels of rows from 0 to 16, as a service gets them."""
    return (x.reshape(-1, 8, 8) * 255 / 16).astype(np.float32)


@pytest.mark.parametrize("before", [(), (StandardScaler(),), (StandardScaler(), "passthrough", PCA(20))], ids=str)
def test_a_fitted_pipeline_becomes_a_version_that_answers_the_same(digits, tmp_path, before):
    x, x_test, y, y_test = digits
    model = make_pipeline(*before, MultilayerPerceptron(epochs=10, random_state=0)).fit(x, y)
    store = LocalStore(tmp_path / "models")

    number = publish(store, from_estimator(model), "digits", low=0, high=16)

    scores = store.read("digits", number).scores(pictures(x_test))
    np.testing.assert_allclose(scores, model.predict_proba(x_test), atol=1e-4)
    assert (scores.argmax(axis=1) == y_test).mean() > 0.9
    assert store.metadata("digits", number).labels == tuple("0123456789")


def test_of_a_search_the_best_becomes_the_version(digits):
    x, _, y, _ = digits
    search = GridSearchCV(scaled(epochs=2), {"multilayerperceptron__hidden": [(4,), (8,)]}, cv=2).fit(x, y)

    taken = from_estimator(search)

    assert len(taken.layers[0].biases) == search.best_params_["multilayerperceptron__hidden"][0]


def test_what_is_no_fitted_network_behind_affine_steps_is_refused(digits):
    x, _, y, _ = digits
    curved = make_pipeline(FunctionTransformer(np.square), MultilayerPerceptron(epochs=1)).fit(x, y)

    with pytest.raises(ImportRefused, match=r"FunctionTransformer.* not affine"):
        from_estimator(curved)
    with pytest.raises(ImportRefused, match="has not been fitted"):
        from_estimator(MultilayerPerceptron())
    with pytest.raises(ImportRefused, match="a StandardScaler, not a MultilayerPerceptron"):
        from_estimator(StandardScaler())
