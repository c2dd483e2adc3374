"""GET /metrics: what all workers share, in Prometheus' text format."""

from collections.abc import Iterator
from contextlib import suppress

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from mlp.aliases import PRODUCTION
from service import shadow
from service.counted import Counted
from service.counters import Counters
from service.errors import NotReady
from service.layout import Cell, Head
from service.live import LiveModels
from service.openapi.operation import Answer, Media, describes
from service.rule import compared


def routes(live: LiveModels, counters: Counters) -> Blueprint:
    """Give the route."""
    blueprint = Blueprint("metrics", __name__)
    metrics_of_all = registry(live, counters)

    @blueprint.get("/metrics")
    @describes(
        "getMetrics",
        Answer(
            "The counts and gauges.",
            dict.fromkeys(("text/plain", "application/openmetrics-text"), Media({"type": "string"})),
        ),
    )
    def metrics() -> Response:
        """Give the metrics of all workers, in Prometheus' text format or OpenMetrics."""
        counters.wait_for_sums()
        encoder, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encoder(metrics_of_all), content_type=content_type)

    return blueprint


def registry(live: LiveModels, counters: Counters) -> CollectorRegistry:
    """Give what collects every metric that there is."""
    found = CollectorRegistry(auto_describe=False)
    found.register(_Shared(live))
    found.register(Counted(counters))
    return found


class _Shared(Collector):
    """Reads the shared memory when it is asked, so that any worker can answer for all."""

    def __init__(self, live: LiveModels) -> None:
        self._live = live

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        yield from self._store()
        yield from self._swaps()
        yield self._versions()
        yield from self._shadows()

    def _store(self) -> Iterator[Metric]:
        board = self._live.board
        yield _gauge("mlp_workers", "Workers that have shown a sign of life", len(list(board.workers.live())))
        yield _gauge("mlp_workers_expected", "Workers that there are to be", board.expected)
        yield _gauge("mlp_store_age_seconds", "Time since the model store was last read", board.store_age_seconds())
        reachable = "1 while the last look at the model store succeeded, 0 since one failed"
        yield _gauge("mlp_store_reachable", reachable, board.store_is_reachable)
        stale = "1 while the model store cannot be reached and what was kept of it is served"
        yield _gauge("mlp_store_stale", stale, board.words[Head.STALE])

    def _swaps(self) -> Iterator[Metric]:
        board = self._live.board
        generation = GaugeMetricFamily("mlp_model_generation", "Generation that all workers serve", labels=["model"])
        ready = GaugeMetricFamily("mlp_model_ready", "1 when the model's production answers", labels=["model"])
        swaps = CounterMetricFamily("mlp_model_swaps", "Changes served", labels=["model"])
        refusals = CounterMetricFamily("mlp_model_refusals", "Changes refused", labels=["model"])
        refused = GaugeMetricFamily("mlp_model_refused", "1 while a change is refused", labels=["model", "reason"])
        for name in self._live.names():
            cell = self._live.cell(name)
            generation.add_metric([name], board.get(cell, Cell.GENERATION))
            ready.add_metric([name], self._ready(name))
            swaps.add_metric([name], board.get(cell, Cell.SWAPS))
            refusals.add_metric([name], board.get(cell, Cell.REFUSALS))
            if (refusal := board.refusal(cell)) is not None:
                refused.add_metric([name, refusal.reason], 1)
        yield from (generation, ready, swaps, refusals, refused)

    def _versions(self) -> Metric:
        labels = ["model", "alias", "version", "sha256"]
        info = GaugeMetricFamily("mlp_model_info", "1 for each version that an alias lets answer", labels=labels)
        for name in self._live.names():
            with suppress(NotReady):
                state = self._live.get(name)
                for alias, number in state.document.aliases.items():
                    if (version := state.versions.get(number)) is not None:
                        info.add_metric([name, alias, str(number), version.metadata.sha256], 1)
        return info

    def _ready(self, name: str) -> bool:
        try:
            return self._live.get(name).ready
        except NotReady:
            return False

    def _shadows(self) -> Iterator[Metric]:
        labels = ["model", "production", "shadow"]
        pictures = CounterMetricFamily("mlp_shadow_pictures", "Pictures that both have answered", labels=labels)
        agreed = CounterMetricFamily("mlp_shadow_agreed", "Pictures on which both named one class", labels=labels)
        distance = CounterMetricFamily("mlp_shadow_distance", "Sum of the largest score differences", labels=labels)
        dropped = CounterMetricFamily("mlp_shadow_dropped", "Pictures that the queue had no room for", labels=labels)
        failed = CounterMetricFamily("mlp_shadow_failed", "Pictures that the shadow cannot answer", labels=labels)
        for name in self._live.names():
            if not self._ready(name) or (candidate := compared(self._live.get(name))) is None:
                continue
            production = self._live.get(name).document.aliases[PRODUCTION]
            found = shadow.counts(self._live.board, self._live.cell(name), production, candidate.metadata.version)
            values = [name, str(production), str(candidate.metadata.version)]
            pictures.add_metric(values, found.pictures)
            agreed.add_metric(values, found.agreed)
            distance.add_metric(values, found.distance)
            dropped.add_metric(values, found.dropped)
            failed.add_metric(values, found.failed)
        yield from (pictures, agreed, distance, dropped, failed)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
