"""The parts that need no peer: taking turns, the tables, and our own contestants on shapes that take no time."""

import re
import sys

import numpy as np
import pytest

from benchmarks.training import goals, table
from benchmarks.training.contestant import ENTRIES, contestant
from benchmarks.training.field import Field, LearnsNothing, Place, Result
from benchmarks.training.goals import Run
from benchmarks.training.pictures import Pictures, features
from benchmarks.training.process import Ended, NotInstalled, Process
from benchmarks.training.rounds import Times, alternate, share
from benchmarks.training.shapes import FAST, LARGE, Shape, book
from tests.drafts import ROOT
from training import recipes, schedules

TINY = Shape((8,), 10, "sigmoid", "sgd", 5.0)
HERE = sorted(entry.module for entry in ENTRIES.values() if not entry.peer)


@pytest.fixture
def pictures():
    """200 training and 50 test pictures of 28 × 28 whose bright row is their label."""
    rng = np.random.default_rng(0)

    def drawn(n):
        labels = np.arange(n) % 10
        pixels = rng.integers(0, 40, (n, 28, 28), dtype=np.uint8)
        pixels[np.arange(n), labels * 2] = 255
        return pixels, labels.astype(np.intp)

    return Pictures(*drawn(200), *drawn(50))


@pytest.fixture
def folder(pictures, tmp_path):
    pictures.write(tmp_path)
    return tmp_path


def test_contestants_take_turns_and_another_one_begins_each_round():
    calls = []

    def turn(name, seconds):
        return lambda: (calls.append(name), (seconds, seconds / 2))[1]

    times = alternate({"a": turn("a", 1.0), "b": turn("b", 3.0), "c": turn("c", 5.0)}, rounds=3)

    assert "".join(calls) == "abcbcacab"
    assert times["b"].seconds == (3.0, 3.0, 3.0)
    assert share(times) == pytest.approx(0.5)


@pytest.mark.parametrize("module", ["book", "ours"])
def test_ours_and_the_book_s_code_learn(module, pictures):
    trainer = contestant(module, TINY, pictures, cores=1)
    trainer.prepare()
    untrained = trainer.accuracy()

    for _ in range(20):
        trainer.epoch()

    assert untrained < 0.5
    assert trainer.accuracy() > 0.9
    trainer.close()


@pytest.mark.parametrize("module", ["book", "ours"])
def test_to_prepare_is_to_begin_anew(module, pictures):
    trainer = contestant(module, TINY, pictures, cores=1)
    trainer.prepare()
    untrained = trainer.accuracy()
    for _ in range(20):
        trainer.epoch()

    trainer.prepare()

    assert trainer.accuracy() == untrained
    trainer.close()


def test_the_products_are_those_of_forward_and_backward_without_the_input_s_gradient(pictures, monkeypatch):
    shapes = []
    matmul = np.matmul

    def counted(a, b, out):
        shapes.append((*a.shape, b.shape[1]))
        return matmul(a, b, out=out)

    monkeypatch.setattr(np, "matmul", counted)
    trainer = contestant("products", Shape((8, 6), 150, "relu", "sgd", 0.1), pictures, cores=1)

    trainer.prepare()
    trainer.epoch()

    def of(n):
        forward = [(n, 784, 8), (n, 8, 6), (n, 6, 10)]
        return [*forward, (6, n, 10), (n, 10, 6), (8, n, 6), (n, 6, 8), (784, n, 8)]

    assert shapes == of(150) + of(50)  # 200 examples: the last batch is smaller
    assert trainer.accuracy() is None


def test_a_process_trains_when_it_is_told_to(folder):
    process = Process(sys.executable, "book", cores=[0], threads=1)
    try:
        process.load(TINY, folder)

        prepared = process.prepare()
        seconds, processor = process.epoch()

        assert prepared > 0
        assert 0 < processor <= seconds * 1.5
        assert 0 <= process.accuracy() <= 1
    finally:
        process.close()


def test_a_process_that_ends_is_said_to_have(folder, capfd):
    process = Process(sys.executable, "book", cores=[0], threads=1)
    try:
        with pytest.raises(Ended, match="book has ended with exit code 1 when asked to load"):
            process.load(LARGE[0], folder)  # two hidden layers
    finally:
        process.close()
    assert "ValueError" in capfd.readouterr().err


def test_a_peer_that_is_not_installed_is_left_out(folder, monkeypatch, capsys):
    def absent(*_):
        raise NotInstalled("jax is not installed")

    monkeypatch.setattr(Process, "load", absent)

    with Field({"ours": Place("ours", [0])}, folder, sys.executable) as field:
        assert field.loaded("ours", TINY) is None
        assert field.names() == []

    assert "ours is left out: jax is not installed" in capsys.readouterr().err


def test_who_does_not_learn_is_not_timed(folder):
    still = Shape((8,), 10, "sigmoid", "sgd", 1e-9)

    with (
        Field({"book's code": Place("book's code", [0])}, folder, sys.executable) as field,
        pytest.raises(LearnsNothing, match="book's code has an accuracy of"),
    ):
        field.measure(still, rounds=1)


def test_all_here_are_measured_in_processes_and_deep_networks_without_the_book_s(folder):
    places = {name: Place(name, [0]) for name, entry in ENTRIES.items() if not entry.peer}
    deep = Shape((16, 12), 5, "relu", "nesterov", 0.05, momentum=0.9)

    with Field(places, folder, sys.executable) as field:
        found = field.measure(deep, rounds=2)

    assert set(found) == {"products alone", "ours"}
    assert all(len(result.times.seconds) == 2 for result in found.values())


class Scripted:
    """Learns as it is told, a second an epoch, after two to get ready."""

    def __init__(self, *accuracies):
        self._accuracies = iter(accuracies)

    def prepare(self):
        return 2.0

    def epoch(self):
        return 1.0, 1.0

    def accuracy(self):
        return next(self._accuracies)


def test_the_time_to_an_accuracy_includes_getting_ready_and_ends_with_the_last_goal():
    found = goals.run(Scripted(0.9, 0.975, 0.969, 0.981), epochs=20)

    assert found.reached == {0.97: 4.0, 0.98: 6.0}
    assert (found.epochs, found.best) == (4, 0.981)


def test_a_goal_that_is_not_reached_is_a_dash():
    runs = {"slow": [goals.run(Scripted(0.9, 0.972), epochs=2) for _ in range(3)]}

    assert table.goal_rows(runs, {"slow": "784-8-10"}) == [
        ["slow", "784-8-10", "2.00", "4.00", "–", "2", "97.20"],
    ]


def test_most_runs_must_reach_a_goal():
    run = Run(prepare=0.0, seconds=5.0, epochs=3, best=0.979, reached={0.97: 3.0})
    lucky = Run(prepare=0.0, seconds=4.0, epochs=3, best=0.981, reached={0.97: 2.0, 0.98: 4.0})

    ((*_, seconds, dash, _, _),) = table.goal_rows({"x": [run, run, lucky]}, {"x": ""})

    assert (seconds, dash) == ("3.00", "–")


RESULTS = {
    "784-8-10": {
        "products alone": Result(Times([1.0, 1.2, 2.0], [1.0, 1.0, 1.0]), 0.0, None),
        "ours": Result(Times([1.5, 2.4, 3.0], [1.2, 1.1, 1.3]), 0.25, 0.815),
    }
}


def test_a_row_has_the_median_the_range_and_the_ratio_to_ours():
    assert table.epoch_rows(RESULTS, "ours", processor=False) == [
        ["784-8-10", "products alone", "1.200", "1.000", "2.000", "0.50", "0.00", "–"],
        ["", "ours", "2.400", "1.500", "3.000", "1.00", "0.25", "81.5"],
    ]


def test_ratios_are_of_medians_of_the_least_and_of_processor_time():
    assert table.ratio_rows(RESULTS, "ours", "products alone", processor=True) == [
        ["784-8-10", "2.400", "1.200", "2.00", "1.50", "1.20"]
    ]


def test_a_row_has_as_many_cells_as_its_head():
    assert len(table.epoch_rows(RESULTS, "ours", processor=False)[0]) == len(table.EPOCHS)
    assert len(table.epoch_rows(RESULTS, "ours", processor=True)[0]) == len(table.EPOCHS + table.PROCESSOR)
    assert len(table.goal_rows({"x": [Run(0.0)]}, {"x": ""})[0]) == len(table.GOALS)


def test_the_fast_shape_is_the_recipe_fast():
    recipe = recipes.load("fast")

    for name in (
        "hidden",
        "activation",
        "optimiser",
        "learning_rate",
        "momentum",
        "schedule",
        "warmup",
        "epochs",
    ):
        assert getattr(FAST, name) == getattr(recipe, name)
    assert FAST.batch == recipe.batch_size
    assert (recipe.low, recipe.high) == (0, 1)


def test_peers_get_the_learning_rates_that_ours_has():
    for step in (1, 50, 129, 800, 1719):
        ours = FAST.learning_rate * schedules.factor("cosine", step / 430, FAST.epochs, FAST.warmup)

        assert FAST.rate(step, 430) == pytest.approx(ours)
    assert book(50, 100).rate(77, 550) == 1.0


def test_pixels_become_features_from_0_to_1(pictures):
    x = features(pictures.pixels, np.float32)

    assert x.shape == (200, 784)
    assert (x.dtype, x.max()) == (np.float32, pytest.approx(1.0))
    assert x.min() == pytest.approx(pictures.pixels.min() / 255)


def test_every_peer_is_pinned_by_hash_and_none_is_a_dependency_of_the_project():
    lock = (ROOT / "benchmarks/training/requirements.lock").read_text(encoding="utf-8")

    for package in re.findall(r"^[a-z].*$", lock, re.MULTILINE):
        assert re.fullmatch(r"[a-z0-9-]+==\S+ \\", package)
    assert "http" not in lock
    assert not re.search(r"torch|jax", (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("[tool.")[0])
