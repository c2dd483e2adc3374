import base64
import os
from types import SimpleNamespace

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from mlp.aliases import Rule
from service.app import create_app
from service.layout import Tally
from service.rule import Promoter
from service.settings import Settings
from service.shadow import counts
from tests.drafts import make_draft

PICTURES = (np.random.default_rng(3).random((40, 28, 28)) < 0.05).astype(np.uint8) * np.uint8(255)


@pytest.fixture
def published(published):
    published.promote("digits", 2, "shadow")
    return published


@pytest.fixture
def worker(published):
    """An app whose process takes part in swaps as a worker, without the threads."""
    return Worker(create_app(Settings(models=published.root, shadow_queue=50, shadow_examples=3)))


class Worker:
    def __init__(self, app):
        self.live, self.shadow = app.extensions["live"], app.extensions["shadow"]
        self.client = app.test_client()
        self.slot = self.live.join(os.getpid())

    def ask(self, pictures, query=""):
        with self.client.post(
            f"/predict{query}", data=pictures.tobytes(), content_type="application/octet-stream"
        ) as answer:
            return answer.json

    def compare_all(self):
        while self.shadow.compare_next(self.slot, wait_seconds=0):
            pass

    def shown(self):
        return self.client.get("/models/digits").json["shadow"]


def expected(store):
    here, there = (store.read("digits", number).scores(PICTURES) for number in (1, 2))
    agreement = (here.argmax(axis=1) == there.argmax(axis=1)).mean()
    return agreement, np.abs(here - there).max(axis=1).mean()


def test_agreement_and_distance_are_those_of_the_two_versions(worker, published):
    worker.ask(PICTURES)
    worker.compare_all()

    agreement, distance = expected(published)
    assert 0 < agreement < 1, "else the test shows little"
    shown = worker.shown()
    assert (shown["version"], shown["production"], shown["pictures"]) == (2, 1, 40)
    assert shown["agreement"] == pytest.approx(agreement)
    assert shown["distance"] == pytest.approx(distance, abs=1e-5)


def test_the_answer_does_not_wait_for_the_shadow(worker, monkeypatch):
    monkeypatch.setattr(type(worker.shadow), "compare_next", lambda *_: pytest.fail("compared in the request"))

    assert worker.ask(PICTURES[:1])["version"] == 1
    assert worker.shown()["pictures"] == 0


def test_what_there_is_no_room_for_is_dropped_and_counted(worker):
    for _ in range(3):
        worker.ask(PICTURES)
    worker.compare_all()

    shown = worker.shown()
    assert (shown["pictures"], shown["dropped"]) == (50, 70)


def test_room_is_given_back(worker):
    for _ in range(3):
        worker.ask(PICTURES)
        worker.compare_all()

    assert worker.shown()["pictures"] == 120
    assert worker.shown()["dropped"] == 0


@pytest.mark.parametrize("query", ["?version=2", "?version=1", "?version=shadow"])
def test_only_what_production_answers_is_compared(worker, query):
    worker.ask(PICTURES, query)
    worker.compare_all()

    assert worker.shown()["pictures"] == 0


def test_counts_are_those_of_all_workers_and_outlive_them(worker, published):
    worker.ask(PICTURES)
    worker.compare_all()
    worker.live.board.workers.free(os.getpid())
    worker.live.board.workers.claim(os.getpid() + 1)
    worker.slot = worker.live.slot = worker.live.board.workers.claim(os.getpid() + 2)
    worker.ask(PICTURES[:10])
    worker.compare_all()

    assert worker.shown()["pictures"] == 50


def test_counts_begin_anew_for_another_shadow(worker, published):
    worker.ask(PICTURES)
    worker.compare_all()
    make_draft(seed=3).publish(published)
    published.promote("digits", 3, "shadow")
    worker.live.refresh()
    assert worker.shown()["pictures"] == 0

    worker.ask(PICTURES[:5])
    worker.compare_all()

    assert (worker.shown()["version"], worker.shown()["pictures"]) == (3, 5)


def test_examples_of_disagreement_are_a_ring_with_the_newest_first(worker, published):
    for number, picture in enumerate(PICTURES):
        worker.client.post(
            "/predict",
            data=picture.tobytes(),
            content_type="application/octet-stream",
            headers={"X-Request-Id": f"picture-{number}"},
        ).close()
        worker.compare_all()

    examples = worker.shown()["examples"]
    here, there = (published.read("digits", number).scores(PICTURES).argmax(axis=1) for number in (1, 2))
    disagreed = np.flatnonzero(here != there)[::-1]
    assert [example["request_id"] for example in examples] == [f"picture-{number}" for number in disagreed[:3]]
    first = examples[0]
    assert first["production"]["label"] == str(here[disagreed[0]])
    assert first["shadow"]["label"] == str(there[disagreed[0]])
    assert base64.b64decode(first["pixels"]) == PICTURES[disagreed[0]].tobytes()


def test_no_example_is_kept_unless_that_is_set(published):
    worker = Worker(create_app(Settings(models=published.root)))
    worker.ask(PICTURES)
    worker.compare_all()

    assert "examples" not in worker.shown()
    assert worker.live.board.examples() == []


def test_a_shadow_for_other_pictures_is_counted_as_failed(published):
    make_draft(height=8, width=8).publish(published)
    published.promote("digits", 3, "shadow")
    worker = Worker(create_app(Settings(models=published.root)))

    worker.ask(PICTURES)
    worker.compare_all()

    assert (worker.shown()["failed"], worker.shown()["pictures"]) == (40, 0)


def test_a_shadow_with_other_classes_is_compared_by_their_names(published):
    make_draft(seed=2, labels="1023456789").publish(published)
    published.promote("digits", 3, "shadow", force=True)
    worker = Worker(create_app(Settings(models=published.root)))

    worker.ask(PICTURES)
    worker.compare_all()

    names = np.array(list("1023456789"))
    here = published.read("digits", 1).scores(PICTURES).argmax(axis=1).astype(str)
    there = names[published.read("digits", 3).scores(PICTURES).argmax(axis=1)]
    assert worker.shown()["agreement"] == pytest.approx((here == there).mean())


def test_the_metrics_say_the_same(worker):
    for _ in range(2):
        worker.ask(PICTURES)
    worker.compare_all()
    shown = worker.shown()

    text = worker.client.get("/metrics", headers={"Accept": "text/plain"}).text

    found = {sample.name: sample for family in text_string_to_metric_families(text) for sample in family.samples}
    assert found["mlp_shadow_pictures_total"].labels == {"model": "digits", "production": "1", "shadow": "2"}
    assert found["mlp_shadow_pictures_total"].value == shown["pictures"]
    assert found["mlp_shadow_agreed_total"].value == round(shown["agreement"] * shown["pictures"])
    assert found["mlp_shadow_distance_total"].value == pytest.approx(shown["distance"] * shown["pictures"], rel=1e-4)
    assert found["mlp_shadow_dropped_total"].value == shown["dropped"] > 0


def test_swaps_refusals_and_the_generation_are_metrics(worker, published):
    live = worker.live
    live.board.workers.free(os.getpid())
    live.slot = None
    path = published.root / "digits" / "aliases.json"
    path.write_text('{"generation": 7, "aliases": {"production": 99}}')
    live.refresh()

    text = worker.client.get("/metrics").text

    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = {sample.name: sample.value for sample in samples}
    (refused,) = [sample for sample in samples if sample.name == "mlp_model_refused"]
    assert "version 99" in refused.labels["reason"]
    assert found["mlp_model_generation"] == 2
    assert found["mlp_model_swaps_total"] == 1
    assert found["mlp_model_refusals_total"] == 1
    assert found["mlp_model_ready"] == 1
    assert 0 <= found["mlp_store_age_seconds"] < 60


def promoted(worker, published, rule, pictures=PICTURES):
    """Compare some pictures under a rule, let the promoter look twice, and give the document that comes of it."""
    published.set_rule("digits", rule)
    worker.live.board.workers.free(os.getpid())
    worker.live.slot = None
    worker.live.refresh()
    worker.live.slot = worker.slot
    worker.ask(pictures)
    worker.compare_all()
    worker.live.slot = None
    promoter = Promoter(worker.live, swap_seconds=10)
    promoter.look()
    promoter.look()
    return published.aliases("digits")


def test_a_shadow_that_fulfils_the_rule_is_promoted_once_and_the_history_says_why(worker, published):
    document = promoted(worker, published, Rule(min_requests=40, min_agreement=0.0, min_accuracy=0.5))

    assert document.aliases == {"production": 2}
    moves = [change for change in document.history if change.by == "the rule"]
    assert len(moves) == 1
    assert "40 pictures" in moves[0].why
    assert worker.live.snapshot("digits").version.metadata.version == 2


@pytest.mark.parametrize(
    ("rule", "lacks"),
    [
        (Rule(min_requests=41, min_agreement=0.0), "40 of 41"),
        (Rule(min_requests=1, min_agreement=0.99), "agreement"),
        (Rule(min_requests=1, min_agreement=0.0, min_accuracy=0.9), "accuracy"),
    ],
)
def test_a_shadow_that_does_not_stays_and_what_it_lacks_is_shown(worker, published, rule, lacks):
    document = promoted(worker, published, rule)

    assert document.aliases == {"production": 1, "shadow": 2}
    assert lacks in worker.shown()["lacks"][0]


def test_two_workers_that_find_so_at_once_promote_once(worker, published):
    published.set_rule("digits", Rule(min_requests=1, min_agreement=0.0))
    document = promoted(worker, published, Rule(min_requests=2, min_agreement=0.0))
    state = worker.live.get("digits")
    late = Promoter(worker.live, swap_seconds=10)

    stale = type(state)(state.name, document.model_copy(update={"generation": document.generation - 1}), state.versions)
    late._promote(stale, Rule(min_requests=1, min_agreement=0.0), state.versions[2])

    assert published.aliases("digits") == document
    assert "refused" not in worker.client.get("/models/digits").json


def test_never_more_agree_than_were_compared_however_a_worker_counts_meanwhile(worker):
    worker.ask(PICTURES)
    worker.compare_all()
    board, places = worker.live.board, worker.live.board.layout
    pictures, agreed = (places.tally(worker.slot, 0, word) for word in (Tally.PICTURES, Tally.AGREED))
    words = dict(enumerate(board.words)) | {agreed: board.words[pictures]}

    class Counted(dict):
        def __getitem__(self, place):
            value = super().__getitem__(place)
            self.update({word: super(Counted, self).__getitem__(word) + 1 for word in (pictures, agreed)})
            return value

    found = counts(SimpleNamespace(layout=places, words=Counted(words)), 0, 1, 2)

    assert 0 < found.agreed <= found.pictures
