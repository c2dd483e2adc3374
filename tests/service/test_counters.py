"""What is counted, by whom, and that neither clients nor the store make it grow."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from mlp.aliases import AliasDocument
from mlp.errors import NoInk
from mlp.version import Version
from service.board import Board
from service.count_layout import CLASSES, REQUESTS, VERSIONS, Prediction
from service.counted import Counted
from service.counters import PHASES, Counters
from service.errors import BadItem
from service.live import Snapshot
from tests.drafts import make_draft


@pytest.fixture
def board():
    board = Board(2, swap_seconds=20, poll_seconds=1)
    board.commit(board.cell("digits"), board.propose("digits", AliasDocument(generation=1, aliases={"production": 1})))
    return board


@pytest.fixture
def counters(board):
    counters = Counters(board)
    counters.know(["/predict", "/models/<name>"])
    return counters


def snapshot(number=1, labels="0123456789"):
    draft = make_draft(labels=labels)
    metadata = draft.metadata.model_copy(update={"version": number})
    return Snapshot(Version(metadata, draft.layers, draft.golden_inputs, np.zeros((0, len(labels)))), 1, cell=0)


def predict(counters, asked, indices, confidence=0.75, prepare=0.0):
    indices = np.array(indices)
    moments = (1.0, 1.25 - prepare, 1.25, 2.0, 2.5)
    scores = np.zeros((len(indices), len(asked.version.metadata.labels)), np.float32)
    scores[np.arange(len(indices)), indices] = confidence
    counters.predicted(asked, scores, indices, moments)


def samples(counters):
    """By name and labels, as Prometheus reads them."""
    counters.add_up()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Counted(counters))
    text = generate_latest(registry).decode()
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_request_is_counted_by_route_method_and_status_and_by_its_duration(counters):
    counters.request_ended("/predict", "POST", 200, 0.003)
    counters.request_ended("/predict", "POST", 200, 0.004)
    counters.request_ended("/predict", "POST", 422, 20.0)

    found = samples(counters)

    assert found["mlp_requests_total", "/predict", "200", "POST"] == 2
    assert found["mlp_requests_total", "/predict", "422", "POST"] == 1
    assert found["mlp_request_duration_seconds_bucket", "/predict", "0.0025"] == 0
    assert found["mlp_request_duration_seconds_bucket", "/predict", "0.005"] == 2
    assert found["mlp_request_duration_seconds_bucket", "/predict", "10.0"] == 2
    assert found["mlp_request_duration_seconds_bucket", "+Inf", "/predict"] == 3
    assert found["mlp_request_duration_seconds_sum", "/predict"] == pytest.approx(20.007)


def test_a_batch_is_counted_by_its_classes_confidences_and_phases(counters):
    predict(counters, snapshot(), [7, 7, 2], confidence=0.75)
    predict(counters, snapshot(), [0], confidence=1.0, prepare=0.125)

    found = samples(counters)

    assert found["mlp_batches_total", "1", "digits"] == 2
    assert found["mlp_images_total", "1", "digits"] == 4
    assert [found["mlp_predictions_total", *sorted((label, "1", "digits"))] for label in "0237"] == [1, 1, 0, 2]
    assert found["mlp_confidence_bucket", "0.7", "1", "digits"] == 0
    assert found["mlp_confidence_bucket", "0.8", "1", "digits"] == 3
    assert found["mlp_confidence_bucket", "1", "1.0", "digits"] == 4
    assert found["mlp_confidence_sum", "1", "digits"] == pytest.approx(3.25)
    seconds = {phase: found["mlp_phase_seconds_sum", *sorted((phase, "1", "digits"))] for phase in PHASES}
    assert seconds == {"parse": 0.375, "prepare": 0.125, "infer": 1.5, "answer": 1.0}
    assert found["mlp_phase_seconds_count", "1", "digits", "prepare"] == 1


def test_what_several_threads_note_while_another_adds_up_is_counted_to_the_last(counters):
    asked, ended = snapshot(), threading.Event()

    def add_up():
        while not ended.is_set():
            counters.add_up()

    def ask(_):
        for _ in range(2000):
            counters.request_ended("/predict", "POST", 200, 0.001)
            predict(counters, asked, [3])

    adding = threading.Thread(target=add_up)
    adding.start()
    with ThreadPoolExecutor(5) as threads:
        list(threads.map(ask, range(5)))
    ended.set()
    adding.join()

    found = samples(counters)
    assert found["mlp_requests_total", "/predict", "200", "POST"] == 10_000
    assert found["mlp_images_total", "1", "digits"] == 10_000


def test_a_worker_says_that_it_has_added_up_when_it_has(counters, monkeypatch):
    """Said earlier, it would let another worker tell the sums while the last of them are still missing."""
    counters.add_up()
    before, seen = counters.shared.words[counters._added], []
    monkeypatch.setattr(counters._row, "rejection", lambda _: seen.append(counters.shared.words[counters._added]))
    counters.rejected(NoInk("blank"))

    counters.add_up()

    assert seen == [before]
    assert counters.shared.words[counters._added] > before


def test_without_a_thread_that_adds_up_notes_do_not_gather(counters):
    for _ in range(2000):
        counters.request_ended("/predict", "POST", 200, 0.001)

    assert len(counters._requests) < 1000


def test_a_successor_goes_on_where_a_worker_ended(counters):
    for slot in (0, 1, 0):
        counters.join(slot)
        predict(counters, snapshot(), [7])
        counters.request_ended("/predict", "POST", 200, 0.001)
        found = samples(counters)

    assert found["mlp_requests_total", "/predict", "200", "POST"] == 3
    assert found["mlp_predictions_total", *sorted(("7", "1", "digits"))] == 3
    assert found[("mlp_worker_starts_total",)] == 3


def test_a_client_s_paths_and_methods_make_no_series(counters):
    for number in range(3000):
        counters.request_ended(f"/{number}", f"FETCH{number}", 404, 0.001)
    before = len(samples(counters))
    for number in range(3000):
        counters.request_ended(f"/more/{number}", f"GRAB{number}", 404, 0.001)

    assert len(samples(counters)) == before
    assert samples(counters)["mlp_requests_total", "404", "other", "unmatched"] == 6000


def test_more_kinds_of_requests_than_there_are_rows_are_counted_together(counters):
    for status in range(1000):
        counters.request_ended("/predict", "POST", status, 0.001)

    found = samples(counters)

    kinds = [value for key, value in found.items() if key[0] == "mlp_requests_total"]
    assert (len(kinds), sum(kinds)) == (REQUESTS, 1000)
    assert found["mlp_requests_total", "other", "other", "other"] == 1000 - (REQUESTS - 1)


def test_versions_that_nothing_names_make_room_for_others_and_production_keeps_its_counts(counters):
    for number in range(1, 50):
        predict(counters, snapshot(number), [7])
        predict(counters, snapshot(1), [7])
        counters.add_up()

    images = {key[1:]: value for key, value in samples(counters).items() if key[0] == "mlp_images_total"}

    assert len(images) == VERSIONS
    assert images["1", "digits"] == 50
    assert images["49", "digits"] == 1


def test_a_version_that_comes_back_begins_anew_for_every_worker(counters):
    numbers = [2, *range(3, 3 + VERSIONS), 2]
    for number in numbers:
        for slot in (0, 1):
            counters.join(slot)
            predict(counters, snapshot(number), [7])
            counters.add_up()

    images = {key[1:]: value for key, value in samples(counters).items() if key[0] == "mlp_images_total"}

    assert images["2", "digits"] == 2


@pytest.mark.parametrize("pictures", [1, 2, 500])
def test_many_pictures_are_counted_as_one_is(counters, pictures):
    indices = np.random.default_rng(0).integers(0, 10, pictures)
    predict(counters, snapshot(), indices, confidence=0.5)

    found = samples(counters)

    counted = [found["mlp_predictions_total", *sorted((label, "1", "digits"))] for label in "0123456789"]
    assert counted == np.bincount(indices, minlength=10).tolist()
    assert found["mlp_confidence_sum", "1", "digits"] == pytest.approx(pictures / 2)


def test_classes_behind_the_last_that_is_counted_are_counted_together(counters):
    labels = tuple(f"c{number}" for number in range(CLASSES + 3))
    predict(counters, snapshot(labels=labels), [0, CLASSES - 1, CLASSES, CLASSES + 2])

    counted = {key[1:]: value for key, value in samples(counters).items() if key[0] == "mlp_predictions_total"}

    assert len(counted) == CLASSES + 1
    assert counted["1", "digits", "other"] == 2
    assert counted["1", f"c{CLASSES - 1}", "digits"] == 1


def test_names_of_classes_that_find_no_room_are_left_out(counters):
    labels = tuple(f"{'class' * 30}{number}" for number in range(20))
    predict(counters, snapshot(labels=labels), [19])

    counted = {key[1:]: value for key, value in samples(counters).items() if key[0] == "mlp_predictions_total"}

    assert counted == {("1", "19", "digits"): 1}


def test_an_item_is_rejected_for_what_is_wrong_with_it_and_a_stranger_s_error_is_ours(counters):
    counters.rejected(BadItem(("body", 3), NoInk("empty")))
    counters.rejected(ZeroDivisionError())

    found = samples(counters)

    assert found["mlp_rejections_total", "NoInk"] == 1
    assert found["mlp_rejections_total", "Unexpected"] == 1


def test_what_a_version_could_not_answer_and_when_it_last_did_are_those_of_all_workers(board, counters, monkeypatch):
    now = iter([2_000_000_000, 5_000_000_000, 3_000_000_000])
    monkeypatch.setattr("service.counters.time.time_ns", lambda: next(now) * 1_000)
    for slot in (0, 1, 0):
        counters.join(slot)
        predict(counters, snapshot(1), [3, 4])
        counters.failed(snapshot(1), 0.25)
        counters.failed(snapshot(2), 0.5)
        counters.add_up()

    first, second = sorted(Counted(counters).predicted(), key=lambda found: found.names)

    assert (first.images, first.counts[Prediction.BATCHES]) == (6, 3)
    assert first.counts[Prediction.LAST] == 5_000_000
    assert (first.counts[Prediction.FAILED], first.counts[Prediction.FAILED_SECONDS]) == (3, 0.75)
    assert (second.images, second.counts[Prediction.FAILED], second.counts[Prediction.FAILED_SECONDS]) == (0, 3, 1.5)
