"""POST /feedback: a picture and what a person says it shows are kept for training; DELETE takes them back.

What a correction is, and where it is kept, is in mlp/corrections.py; what is kept of a picture is said by
service/kept_picture.py. Body and query are read as for POST /predict.
"""

import logging
import re
import time
from datetime import UTC, datetime
from math import isfinite
from typing import Final, Literal

import numpy as np
from flask import Blueprint, Response, g, request
from pydantic import BaseModel, ConfigDict, Field

from mlp import network
from mlp.arrays import Uint8
from mlp.corrections import Correction, Corrections, Selection
from mlp.errors import CorrectionsFull, CorrectionsUnavailable, TooManyCorrections
from service import body, kept_picture, predict, reply
from service.counters import Counters
from service.errors import CorrectionNotFound, CrossSite, FeedbackOff, InvalidField
from service.explain import index_of
from service.live import LiveModels, Snapshot
from service.openapi import bodies, failures, parts
from service.openapi.answers import Described
from service.openapi.operation import Answer, Failure, Parameter, describes, json
from service.settings import Settings

_log = logging.getLogger("service")

_ID: Final = re.compile(r"[0-9a-f]{32}")

_CHANGE: Final[tuple[Failure, ...]] = (FeedbackOff, CrossSite, CorrectionsUnavailable)
"""Of whatever changes what is kept."""

_HEADERS: Final = (*parts.WHO_ANSWERED, parts.LOCATION)


class Query(BaseModel):
    """The query of POST /feedback."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    label: str
    """What the picture really shows: one of the version's labels, also the one that it answered."""
    model: str | None = None
    """Which model; by default the only one there is, else "digits"."""
    version: str | None = Field(default=None, min_length=1)
    """The version whose answer is corrected, as in X-Model-Version; by default the one that answers now."""
    prepare: Literal["auto", "none"] = "auto"
    """Whether the picture gets the treatment that the network's training data got, or is taken as it is."""


class KeptPicture(Described):
    """What is kept of the picture that was sent: a PNG without anything but pixels."""

    width: int
    height: int
    bytes: int


class KeptCorrection(Described):
    """What is kept besides labels and version."""

    picture: KeptPicture | None
    """None where numbers were sent."""
    pixels: tuple[int, int]
    """Height and width of what the network was given."""
    confidence: float
    """The score of the label that was answered."""
    created_at: datetime


class StoredCorrection(Described):
    """The answer of POST /feedback."""

    id: str
    """Whoever has it may take the correction back by DELETE /feedback/{id}."""
    model: str
    version: int
    answered: str
    """The label that the version gives; it was asked anew."""
    label: str
    kept: KeptCorrection


class NoFeedback(Described):
    """The answer of GET /feedback where no corrections are kept."""

    on: Literal[False] = False


class FeedbackTerms(Described):
    """The answer of GET /feedback where corrections are kept: what of each, and how many."""

    on: Literal[True] = True
    kept: tuple[str, ...] = ("picture", "pixels", "model", "version", "answered", "confidence", "label", "created_at")
    picture_side: int = kept_picture.SIDE
    """Most pixels along a side of a picture, in which it is shrunk."""
    picture_bytes: int = kept_picture.BYTES
    """Most bytes of it."""
    per_minute: int
    """Most that are kept within a minute, whoever sends them."""
    most: int
    """Most that are kept in all."""


def routes(live: LiveModels, corrections: Corrections | None, counters: Counters, settings: Settings) -> Blueprint:
    """Give the routes; without `corrections` they say that none are kept."""
    blueprint = Blueprint("feedback", __name__)

    @blueprint.get("/feedback")
    @describes("getFeedbackTerms", json(FeedbackTerms | NoFeedback, "Whether corrections are kept, and how many."))
    def about() -> Response:
        """Say whether corrections are kept here, and what is kept of each."""
        terms = (
            FeedbackTerms(per_minute=settings.feedback_per_minute, most=settings.feedback_max)
            if corrections
            else NoFeedback()
        )
        return reply.json(terms.model_dump())

    @blueprint.post("/feedback")
    @describes(
        "sendFeedback",
        json(StoredCorrection, "It is kept.", 201, headers=_HEADERS),
        json(StoredCorrection, "The same picture was kept with this label before.", headers=_HEADERS),
        fails=(*failures.PICTURES, *_CHANGE, TooManyCorrections, CorrectionsFull),
        query=Query,
        headers=(parts.CLIENT_KEY,),
        body=bodies.PICTURES,
    )
    def post() -> Response:
        """Say what a picture really shows.

        Body and query are those of `POST /predict`, but for one picture alone. The version is asked anew; picture,
        answer and label are kept for training.
        """
        kept_in = _allowed(corrections)
        query = predict.parsed(Query, request.environ["QUERY_STRING"])
        snapshot = live.snapshot(query.model, query.version, request.headers.get("X-Client-Key") or g.begun.id)
        correction = _correction(snapshot, query, settings)
        begun = time.time()
        stored = kept_in.add(correction, per_minute=settings.feedback_per_minute, most=settings.feedback_max)
        if is_new := stored.created_at >= begun:
            counters.corrected(snapshot, right=stored.label == stored.answered)
            _log.info("correction kept", extra={"correction": stored.id, "request_id": g.begun.id})
        g.said = snapshot.said(1)
        status = 201 if is_new else 200
        response = reply.json(_answer(stored).model_dump(mode="json"), status, headers=snapshot.headers)
        response.headers["Location"] = f"/feedback/{stored.id}"
        return response

    @blueprint.delete("/feedback/<correction>")
    @describes(
        "takeFeedbackBack",
        Answer("Nothing of it is kept any more.", status=204),
        fails=(*_CHANGE, CorrectionNotFound),
        path=(
            Parameter(
                "correction",
                "The id that was given when it was kept.",
                {"type": "string", "pattern": f"^{_ID.pattern}$"},
            ),
        ),
    )
    def take_back(correction: str) -> tuple[str, int]:
        """Take a correction back."""
        kept_in = _allowed(corrections)
        if not _ID.fullmatch(correction) or not kept_in.erase(Selection(ids=[correction])):
            raise CorrectionNotFound("no correction has that id, or not any more")
        _log.info("correction taken back", extra={"correction": correction, "request_id": g.begun.id})
        return "", 204

    return blueprint


def _allowed(corrections: Corrections | None) -> Corrections:
    """Give where corrections are kept, to a request that may change that. Raises FeedbackOff, CrossSite."""
    if corrections is None:
        raise FeedbackOff("this service keeps no corrections: set MLP_FEEDBACK to a database's URL")
    if _is_foreign(request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin"), request.host):
        raise CrossSite("corrections are not taken from pages of other sites")
    return corrections


def _is_foreign(site: str | None, origin: str | None, host: str) -> bool:
    """Whether a browser says that a page of another site is behind a request; what is no browser says nothing.

    Browsers say `Sec-Fetch-Site` where pages are encrypted or local, and `Origin` everywhere.
    """
    if site is not None:
        return site not in ("same-origin", "none")
    return origin is not None and origin.partition("://")[2] != host


class _Remembering(body.Reading):
    """Remembers the encoded picture that it has read last, where there is one."""

    data: bytes | None = None

    def picture(self, data: bytes) -> Uint8:
        self.data = data
        return super().picture(data)


def _correction(snapshot: Snapshot, query: Query, settings: Settings) -> Correction:
    """Read a request's picture and have the version answer it. Raises what service/errors.py knows."""
    version, max_pixels = snapshot.version, settings.max_image_pixels
    index_of(query.label, version.metadata)
    reading = _Remembering(version.metadata.input, query.prepare, max_pixels, settings.max_batch)
    pixels = body.read(request.environ, body.received(request, "the most that is read"), reading)
    if len(pixels) != 1:
        raise InvalidField((("body",), f"{len(pixels)} pictures; one at a time is corrected"))
    scores = version.scores(pixels)
    index = int(network.winners(scores)[0])
    confidence = float(scores[0, index])
    return Correction(
        version.metadata.name,
        version.metadata.version,
        version.metadata.labels[index],
        confidence if isfinite(confidence) else 0.0,
        query.label,
        np.rint(pixels[0]).astype(np.uint8),
        None if reading.data is None else kept_picture.kept(reading.data, max_pixels=max_pixels),
    )


def _answer(stored: Correction) -> StoredCorrection:
    picture = None
    if stored.picture is not None:
        width, height = kept_picture.size(stored.picture)
        picture = KeptPicture(width=width, height=height, bytes=len(stored.picture))
    height, width = stored.pixels.shape
    return StoredCorrection(
        id=stored.id,
        model=stored.model,
        version=stored.version,
        answered=stored.answered,
        label=stored.label,
        kept=KeptCorrection(
            picture=picture,
            pixels=(height, width),
            confidence=round(stored.confidence, 7),
            created_at=datetime.fromtimestamp(stored.created_at, UTC),
        ),
    )
