"""Cross-validation: what the folds are, and the command on local processes and on a Dask cluster."""

import re

import numpy as np
import pytest
from click.testing import CliRunner

from tests.training.conftest import examples, quarters
from tests.training.test_cli import run
from training import folds
from training.cli import main
from training.errors import DataError
from training.recipes import Recipe


@pytest.fixture
def data(tmp_path):
    return written(tmp_path / "quarters.npz")


def written(path, test_seed=1):
    (images, labels), (test_images, test_labels) = quarters(400), quarters(80, seed=test_seed)
    np.savez(path, x_train=images, y_train=labels, x_test=test_images, y_test=test_labels)
    return path


def arguments(data, *more):
    return (
        "crossvalidate", "pictures", "--dataset", data, "--model", "quarters", "--validation", "40",
        "--hidden", "8", "--epochs", "5", "--batch-size", "10", "--folds", "4", *more,
    )  # fmt: skip


def rows(out):
    """The rows of the folds: number, accuracy, loss, epoch; not what depends on the machine."""
    return re.findall(r"^(\d+) +([\d.]+%) +([\d.]+) +(\d+) +[\d.]+$", out, re.MULTILINE)


def test_each_example_is_in_one_fold_and_each_class_in_all_of_them():
    labels = np.repeat([0, 1, 2], [10, 23, 8])

    found = folds.parts(labels, 4, seed=1)

    assert sorted(np.concatenate(found)) == list(range(41))
    assert {len(part) for part in found} == {10, 11}
    for part in found:
        shares = np.array([10, 23, 8]) * len(part) / 41
        assert (abs(np.bincount(labels[part]) - shares) < 1).all()
    assert all(np.array_equal(*pair) for pair in zip(found, folds.parts(labels, 4, seed=1), strict=True))
    with pytest.raises(DataError, match="expected 9 or more"):
        folds.parts(labels, 9, seed=1)


def test_what_is_measured_was_neither_trained_on_nor_chosen_by(monkeypatch):
    pool = examples(200)
    seen = []

    def fit(recipe, train, validation, classes, **how):
        seen.append((train, validation))
        raise DataError("enough")

    monkeypatch.setattr(folds.run, "fit", fit)
    recipe = Recipe(hidden=(4,), validation=30, epochs=1)
    for number, held in enumerate(folds.parts(pool.labels, 5, recipe.seed)):
        with pytest.raises(DataError, match="enough"):
            folds.attempt(folds.Folds(pool, tuple("abcd"), recipe, 5), number, lambda _: None)
        train, validation = seen.pop()
        assert (len(train), len(validation), len(held)) == (130, 30, 40)
        pictures = [part.pixels.reshape(len(part), -1).tolist() for part in (train, validation)]
        every = {tuple(row) for part in pictures for row in part}
        assert len(every) == 160
        assert not every & {tuple(row) for row in pool.pixels[held].reshape(40, -1).tolist()}


def test_the_command_prints_each_fold_and_how_they_differ(store, data, cluster, tmp_path):
    here = run(store, *arguments(data, "--workers", 2))

    assert [row[0] for row in rows(here)] == list("0123")
    accuracies = np.array([float(row[1].rstrip("%")) for row in rows(here)])
    (mean, deviation) = re.findall(r"^accuracy ([\d.]+)% ± ([\d.]+)%", here, re.MULTILINE)[0]
    assert float(mean) == pytest.approx(accuracies.mean(), abs=0.01)
    assert float(deviation) == pytest.approx(accuracies.std(ddof=1), abs=0.02)
    assert accuracies.min() > 60
    assert not store.root.exists()
    other_test = written(tmp_path / "other.npz", test_seed=2)
    there = run(store, *arguments(other_test, "--cluster", cluster.address))
    assert rows(there) == rows(here)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--folds", "101"), "expected 101 or more: one for each part"),
        (("--validation", "300"), "300 examples are to be kept from training, and there are 300 in all"),
        (("--dropout", "2"), "dropout"),
        (("--learning-rate", "1e30", "--loss", "mse", "--output", "identity"), "the loss is"),
    ],
)
def test_what_cannot_be_is_one_line_and_status_1(data, more, says):
    result = CliRunner().invoke(main, [*map(str, arguments(data)), *more])

    assert result.exit_code == 1
    assert says in result.output
    assert "Traceback" not in result.output
