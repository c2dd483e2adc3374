"""What changes the store over HTTP: send a version, move an alias, roll back, delete. For who has an admin token."""

import re
import threading
from typing import Annotated, Final, TypeVar

from flask import Blueprint, Response, request, url_for
from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError
from pydantic_core import from_json

from mlp.aliases import PRODUCTION, AliasDocument
from mlp.errors import (
    GenerationMoved,
    ModelNotFound,
    NothingToRollBack,
    OtherClasses,
    StoreUnavailable,
    VersionFileError,
    VersionInUse,
    VersionNotFound,
)
from service import reply
from service.access import Admins, changed, note
from service.body import received
from service.errors import (
    BodyTooLarge,
    InvalidField,
    InvalidUpload,
    MalformedBody,
    UploadsBusy,
)
from service.json_body import WHOLE
from service.live import LiveModels
from service.move import move, promote
from service.openapi import failures, parts
from service.openapi.answers import AliasesMoved, VersionStored
from service.openapi.operation import Answer, Body, Media, describes, json
from service.settings import Settings

_BY: Final = "the admin API"

_GENERATION: Final = re.compile(r'(?:W/)?(?:"([0-9]{1,16})"|([0-9]{1,16}))')
"""Python reads no number of thousands of digits."""

_TURN_SECONDS: Final = 5.0
"""Longest that an upload waits for the one before it, which may come from a client that has stopped sending."""

_Body = TypeVar("_Body", bound=BaseModel)


class Move(BaseModel):
    """The body of PUT …/aliases/{alias}."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    version: Annotated[int, Field(ge=1, strict=True), WHOLE]
    """The number of the version that is to answer under the alias."""
    force: StrictBool = False
    """Whether the version may answer with other classes than the one that is in production."""
    why: str = ""
    """For the document's history."""


class Rollback(BaseModel):
    """The body of POST …/rollback, if it has one."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    alias: str = PRODUCTION
    """The alias that is to go back to what it named before."""
    why: str = ""
    """For the document's history."""


def routes(live: LiveModels, admins: Admins, settings: Settings) -> Blueprint:
    """Give the routes; each refuses whoever has no token."""
    blueprint = Blueprint("admin", __name__)
    uploading = threading.Lock()
    blueprint.before_request(admins.authorize)

    @blueprint.post("/models/<name>/versions")
    @describes(
        "uploadVersion",
        json(VersionStored, "It is stored.", 201, headers=(parts.LOCATION,)),
        fails=(
            *failures.ADMIN,
            InvalidUpload,
            ModelNotFound,
            UploadsBusy,
            BodyTooLarge,
            StoreUnavailable,
        ),
        body=Body({"application/octet-stream": Media(parts.BINARY)}, limit="max_upload_bytes"),
        admin=True,
    )
    def upload(name: str) -> Response:
        """Send a version file, as training writes it.

        It is checked whole before anything is written. The version gets the next number; no alias moves.
        """
        # One at a time in a worker: a file of the largest size is in memory as a whole.
        if not uploading.acquire(timeout=_TURN_SECONDS):
            raise UploadsBusy("another version is still being sent, and nothing was stored: try again")
        try:
            number = _store(live, name, _upload(settings.max_upload_bytes))
        finally:
            uploading.release()
        changed("version stored", model=name, version=number)
        live.board.look_soon()  # the model may be new
        response = reply.json({"name": name, "version": number}, 201)
        response.headers["Location"] = url_for("catalogue.version", name=name, version=number)
        return response

    @blueprint.put("/models/<name>/aliases/<alias>")
    @describes(
        "moveAlias",
        json(AliasesMoved, "Every worker answers with it.", headers=(parts.GENERATION,)),
        fails=(*failures.CHANGE, *failures.BODY, OtherClasses),
        headers=(parts.IF_MATCH,),
        body=Body(
            {"application/json": Media(Move, {"version 1": {"version": 1, "why": "better on our own pictures"}})}
        ),
        admin=True,
    )
    def put_alias(name: str, alias: str) -> Response:
        """Let an alias name a version.

        The alias `production` is what answers. Done when every worker has loaded the version; else nothing was written.
        """
        body = _body(Move)
        document = promote(
            live,
            name,
            body.version,
            alias,
            note(_BY, body.why),
            force=body.force,
            seconds=settings.swap_seconds,
            if_generation=_if_match(),
        )
        return _moved("alias moved", name, alias, document)

    @blueprint.post("/models/<name>/rollback")
    @describes(
        "rollBack",
        json(AliasesMoved, "Every worker answers with it.", headers=(parts.GENERATION,)),
        fails=(*failures.CHANGE, *failures.BODY, NothingToRollBack),
        headers=(parts.IF_MATCH,),
        body=Body({"application/json": Media(Rollback, {"production": {"why": "worse than before"}})}, required=False),
        admin=True,
    )
    def rollback(name: str) -> Response:
        """Let an alias name the version again that it named before."""
        body = _body(Rollback) if request.get_data() else Rollback()  # a chunked one has no length
        live.store.versions(name)
        noted = note(_BY, body.why)
        document = move(
            live,
            name,
            lambda before: before.rolled_back(body.alias, noted),
            lambda generation: live.store.rollback(
                name, body.alias, if_generation=generation, by=noted.by, why=noted.why
            ),
            if_generation=_if_match(),
            forced=True,  # the way back is always open
            seconds=settings.swap_seconds,
        )
        return _moved("alias rolled back", name, body.alias, document)

    @blueprint.delete("/models/<name>/versions/<version>")
    @describes(
        "deleteVersion",
        Answer("It is deleted.", status=204),
        fails=(
            *failures.ADMIN,
            ModelNotFound,
            VersionNotFound,
            VersionInUse,
            GenerationMoved,
            StoreUnavailable,
        ),
        path=(parts.NUMBER,),
        admin=True,
    )
    def delete(name: str, version: str) -> tuple[str, int]:
        """Delete a version that no alias names and that no rollback would go to."""
        if not (version.isascii() and version.isdecimal()):
            raise VersionNotFound(f"{version!r} is no version's number; an alias cannot be deleted here")
        number = live.store.resolve(name, version)
        live.store.delete(name, number, by=note(_BY, "").by)
        changed("version deleted", model=name, version=number)
        live.board.deleted()
        live.board.look_soon()
        return "", 204

    return blueprint


def _upload(limit: int) -> bytes:
    request.max_content_length = limit
    return received(request, "the most that a version may have here")


def _store(live: LiveModels, name: str, data: bytes) -> int:
    try:
        return live.store.publish_file(name, data)
    except VersionFileError as error:
        raise InvalidUpload(str(error)) from error


def _body(kind: type[_Body]) -> _Body:
    try:
        return kind.model_validate(from_json(request.get_data(cache=False)))
    except ValidationError as error:
        raise InvalidField.of("body", error) from error
    except ValueError as error:
        raise MalformedBody(f"not valid JSON: {error}") from error


def _if_match() -> int | None:
    """Give the generation that the client has seen, None when it does not care."""
    given = request.headers.get("If-Match", "*").strip()
    if given == "*":
        return None
    number = _GENERATION.fullmatch(given)
    if number is None:
        raise InvalidField((("header", "If-Match"), f'a generation such as "7" is expected, not {given[:40]!r}'))
    return int(number[1] or number[2])


def _moved(change: str, name: str, alias: str, document: AliasDocument) -> Response:
    generation = document.generation
    changed(change, model=name, alias=alias, version=document.aliases.get(alias), generation=generation)
    response = reply.json(
        {"name": name, "generation": generation, "aliases": document.aliases, "previous": document.previous}
    )
    response.headers["ETag"] = f'"{generation}"'
    return response
