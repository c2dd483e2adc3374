"""POST /explain: a picture's answer, and why: what the network saw, which pixels and which hidden units decided.

How that is computed is in mlp/explanation.py; body and query are read as for POST /predict.
"""

from typing import Any, Final

import numpy as np
from flask import Blueprint, Response, g, request
from pydantic import Field
from pydantic_core import to_json

from mlp import explanation, network
from mlp.arrays import Float, Pixels
from mlp.explanation import Explanation, Unit
from mlp.metadata import Metadata
from service import answer, body, predict, reply
from service.errors import InvalidField
from service.live import LiveModels
from service.openapi import bodies, failures, parts
from service.openapi.answers import Explained
from service.openapi.operation import describes, json
from service.settings import Settings

_DECIMALS: Final = 5
"""Of evidence and what adds to it: it is of the order of 10 where a network is sure."""

_STEPS: Final = 127
"""Of a unit's weights from 0 to the largest: as many as eyes tell apart, in a third of the text."""


class Query(predict.Query):
    """The query of POST /explain."""

    index: int | None = Field(default=None, ge=0)
    """Which class to explain; by default the one that answers."""
    label: str | None = None
    """The same by its label."""
    units: int = Field(default=8, ge=0, le=32)
    """How many hidden units to show at most."""


def routes(live: LiveModels, settings: Settings) -> Blueprint:
    """Give the route."""
    blueprint = Blueprint("explain", __name__)

    @blueprint.post("/explain")
    @describes(
        "explain",
        json(Explained, "The answer, and why.", headers=parts.WHO_ANSWERED),
        fails=failures.PICTURES,
        query=Query,
        headers=(parts.CLIENT_KEY,),
        body=bodies.PICTURES,
    )
    def post() -> Response:
        """Read one picture, and say why it is read so.

        Body and query are those of `POST /predict`, but for one picture alone. The explanation is not compared with a
        shadow.
        """
        query = predict.parsed(Query, request.environ["QUERY_STRING"])
        key = request.headers.get("X-Client-Key") or g.begun.id
        snapshot = live.snapshot(query.model, query.version, key)
        version = snapshot.version
        reading = body.Reading(version.metadata.input, query.prepare, settings.max_image_pixels, settings.max_batch)
        pixels = body.read(request.environ, body.received(request, "the most that is read"), reading)
        if len(pixels) != 1:
            raise InvalidField((("body",), f"{len(pixels)} pictures; one at a time is explained"))
        scores = version.scores(pixels)
        indices = network.winners(scores)
        index = _class(query, version.metadata, int(indices[0]))
        found = explanation.explain(version, pixels[0], index, query.units)
        text = _extended(answer.body(version, scores, indices, query.top_k), _body(version.metadata, pixels[0], found))
        g.said = snapshot.said(1)
        return reply.json(text, headers=snapshot.headers)

    return blueprint


def _class(query: Query, metadata: Metadata, winner: int) -> int:
    """Give the index of the class that is asked for. Raises InvalidField."""
    if query.label is not None and query.index is not None:
        raise InvalidField((("query", "label"), "give index or label, not both"))
    if query.label is not None:
        return index_of(query.label, metadata)
    if query.index is None:
        return winner
    if query.index >= len(metadata.labels):
        raise InvalidField((("query", "index"), f"must be less than {len(metadata.labels)}, the number of classes"))
    return query.index


def index_of(label: str, metadata: Metadata) -> int:
    """Give the index of the class that has a label. Raises InvalidField."""
    if label not in metadata.labels:
        known = ", ".join(metadata.labels[:12])
        raise InvalidField((("query", "label"), f"no class has the label {label[:40]!r}; there are {known}"))
    return metadata.labels.index(label)


def _extended(prediction: bytes, why: dict[str, Any]) -> bytes:
    """Give the answer of POST /predict with one more field."""
    return b'%b,"explanation":%b}' % (prediction[:-1], to_json(why))


def _body(metadata: Metadata, pixels: Pixels, found: Explanation) -> dict[str, Any]:
    return {
        "label": metadata.labels[found.index],
        "index": found.index,
        "pixels": np.rint(pixels).astype(np.uint8).tolist(),
        "evidence": round(found.evidence, _DECIMALS),
        "relevance": _rounded(found.relevance),
        "units": [_unit(unit) for unit in found.units],
    }


def _unit(unit: Unit) -> dict[str, Any]:
    step = float(np.abs(unit.weights).max()) / _STEPS or 1.0
    return {
        "unit": unit.number,
        "activation": round(unit.activation, _DECIMALS),
        "contribution": round(unit.contribution, _DECIMALS),
        "weight_step": step,
        "weights": np.rint(unit.weights / step).astype(np.int8).tolist(),
    }


def _rounded(array: Float) -> list[Any]:
    rounded: list[Any] = np.round(array.astype(np.float64), _DECIMALS).tolist()
    return rounded
