"""Pictures in, scores out: what every way to ask has in common, and what is counted of it.

A protocol gives two functions: one that reads its request's pictures, one that writes its answer. Which version answers
is service/live.py's matter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, Generic, TypeVar

from flask import Response, g, has_request_context

from mlp import network
from mlp.arrays import Float, Ints, Pixels
from mlp.version import Version
from service import each_request
from service.answering import Answer, Environ
from service.body import Reading
from service.counters import Counters, Moments
from service.each_request import Begun
from service.live import LiveModels, Snapshot
from service.settings import Settings
from service.shadow import Shadow
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
        self, live: LiveModels, shadow: Shadow, counters: Counters, tracing: Tracing, settings: Settings
    ) -> None:
        self._counters = counters
        self._tracing = tracing
        self._live = live
        self._shadow = shadow
        self._settings = settings

    def __call__(
        self,
        name: str | None,
        reference: str | None,
        key: str,
        prepare: str,
        read: Callable[[Reading], Pixels],
        write: Callable[[Version, Float, Ints], _Written],
        begun: float,
    ) -> Found[_Written]:
        """Answer with a model's version, as `LiveModels.snapshot` chooses it; count that, or that it failed.

        `read` gives the pixels (n, height, width) of a request, whose pictures are prepared as `prepare` says; `write`
        gets the scores (n, c) and which class is highest, (n,). `begun` is when the request's body was at hand, by
        `perf_counter`. Raises what `snapshot`, `read` and `write` raise.
        """
        snapshot = self._live.snapshot(name, reference, key)
        version, allowed = snapshot.version, self._settings
        reading = Reading(version.metadata.input, prepare, allowed.max_image_pixels, allowed.max_batch)
        try:
            pixels = read(reading)
            prepared = perf_counter()
            scores = version.scores(pixels)
            indices = network.winners(scores)
            scored = perf_counter()
            written = write(version, scores, indices)
        except Exception:
            if has_request_context():  # else the app has yet to be asked, and will fail in the same way
                self._counters.failed(snapshot, perf_counter() - begun)
            raise
        moments = (begun, prepared - reading.seconds, prepared, scored, perf_counter())
        self._counters.predicted(snapshot, scores, indices, moments)
        return Found(snapshot, pixels, scores, written, moments)

    def _compare(self, found: Found[Any], request_id: str) -> None:
        """Have the shadow, if there is one, asked the same; to be called when the answer has gone."""
        if found.snapshot.shadow is not None:
            self._shadow.offer(self._live.slot, found.snapshot, found.pixels, found.scores, request_id)

    def answered(
        self,
        found: Found[Any],
        request: Begun,
        environ: Environ,
        route: str,
        headers: list[tuple[str, str]],
        text: bytes,
    ) -> Answer:
        """Give what answers a request that did not come by Flask, and end it; `headers` say what the text is."""
        each_request.end(request, environ, route, 200, self._counters, found.said)
        length, known = ("Content-Length", str(len(text))), ("X-Request-Id", request.id)
        about = [*headers, length, *found.snapshot.headers, known]
        return Answer(200, about, text, partial(self._compare, found, request.id))

    def completed(self, found: Found[Any], response: Response) -> Response:
        """Give the response with what answered in its headers and in the log, and the shadow asked when it has gone."""
        g.said = found.said
        self._tracing.predicted(g.span, found.said, found.moments)
        response.headers.extend(found.snapshot.headers)
        if found.snapshot.shadow is not None:
            response.call_on_close(partial(self._compare, found, g.begun.id))
        return response


def key_of(environ: Environ, request_id: str) -> str:
    """Give what decides which part of a split traffic a request belongs to."""
    key: str | None = environ.get("HTTP_X_CLIENT_KEY")
    return key or request_id
