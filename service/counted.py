"""What service/counters.py has counted, summed over all workers, and as metrics for Prometheus.

docs/operations.md has the list of these.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import numpy as np
import numpy.typing as npt
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, SummaryMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from service.count_layout import (
    CLASSES,
    CONFIDENCES,
    DURATION_WORDS,
    PREDICTION_WORDS,
    REASONS,
    REQUESTS,
    SECONDS,
    Prediction,
)
from service.count_rows import request_of, version_of
from service.counters import METHODS, OTHER, PHASES, Counters

Counts = npt.NDArray[np.float64]

_VERSION: Final = ("model", "version")
_BUCKETS: Final = slice(Prediction.FIRST_BUCKET, Prediction.FIRST_CLASS)


@dataclass(frozen=True, slots=True)
class Predicted:
    """What was predicted by one version."""

    names: tuple[str, str]
    """Of the model and the version."""
    labels: tuple[str, ...]
    counts: Counts
    """PREDICTION_WORDS of them."""

    @property
    def images(self) -> int:
        """How many pictures."""
        return int(self.counts[_BUCKETS].sum())

    def by_class(self) -> Counter[str]:
        """Give how often each class was named."""
        counts = self.counts[Prediction.FIRST_CLASS :].tolist()
        classes = min(len(self.labels), CLASSES)
        found = Counter(dict.fromkeys(self.labels[:classes], 0.0))
        for number, count in enumerate(counts):
            if number < classes:
                found[self.labels[number]] += count
            elif count:
                found[str(number) if number < CLASSES else OTHER] += count
        return found


class Counted(Collector):
    """Sums the rows of all workers, of those that are no more as well, when it is asked."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._words = counters.shared.words
        self._layout = layout = counters.layout
        every = np.frombuffer(counters.shared.bytes, np.float64)
        self._rows: Counts = every[layout.rows :].reshape(-1, layout.row_words)

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        starts = self._starts()
        yield CounterMetricFamily("mlp_worker_starts", "Times that a worker has begun to serve", sum(starts))
        workers = self._workers(starts)
        yield self._requests(workers)
        yield self._durations(workers)
        yield self._rejections(workers)
        predicted = list(self.predicted())
        yield from _amounts(predicted)
        yield _phases(predicted)
        yield _classes(predicted)
        yield _corrections(predicted)
        yield _confidences(predicted)

    def predicted(self) -> Iterator[Predicted]:
        """Yield what each version has answered, or failed to."""
        models, workers = self._counters.models(), self._workers(self._starts())
        for key, row in [(0, 0), *self._counters.rows.predictions().items()]:
            at = self._layout.predictions + row * PREDICTION_WORDS
            theirs = [place for place in workers if self._words[self._layout.row(place) + at] == key]
            found = self._rows[theirs, at : at + PREDICTION_WORDS]
            counts = found.sum(axis=0)
            if counts[Prediction.BATCHES : Prediction.FIRST_BUCKET].any():
                counts[Prediction.LAST] = found[:, Prediction.LAST].max()
                place, number = version_of(key)
                names = (models[place], str(number)) if row else (OTHER, OTHER)
                yield Predicted(names, self._counters.rows.labels(row), counts)

    def _starts(self) -> list[int]:
        """Give how often a worker has begun in each place."""
        starts: list[int] = self._words[self._layout.starts : self._layout.starts + self._layout.workers].tolist()
        return starts

    def _workers(self, starts: Sequence[int]) -> list[int]:
        """Give the places that have counts: of those that no worker ever had, the memory has not been touched."""
        return [*(place for place, count in enumerate(starts) if count), self._layout.workers]

    def _sum(self, workers: Sequence[int], at: int, count: int) -> Counts:
        return self._rows[workers, at : at + count].sum(axis=0)

    def _requests(self, workers: Sequence[int]) -> Metric:
        labels = ["route", "method", "status"]
        family = CounterMetricFamily("mlp_requests", "Requests that were answered", labels=labels)
        counts = self._sum(workers, self._layout.requests, REQUESTS)
        for key, row in self._counters.rows.requests().items():
            route, method, status = request_of(key)
            family.add_metric([self._counters.routes[route], METHODS[method], str(status)], counts[row])
        if counts[0]:
            family.add_metric([OTHER, OTHER, OTHER], counts[0])
        return family

    def _durations(self, workers: Sequence[int]) -> Metric:
        text = "Time for which a request was being answered"
        family = HistogramMetricFamily("mlp_request_duration_seconds", text, labels=["route"])
        routes = self._counters.routes
        counts = self._sum(workers, self._layout.durations, len(routes) * DURATION_WORDS)
        for route, row in zip(routes, counts.reshape(len(routes), DURATION_WORDS), strict=True):
            if row[:-1].any():
                family.add_metric([route], _cumulative(SECONDS, row[:-1]), row[-1])
        return family

    def _rejections(self, workers: Sequence[int]) -> Metric:
        text = "Requests that were not answered as asked, by the error's class"
        family = CounterMetricFamily("mlp_rejections", text, labels=["reason"])
        for reason, count in zip(
            self._counters.reasons, self._sum(workers, self._layout.reasons, REASONS), strict=False
        ):
            if count:
                family.add_metric([reason], count)
        return family


def _amounts(predicted: Sequence[Predicted]) -> Iterator[Metric]:
    batches = CounterMetricFamily("mlp_batches", "Requests that went through the network", labels=_VERSION)
    images = CounterMetricFamily("mlp_images", "Pictures in them", labels=_VERSION)
    for found in predicted:
        batches.add_metric(found.names, found.counts[Prediction.BATCHES])
        images.add_metric(found.names, found.images)
    yield from (batches, images)


def _phases(predicted: Sequence[Predicted]) -> Metric:
    family = SummaryMetricFamily("mlp_phase_seconds", "Time for a part of a prediction", labels=[*_VERSION, "phase"])
    for found in predicted:
        for phase, seconds in zip(PHASES, found.counts[Prediction.PARSE : Prediction.ANSWER + 1].tolist(), strict=True):
            number = found.counts[Prediction.PREPARED if phase == "prepare" else Prediction.BATCHES]
            family.add_metric([*found.names, phase], int(number), seconds)
    return family


def _classes(predicted: Sequence[Predicted]) -> Metric:
    family = CounterMetricFamily("mlp_predictions", "Pictures of which it was named", labels=[*_VERSION, "label"])
    for found in predicted:
        for label, count in found.by_class().items():
            family.add_metric([*found.names, label], count)
    return family


def _corrections(predicted: Sequence[Predicted]) -> Metric:
    text = "Corrections of its answers that were kept, by what the person said of the answer"
    family = CounterMetricFamily("mlp_corrections", text, labels=[*_VERSION, "answer"])
    for found in predicted:
        for answer, word in (("wrong", Prediction.CORRECTED), ("right", Prediction.CONFIRMED)):
            if found.counts[word]:
                family.add_metric([*found.names, answer], found.counts[word])
    return family


def _confidences(predicted: Sequence[Predicted]) -> Metric:
    family = HistogramMetricFamily("mlp_confidence", "Score of the class that was named", labels=_VERSION)
    for found in predicted:
        buckets = _cumulative(CONFIDENCES, found.counts[_BUCKETS])
        family.add_metric(found.names, buckets, found.counts[Prediction.CONFIDENCE])
    return family


def _cumulative(bounds: Sequence[float], counts: Counts) -> list[tuple[str, float]]:
    """Give the buckets as Prometheus has them: each with all that is below its upper bound."""
    names = [*map(floatToGoString, bounds), "+Inf"]
    return list(zip(names, accumulate(counts.tolist()), strict=True))
