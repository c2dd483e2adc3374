"""MLflow's scoring protocol: POST /invocations, and GET /ping, which platforms ask for whether it is up."""

from collections.abc import Callable
from time import perf_counter
from typing import Annotated, Any, Literal

from flask import Blueprint, Response, g, request
from pydantic import BaseModel, ConfigDict, FailFast, ValidationError, WithJsonSchema, model_validator

from mlp.arrays import Float, Ints, Pixels
from mlp.version import Version
from service import answer, body, content_encoding, instances, reply
from service.body import Reading
from service.errors import InvalidField, NotReady, UnknownContentType
from service.inference import Inference, key_of
from service.json_body import parsed
from service.live import LiveModels
from service.openapi import examples, failures, parts
from service.openapi.answers import Predictions
from service.openapi.operation import Body, Media, describes, json
from service.settings import Settings
from service.v1 import answered

_FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


class Query(BaseModel):
    """The query of POST /invocations; MLflow itself has none."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    model: str | None = None
    """Which model; by default the only one there is, else "digits"."""
    version: str | None = None
    """A version's number, or an alias; by default "production", or an alias that has a share of its traffic."""
    prepare: Literal["auto", "none"] = "auto"
    """Whether a picture gets the treatment that the network's training data got, or is taken as it is."""


class Split(BaseModel):
    """A table: its cells in rows. The names of columns and rows are not needed."""

    data: Annotated[Any, WithJsonSchema({"type": "array", "items": {"type": "array"}})]


class Invocation(BaseModel):
    """The JSON body of POST /invocations: exactly one of the four forms; `params` are passed over."""

    model_config = ConfigDict(
        use_attribute_docstrings=True,
        json_schema_extra=parts.one_of(*_FORMS),
    )

    dataframe_split: Split | None = None
    """A table by its rows: a picture each, of h·w numbers, or of one cell with base64."""
    dataframe_records: Annotated[list[dict[str, Any]] | None, FailFast()] = None
    """The same by row and name."""
    instances: Annotated[Any, WithJsonSchema({"type": ["array", "null"], "minItems": 1, "items": {}})] = None
    """The pictures, as for TF Serving."""
    inputs: Annotated[Any, WithJsonSchema({"type": ["array", "null"], "minItems": 1, "items": {}})] = None
    """The same."""

    @model_validator(mode="after")
    def _one_of(self) -> "Invocation":
        if sum(getattr(self, form) is not None for form in _FORMS) != 1:
            raise ValueError(f"give exactly one of {', '.join(_FORMS)}")
        return self

    def pixels(self, reading: Reading) -> Pixels:
        """Give the pictures. Raises what service/instances.py raises."""
        where: tuple[str, ...]
        if self.dataframe_split is not None:
            where = ("body", "dataframe_split", "data")
            return instances.read(instances.of_table(self.dataframe_split.data, where), reading, where)
        if self.dataframe_records is not None:
            where = ("body", "dataframe_records")
            rows = [list(record.values()) for record in self.dataframe_records]
            return instances.read(instances.of_table(rows, where), reading, where)
        if self.instances is not None:
            return instances.read(self.instances, reading, ("body", "instances"))
        return instances.read(self.inputs, reading, ("body", "inputs"))


def routes(live: LiveModels, inference: Inference, settings: Settings) -> Blueprint:
    """Give the two routes."""
    blueprint = Blueprint("invocations", __name__)

    @blueprint.get("/ping")
    @describes("ping", json({"type": "object"}, "A model answers."), fails=(NotReady,))
    def ping() -> Response:
        """Say whether a model answers."""
        if not live.ready:
            raise NotReady("no model answers yet")
        return reply.json({})

    @blueprint.post("/invocations")
    @describes(
        "invoke",
        json(Predictions, "The answers, in the order of the rows.", headers=(*parts.WHO_ANSWERED, parts.ENCODED)),
        fails=failures.PICTURES,
        query=Query,
        headers=(parts.CLIENT_KEY, parts.CONTENT_ENCODING),
        body=Body(
            {
                "application/json": Media(Invocation, {"pixels": {"instances": [examples.rows()]}}),
                "text/csv": Media({"type": "string"}, file="7.csv"),
            }
        ),
    )
    def invocations() -> Response:
        """Read pictures, a row each."""
        begun, environ = perf_counter(), request.environ
        query = _query()
        sent = body.received(request, "the most that is read")
        data = content_encoding.decoded(sent, environ.get("HTTP_CONTENT_ENCODING", ""), settings.max_body_bytes)
        key, read = key_of(environ, g.begun.id), _reader(bytes(data))
        found = inference(query.model, query.version, key, query.prepare, read, _write, begun)
        return inference.completed(found, answered(found.written))

    return blueprint


def _write(version: Version, scores: Float, indices: Ints) -> bytes:
    return answer.body(version, scores, indices, 0)


def _query() -> Query:
    try:
        return Query.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise InvalidField.of("query", error) from error


def _reader(data: bytes) -> Callable[[Reading], Pixels]:
    """Give what reads a body by its content type. Raises UnknownContentType, MalformedBody, InvalidField."""
    if request.mimetype == "text/csv":
        return lambda reading: instances.read_csv(data, reading)
    if request.mimetype != "application/json":
        got = request.mimetype or "missing"
        raise UnknownContentType(f"the Content-Type is {got}; application/json and text/csv are read")
    return parsed(Invocation, data).pixels
