"""Pictures in, scores out: what every way to ask has in common, and what is counted of it.

A protocol gives two functions: one that reads its request's pictures, one that writes its answer. Which version answers
is service/live.py's matter; POST /predict goes its own way through the same rooms (service/predict.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter_ns
from typing import Any, Generic, TypeVar

from flask import Response, g

from mlp import network
from mlp.arrays import Float, Pixels
from mlp.version import Version
from service.body import Reading
from service.connection import Environ
from service.counters import Counters, Moments
from service.live import LiveModels, Snapshot
from service.settings import Settings
from service.shadow import Shadow
from service.statistics import Statistics, Times
from service.tracing import Tracing

_Written = TypeVar("_Written")


@dataclass(frozen=True, slots=True)
class Found(Generic[_Written]):
    """The answer to one request, and what it was made of."""

    snapshot: Snapshot
    pixels: Pixels
    scores: Float
    written: _Written
    """What the protocol made of the scores."""
    moments: Moments

    @property
    def said(self) -> dict[str, Any]:
        """What answered, for the log."""
        return self.snapshot.said(len(self.pixels))


class Inference:
    """Answers requests from the models in memory; may be called from any thread."""

    def __init__(
        self,
        live: LiveModels,
        shadow: Shadow,
        settings: Settings,
        statistics: Statistics,
        counters: Counters,
        tracing: Tracing,
    ) -> None:
        self.counters = counters
        self.tracing = tracing
        self._live = live
        self._shadow = shadow
        self._settings = settings
        self._statistics = statistics

    def __call__(
        self,
        name: str | None,
        reference: str | None,
        key: str,
        read: Callable[[Reading], Pixels],
        write: Callable[[Version, Float], _Written],
        begun: int,
    ) -> Found[_Written]:
        """Answer with a model's version, as `LiveModels.snapshot` chooses it; count that, or that it failed.

        `begun` is when the request's body was at hand, by `perf_counter_ns`.

        Raises what `snapshot`, `read` and `write` raise.
        """
        snapshot = self._live.snapshot(name, reference, key)
        version, allowed = snapshot.version, self._settings
        try:
            reading = Reading(version.metadata.input, "auto", allowed.max_image_pixels, allowed.max_batch)
            pixels = read(reading)
            is_read = perf_counter_ns()
            scores = version.scores(pixels)
            is_found = perf_counter_ns()
            written = write(version, scores)
        except Exception:
            self._statistics.failed(self._live.slot, snapshot, perf_counter_ns() - begun)
            raise
        ended = perf_counter_ns()
        times = Times(is_read - begun, is_found - is_read, ended - is_found)
        self._statistics.succeeded(self._live.slot, snapshot, len(pixels), times)
        parsed = is_read / 1e9 - reading.seconds
        moments = (begun / 1e9, parsed, is_read / 1e9, is_found / 1e9, ended / 1e9)
        self.counters.predicted(snapshot, scores, network.winners(scores), moments)
        return Found(snapshot, pixels, scores, written, moments)

    def compare(self, found: Found[Any], request_id: str) -> None:
        """Have the shadow, if there is one, asked the same; to be called when the answer has gone."""
        if found.snapshot.shadow is not None:
            self._shadow.offer(self._live.slot, found.snapshot, found.pixels, found.scores, request_id)

    def completed(self, found: Found[Any], response: Response) -> Response:
        """Give the response with what answered in its headers and in the log, and the shadow asked when it has gone."""
        g.said = found.said
        self.tracing.predicted(g.span, found.said, found.moments)
        response.headers.extend(found.snapshot.headers)
        if found.snapshot.shadow is not None:
            response.call_on_close(partial(self.compare, found, g.begun.id))
        return response


def key_of(environ: Environ, request_id: str) -> str:
    """Give what decides which part of a split traffic a request belongs to."""
    key: str | None = environ.get("HTTP_X_CLIENT_KEY")
    return key or request_id
