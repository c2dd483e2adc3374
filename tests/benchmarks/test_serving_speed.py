"""The HTTP benchmark: what it asks, that nobody is timed who answers something else, its tables, goals and profile."""

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.http import bare, field, goals, model, page, processes, profile, steps, table, way, wrk
from benchmarks.http.contestant import CEILING, CONTESTANTS, LIBRARIES, NO_OP, OURS, PEERS, Contestant
from benchmarks.http.question import KINDS, QUESTIONS, SMALL, Question
from benchmarks.http.results import Growth, Results, Standing
from benchmarks.http.serving import NotServing, Serving
from benchmarks.http.way import Answer
from benchmarks.http.wrk import Load
from mlp import npy
from mlp.network import Layer
from service.app import create_app
from service.settings import Settings
from tests.drafts import ROOT

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
SCORES = np.eye(10, dtype=np.float32)[[7, 2]]
FASTAPI = "FastAPI, uvicorn"


class Answering:
    """A server that gives the same answer to everything."""

    def __init__(self, scores, labels):
        self.contestant = Contestant("peer", "", {"raw": way.RAW})
        rows = zip(scores.tolist(), labels, strict=True)
        self.body = json.dumps({"predictions": [{"scores": row, "label": label} for row, label in rows]}).encode()

    def ask(self, kind, sent):
        return Answer({}, self.body)


@pytest.fixture
def network(tmp_path):
    return model.make(SMALL, tmp_path, PIXELS)


@pytest.fixture
def answers(network):
    return create_app(Settings(models=str(network.models))).extensions["predict"].direct


def check(server):
    field.check(server, Question("raw", 2), way.raw(PIXELS[:2]), SCORES)


def test_a_contestant_with_the_network_s_scores_may_be_timed():
    check(Answering(SCORES, ["7", "2"]))


@pytest.mark.parametrize(("scores", "labels"), [(SCORES[:1], ["7"]), (SCORES * 0.99, ["7", "2"]), (SCORES, ["7", "3"])])
def test_a_contestant_with_other_answers_ends_the_benchmark(scores, labels):
    with pytest.raises(field.WrongAnswer):
        check(Answering(scores, labels))


def test_a_contestant_with_an_answer_that_cannot_be_read_ends_the_benchmark():
    server = Answering(SCORES, ["7", "2"])
    server.body = b'{"scores": []}'

    with pytest.raises(field.WrongAnswer, match="cannot be read"):
        check(server)


def v2_binary_pixels(sent):
    length = int(sent.headers["Inference-Header-Content-Length"])
    (tensor,) = json.loads(sent.body[:length])["inputs"]
    assert tensor["parameters"]["binary_data_size"] == len(sent.body) - length
    return np.frombuffer(sent.body[length:], np.uint8).reshape(tensor["shape"])


@pytest.mark.parametrize(
    ("write", "read"),
    [
        (way.numbers, lambda sent: json.loads(sent.body)["pixels"]),
        (way.raw, lambda sent: np.frombuffer(sent.body, np.uint8)),
        (way.npy, lambda sent: npy.parse(sent.body)),
        (way.v2_json, lambda sent: json.loads(sent.body)["inputs"][0]["data"]),
        (way.v2_binary, v2_binary_pixels),
    ],
)
@pytest.mark.parametrize("n", [1, 3])
def test_a_body_holds_the_pictures(write, read, n):
    np.testing.assert_array_equal(np.array(read(write(PIXELS[:n]))).reshape(-1, 28, 28), PIXELS[:n])


def test_v2_s_scores_are_found_in_json_and_behind_it():
    labels = {"name": "labels", "shape": [2], "datatype": "INT64"}
    scores = {"name": "scores", "shape": [2, 10], "datatype": "FP32"}
    plain = {"outputs": [{**labels, "data": [7, 2]}, {**scores, "data": SCORES.reshape(-1).tolist()}]}
    sizes = {
        "outputs": [{**one, "parameters": {"binary_data_size": size}} for one, size in [(labels, 16), (scores, 80)]]
    }
    head = json.dumps(sizes).encode()
    binary = Answer({"inference-header-content-length": str(len(head))}, head + bytes(16) + SCORES.tobytes())

    for answer in (Answer({}, json.dumps(plain).encode()), binary):
        np.testing.assert_array_equal(way.v2(answer).scores, SCORES)


def test_what_wrk_has_printed_becomes_a_rate_and_a_tail():
    printed = 'Running 1s test\n{"requests": 500, "seconds": 2.0, "p50": 1.0, "p99": 7.5, "failed": 0}\n'

    assert wrk.parsed(printed, "there") == Load(250.0, 7.5, 500, 2.0)


@pytest.mark.parametrize(
    "printed",
    [
        "unable to connect",
        '{"requests": 500, "seconds": 2.0, "p50": 1.0, "p99": 7.5, "failed": 3}',
        '{"requests": 0, "seconds": 2.0, "p50": 0.0, "p99": 0.0, "failed": 0}',
    ],
)
def test_a_load_of_which_something_failed_is_no_figure(printed):
    with pytest.raises(wrk.NoLoad, match="there"):
        wrk.parsed(printed, "there")


def test_the_median_of_the_rounds_counts():
    assert Load.medians([Load(1.0, 9.0), Load(5.0, 2.0), Load(3.0, 4.0)]) == Load(3.0, 4.0)


LOADS = {
    Question("JSON", 1): {
        OURS: Load(300.0, 2.0),
        NO_OP: Load(400.0, 1.0),
        FASTAPI: Load(100.0, 4.0),
        CEILING: Load(900.0),
    },
    Question("raw", 256): {OURS: Load(30.0, 2.0), FASTAPI: Load(10.0, 9.0), bare.ALONE: Load(40.0)},
}


def test_the_table_says_how_many_times_faster_ours_is():
    found = table.rates({Question("raw", 256): LOADS[Question("raw", 256)]})

    assert found.rows == [
        ["256, raw", OURS, "30.0", "7,680", "2.0", ""],
        ["", FASTAPI, "10.0", "2,560", "9.0", "3.00"],
        ["", bare.ALONE, "40.0", "10,240", "–", "0.75"],
    ]


def test_a_goal_is_held_against_the_best_peer_and_never_against_a_limit():
    found = {goal.what: goal for goal in goals.reached(Results(loads=LOADS))}

    assert found["one, JSON: × the best peer"].reached == pytest.approx(3.0)
    assert found[f"one, JSON: × {NO_OP}"].reached == pytest.approx(0.75)
    assert found[f"256, raw: × {bare.ALONE}"].reached == pytest.approx(0.75)
    assert found["one, JSON: p99 × the best peer's"].reached == pytest.approx(0.5)
    assert all(goal.is_reached for goal in found.values())


@pytest.mark.parametrize(("ours", "p99", "reached"), [(170.0, 4.0, [False, True]), (190.0, 4.1, [True, False])])
def test_a_goal_that_is_missed_is_said_to_be(ours, p99, reached):
    loads = {Question("JSON", 1): {OURS: Load(ours, p99), FASTAPI: Load(100.0, 4.0)}}

    assert [goal.is_reached for goal in goals.reached(Results(loads=loads))] == reached


def test_memory_that_still_grows_is_a_missed_goal():
    growth = Growth(1.0, {0: 70.0, 50_000: 110.0, 100_000: 112.5})

    memory, added, start = goals.reached(Results(growth=growth))

    assert (memory.reached, added.reached, start.reached) == (112.5, 2.5, 1.0)
    assert [goal.is_reached for goal in (memory, added, start)] == [True, False, True]


def test_the_page_needs_nothing_else_and_escapes_what_it_shows():
    growth = Growth(1.0, {0: 70.0, 10: 110.0, 20: 110.0})
    tables = [table.rates(LOADS), table.servers([Standing("<b>", 1.0, 2.0)], growth), table.goals([])]

    text = page.html(["2 cores"], tables, LOADS)

    assert "data:image/svg+xml;base64," in text
    assert "&lt;b&gt;" in text
    assert not re.search(r"""(src|href)=["'](?!data:)""", text)


def test_a_page_without_a_question_has_tables_all_the_same():
    assert "Goals" in page.html([], [table.goals([])], {})


def test_every_question_is_one_row_and_ours_knows_all_kinds():
    (ours,) = (contestant for contestant in CONTESTANTS if contestant.name == OURS)

    assert len({str(question) for question in QUESTIONS}) == len(QUESTIONS)
    assert set(ours.ways) == set(KINDS)
    assert {NO_OP, CEILING, OURS}.isdisjoint(PEERS)


def test_the_forward_pass_in_plain_numpy_gives_the_same_scores(network):
    layers = tuple(
        Layer(np.random.default_rng(0).normal(0, 0.1, (i, o)).astype(np.float32), np.zeros(o, np.float32), name)
        for (i, o), name in zip(pairwise([784, 20, 10]), ["relu", "softmax"], strict=True)
    )
    other = replace(network.version, layers=layers)

    for version in (network.version, other):
        np.testing.assert_allclose(bare.plain(version, PIXELS), version.scores(PIXELS), atol=1e-5)


def test_descendants_are_counted_also_when_they_have_a_session_of_their_own():
    child = "import sys; sys.stdin.read()"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], start_new_session=True)"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as parent:
        try:
            end = time.monotonic() + 30
            while len(processes.tree(parent.pid)) < 2 and time.monotonic() < end:
                os.sched_yield()
            assert len(processes.tree(parent.pid)) == 2
            assert processes.memory(parent.pid) > 1
        finally:
            parent.stdin.close()  # what the child reads, too: both end


def test_a_server_that_ends_says_what_it_has_printed(tmp_path):
    contestant = Contestant("peer", "{python} -m no_such_module", {"JSON": way.JSON})
    serving = Serving(contestant, sys.executable, {}, tmp_path / "log", first=way.numbers(PIXELS[:1]))

    with pytest.raises(NotServing, match="no_such_module"), serving:
        pass


def test_every_moment_of_a_call_is_given_to_the_innermost_step():
    clock = steps.Clock()
    inner = clock.timed(lambda: sum(range(20_000)), "inner")
    outer = clock.timed(lambda: [inner(), inner()], "outer")

    spent = clock.call(outer)

    assert spent["inner"] > spent["outer"] > 0
    assert set(spent) == {"inner", "outer", steps.REST}


@pytest.mark.parametrize("question", profile.QUESTIONS, ids=str)
def test_the_profile_finds_each_step_of_the_service(answers, question):
    pictures = np.zeros((question.pictures, 28, 28), np.uint8)
    pictures[:, 8:20, 12:16] = 255
    asked = next(c for c in CONTESTANTS if c.name == OURS).ways[question.kind]

    spent = steps.spent(answers, asked.path, asked.write(pictures), 3)

    pictured = {steps.PREPARE} if question.kind == "PNG" else set()
    assert {step for step, spent_on in spent.items() if spent_on} == set(spent) - {steps.PREPARE} | pictured


def test_the_profile_refuses_to_time_an_error(answers):
    with pytest.raises(steps.NotAnswered):
        steps.spent(answers, "/elsewhere", way.raw(PIXELS[:1]), 1)


def test_every_peer_s_environment_is_pinned_by_hash():
    for name in filter(None, LIBRARIES):
        lock = (ROOT / f"benchmarks/http/requirements/{name}.lock").read_text(encoding="utf-8")
        assert "://" not in lock
        for package in re.findall(r"^[a-z].*$", lock, re.MULTILINE):
            assert re.fullmatch(r"[a-z0-9-]+==\S+ (; .* )?\\", package)
    assert {contestant.environment for contestant in CONTESTANTS} == set(LIBRARIES)
