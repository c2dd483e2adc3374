"""The table of the HTTP benchmark, and that nobody is timed who answers something else."""

import json

import numpy as np
import pytest

from benchmarks.http import __main__ as bench
from benchmarks.http.contestant import NO_OP, OURS, Contestant
from benchmarks.http.question import QUESTIONS
from benchmarks.http.wrk import Load
from mlp import npy

PIXELS = np.random.default_rng(0).integers(0, 256, (4096, 28, 28), dtype=np.uint8)
SCORES = np.eye(10, dtype=np.float32)[[7, 2]]


class Answering:
    """A server that gives the same answer to everything."""

    def __init__(self, scores, labels):
        self.contestant = Contestant("peer", "")
        rows = zip(scores.tolist(), labels, strict=True)
        self.answer = json.dumps({"predictions": [{"scores": row, "label": label} for row, label in rows]}).encode()

    def ask(self, content_type, body):
        return self.answer


def question(name):
    (found,) = [question for question in QUESTIONS if question.name == name]
    return found


def test_the_table_says_how_many_times_faster_ours_is():
    found = {OURS: Load(300.0, 2.0), NO_OP: Load(400.0, 1.0), "peer": Load(100.0, 9.0)}

    assert bench.rows(question("256, raw"), found) == [
        ["256, raw", OURS, "300", "76,800", "2.0", ""],
        ["", NO_OP, "400", "", "1.0", "0.75"],
        ["", "peer", "100", "25,600", "9.0", "3.00"],
    ]


def test_a_contestant_with_the_network_s_scores_may_be_timed():
    bench.check(Answering(SCORES, ["7", "2"]), question("256, raw"), b"", SCORES)


@pytest.mark.parametrize(("scores", "labels"), [(SCORES[:1], ["7"]), (SCORES * 0.99, ["7", "2"]), (SCORES, ["7", "3"])])
def test_a_contestant_with_other_answers_ends_the_benchmark(scores, labels):
    with pytest.raises(bench.WrongAnswer):
        bench.check(Answering(scores, labels), question("256, raw"), b"", SCORES)


@pytest.mark.parametrize("name", ["256, JSON", "256, raw", "4096, npy"])
def test_a_body_holds_the_pictures(name):
    asked = question(name)
    pixels = PIXELS[: asked.pictures]

    body = asked.body(pixels)

    found = {
        "application/json": lambda: json.loads(body)["pixels"],
        "application/octet-stream": lambda: np.frombuffer(body, np.uint8),
        "application/x-npy": lambda: npy.parse(body),
    }[asked.content_type]()
    np.testing.assert_array_equal(np.array(found).reshape(-1, 28, 28), pixels)
