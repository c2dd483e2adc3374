"""/metrics of a real server with two workers, and that dashboard, alerts and documentation speak of what is in it."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import urllib.request

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.counters import NOTES
from tests.drafts import ROOT, make_draft
from tests.live.conftest import serving

RAW = {"Content-Type": "application/octet-stream"}
OF_ALL = {"up", "job", "instance"}
DOCUMENTED = ROOT / "docs/operations.md"
DASHBOARD = ROOT / "deploy/grafana/dashboard.json"
RULES = ROOT / "deploy/prometheus/rules.yaml"
NAME = re.compile(r"\bmlp_[a-z_]+\b")

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="there is no promtool")


@pytest.fixture
def published(store):
    for seed in (1, 2):
        make_draft(seed=seed).publish(store)
    store.promote("digits", 1)
    return store


def ask(server, path="/predict", body=bytes(784), headers=RAW, method="POST"):
    """The status of one request over a connection of its own, so that either worker may have it."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status


def text(server, accept="text/plain"):
    request = urllib.request.Request(f"{server.url}/metrics", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


def scraped(server):
    """Every sample of a scrape by its name and labels, as Prometheus' own parser reads it."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text(server))
        for sample in family.samples
    }


def counts(found):
    """Those that must never fall."""
    return {key: value for key, value in found.items() if re.search(r"_(total|count|sum|bucket)$", key[0])}


def requests_to(found, route="/predict", status="200", method="POST"):
    return found.get(("mlp_requests_total", ("method", method), ("route", route), ("status", status)), 0)


def of_version(found, name, version="1", **labels):
    return found[(name, *sorted({"model": "digits", "version": version, **labels}.items()))]


@pytest.fixture(scope="module")
def scrape(tmp_path_factory):
    """What a server says that has had every kind of traffic, and refuses a change."""
    from mlp.local_store import LocalStore

    folder = tmp_path_factory.mktemp("store")
    store = LocalStore(folder / "models")
    for seed in (1, 2):
        make_draft(seed=seed).publish(store)
    store.promote("digits", 1)
    store.promote("digits", 2, "shadow")
    with serving(store.root, MLP_POLL_SECONDS="0.05", MLP_FEEDBACK=f"sqlite:///{folder}/c.sqlite") as server:
        ask(server, "/feedback?label=7")
        ask(server, body=np.random.default_rng(0).integers(0, 256, 784 * 9, np.uint8).tobytes())
        ask(server, body=(ROOT / "examples/7.png").read_bytes(), headers={"Content-Type": "image/png"})
        ask(server, body=b"x")
        server.wait_until(lambda: "mlp_shadow_pictures_total{" in text(server))
        path = store.root / "digits" / "aliases.json"
        path.write_text('{"generation": 9, "aliases": {"production": 99}}')
        server.wait_until(lambda: "mlp_model_refused{" in text(server))
        return text(server)


def families(scrape):
    return {family.name: family for family in text_string_to_metric_families(scrape)}


def sample_names(scrape):
    return {sample.name for family in families(scrape).values() for sample in family.samples}


def test_every_metric_is_documented_with_its_type_and_labels_and_no_other_is(scrape):
    rows = re.findall(r"^\| `(mlp_\w+)` \| (\w+) \| (.*?) \|", DOCUMENTED.read_text(encoding="utf-8"), re.MULTILINE)
    documented = {
        name.removesuffix("_total"): (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows
    }

    found = {}
    for name, family in families(scrape).items():
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        found[name.removesuffix("_total")] = (family.type, labels)

    assert found == documented


def test_the_dashboard_asks_for_nothing_that_is_not_there(scrape):
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    asked = {name for panel in panels for target in panel.get("targets", []) for name in NAME.findall(target["expr"])}
    recorded = set(re.findall(r"model_label:(mlp_predictions):", DASHBOARD.read_text(encoding="utf-8")))

    assert len(asked) > 20
    assert asked - recorded <= sample_names(scrape)


def test_the_alerts_ask_for_nothing_that_is_not_there(scrape):
    lines = [line for line in RULES.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    asked = set(NAME.findall("\n".join(lines).replace("model_label:mlp_predictions:", "")))

    assert len(asked) > 10
    assert asked <= sample_names(scrape)


@needs_promtool
def test_promtool_finds_nothing_wrong():
    folder = RULES.parent
    for words in (["check", "config", "prometheus.yaml"], ["test", "rules", "rules.test.yaml"]):
        done = subprocess.run(["promtool", *words], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_prometheus_reads_what_the_server_writes(scrape):
    done = subprocess.run(["promtool", "check", "metrics"], input=scrape, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_counts_are_those_of_all_workers_at_the_moment_of_the_scrape(published):
    with serving(published.root) as server, concurrent.futures.ThreadPoolExecutor(8) as threads:
        for batch in range(1, 4):
            statuses = list(threads.map(lambda _: ask(server, body=bytes(784 * 3)), range(40)))
            assert set(statuses) == {200}
            found = scraped(server)

            assert requests_to(found) == batch * 40
            assert of_version(found, "mlp_batches_total") == batch * 40
            assert of_version(found, "mlp_images_total") == batch * 120
            assert found[("mlp_request_duration_seconds_count", ("route", "/predict"))] == batch * 40
            assert of_version(found, "mlp_confidence_count") == batch * 120
        bad = [ask(server, body=b"x"), ask(server, "/nothing", method="GET"), ask(server, "/models/no", method="GET")]
        found = scraped(server)

    assert bad == [422, 404, 404]
    assert requests_to(found, status="422") == 1
    assert requests_to(found, "unmatched", "404", "GET") == 1
    assert requests_to(found, "/models/<name>", "404", "GET") == 1
    for reason in ("WrongShape", "NotFound", "ModelNotFound"):
        assert found[("mlp_rejections_total", ("reason", reason))] == 1


def test_counts_never_fall_when_a_worker_is_killed_under_load(published):
    with serving(published.root) as server, concurrent.futures.ThreadPoolExecutor(4) as threads:
        ended = []

        def load(_):
            answered = 0
            while not ended:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    answered += ask(server) == 200
            return answered

        loading = [threads.submit(load, n) for n in range(4)]
        server.wait_until(lambda: requests_to(scraped(server)) > 100)
        before = counts(scraped(server))
        for _ in range(2):
            first = server.workers()[0]
            os.kill(first, signal.SIGKILL)
            server.wait_until(lambda killed=first: killed not in server.workers() and len(server.workers()) == 2)
            after = counts(scraped(server))
            assert {key for key, value in before.items() if after.get(key, -1) < value} == set()
            before = after
        server.wait_until(lambda: requests_to(scraped(server)) > 12 * NOTES)
        ended.append(True)
        answered = sum(loaded.result() for loaded in loading)
        server.wait_until(lambda: scraped(server)[("mlp_workers",)] == 2)
        found = scraped(server)
        list(threads.map(lambda _: ask(server), range(50)))
        later = scraped(server)

    assert requests_to(later) == requests_to(found) + 50
    # What a killed worker has noted in its last moments is lost, and no more than it may note.
    assert answered - 2 * (NOTES + 1) <= requests_to(found) <= answered + 2 * 4
    assert 0.8 * answered < requests_to(found)
    assert found[("mlp_worker_starts_total",)] == 4


def test_without_counting_the_models_are_told_of_all_the_same(published):
    with serving(published.root, MLP_METRICS="off") as server:
        ask(server)
        found = scraped(server)

    assert found[("mlp_model_generation", ("model", "digits"))] == 1
    assert not [key for key in found if key[0].startswith(("mlp_requests", "mlp_images"))]
