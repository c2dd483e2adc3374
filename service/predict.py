"""POST /predict: body → pixels → scores → answer."""

from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl

from flask import Blueprint, Response, g, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlp import network
from mlp.arrays import Float, Pixels
from service import answer, body, each_request, reply
from service.connection import Answer, Body, Environ
from service.counters import Counters, Moments
from service.errors import InvalidField
from service.live import LiveModels, Snapshot
from service.settings import Settings
from service.shadow import Shadow
from service.tracing import Tracing


class Query(BaseModel):
    """The query of POST /predict."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = None
    """Which model; by default the only one there is, else "digits"."""
    version: str | None = Field(default=None, min_length=1)
    """A version's number, or an alias; by default "production", or an alias that has a share of its traffic."""
    top_k: int = Field(default=0, ge=0)
    """How many classes to list by falling score; 0 lists none."""
    prepare: Literal["auto", "none"] = "auto"
    """Whether a picture gets the treatment that the network's training data got, or is taken as it is."""


_Query = TypeVar("_Query", bound=Query)


@dataclass(frozen=True, slots=True)
class Predicted:
    """What was found for one request."""

    snapshot: Snapshot
    pixels: Pixels
    scores: Float
    text: bytes
    """The answer's JSON."""
    moments: Moments

    @property
    def said(self) -> dict[str, Any]:
        """What answered, for the log."""
        return self.snapshot.said(len(self.pixels))


class Predict:
    """Answers from the models in memory, for Flask's route and for requests that do not come by Flask."""

    def __init__(
        self, live: LiveModels, shadow: Shadow, counters: Counters, tracing: Tracing, settings: Settings
    ) -> None:
        self._live = live
        self._shadow = shadow
        self._counters = counters
        self._tracing = tracing
        self._settings = settings

    def __call__(self, environ: Environ, data: Body, request_id: str) -> Predicted:
        """Answer a request by its headers and query in `environ`, and its body. Raises what service/errors.py knows."""
        query = parsed(Query, environ["QUERY_STRING"]) if environ["QUERY_STRING"] else _DEFAULT
        snapshot = self._live.snapshot(query.model, query.version, environ.get("HTTP_X_CLIENT_KEY") or request_id)
        version = snapshot.version
        allowed = self._settings
        reading = body.Reading(version.metadata.input, query.prepare, allowed.max_image_pixels, allowed.max_batch)
        begun = perf_counter()
        pixels = body.read(environ, data, reading)
        prepared = perf_counter()
        scores = version.scores(pixels)
        indices = network.winners(scores)
        scored = perf_counter()
        text = answer.body(version, scores, indices, query.top_k)
        moments = (begun, prepared - reading.seconds, prepared, scored, perf_counter())
        self._counters.predicted(snapshot, scores, indices, moments)
        return Predicted(snapshot, pixels, scores, text, moments)

    def compare(self, predicted: Predicted, request_id: str) -> None:
        """Have the shadow, if there is one, asked the same; to be called when the answer has gone."""
        if predicted.snapshot.shadow is not None:
            self._shadow.offer(self._live.slot, predicted.snapshot, predicted.pixels, predicted.scores, request_id)

    def direct(self, environ: Environ, data: Body) -> Answer | None:
        """Give the answer that Flask's route would give, without Flask's dispatch; None for any other request.

        Raises what service/errors.py knows.
        """
        if environ["PATH_INFO"] != "/predict" or environ["REQUEST_METHOD"] != "POST" or self._tracing.on:
            return None
        begun = each_request.begin(environ)
        predicted = self(environ, data, begun.id)
        text = predicted.text + b"\n"
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(text))),
            *predicted.snapshot.headers,
            ("X-Request-Id", begun.id),
        ]
        each_request.end(begun, environ, "/predict", 200, self._counters, predicted.said)
        return Answer(200, headers, text, partial(self.compare, predicted, begun.id))


def routes(predict: Predict, tracing: Tracing) -> Blueprint:
    """Give the route."""
    blueprint = Blueprint("predict", __name__)

    @blueprint.post("/predict")
    def post() -> Response:
        found = predict(request.environ, body.received(request, "the most that is read"), g.begun.id)
        g.said = found.said
        tracing.predicted(g.span, found.said, found.moments)
        response = reply.json(found.text, headers=found.snapshot.headers)
        response.call_on_close(partial(predict.compare, found, g.begun.id))
        return response

    return blueprint


_DEFAULT = Query()


def parsed(kind: type[_Query], text: str) -> _Query:
    """Give a request's query as an object. Raises InvalidField."""
    given = parse_qsl(text, keep_blank_values=True)
    fields = dict(given)
    for name in fields:
        if (times := sum(other == name for other, _ in given)) > 1:
            raise InvalidField((("query", name), f"given {times} times"))
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise InvalidField.of("query", error) from error
