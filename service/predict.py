"""POST /predict: body → pixels → scores → answer."""

from functools import partial
from time import perf_counter
from typing import Literal

from flask import Blueprint, Response, g, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlp import network
from service import answer, body, reply
from service.counters import Counters
from service.errors import InvalidField
from service.live import LiveModels
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


def routes(live: LiveModels, shadow: Shadow, counters: Counters, tracing: Tracing, settings: Settings) -> Blueprint:
    """Give the route, answering from `live`."""
    blueprint = Blueprint("predict", __name__)

    @blueprint.post("/predict")
    def predict() -> Response:
        query = _query()
        client_key = request.environ.get("HTTP_X_CLIENT_KEY")
        snapshot = live.snapshot(query.model, query.version, client_key or g.request_id)
        version = snapshot.version
        reading = body.Reading(version.metadata.input, query.prepare, settings.max_image_pixels, settings.max_batch)
        begun = perf_counter()
        pixels = body.read(request, reading)
        read = perf_counter()
        scores = version.scores(pixels)
        scored = perf_counter()
        g.said = {"model": version.metadata.name, "version": version.metadata.version, "images": len(pixels)}
        headers = [
            ("X-Model-Name", version.metadata.name),
            ("X-Model-Version", str(version.metadata.version)),
            ("X-Model-Generation", str(snapshot.generation)),
        ]
        response = reply.json(answer.body(version, scores, query.top_k), headers=headers)
        moments = (begun, read, scored, perf_counter())
        counters.predicted(snapshot, scores, network.winners(scores), moments, reading.seconds)
        if tracing.on:
            tracing.predicted(g.span, g.said, moments, reading.seconds)
        if snapshot.shadow is not None:  # asked when this answer has gone
            response.call_on_close(partial(shadow.offer, live.slot, snapshot, pixels, scores, g.request_id))
        return response

    return blueprint


_DEFAULT = Query()


def _query() -> Query:
    if not request.query_string:
        return _DEFAULT
    for name, values in request.args.lists():
        if len(values) > 1:
            raise InvalidField((("query", name), f"given {len(values)} times"))
    try:
        return Query.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise InvalidField.of("query", error) from error
