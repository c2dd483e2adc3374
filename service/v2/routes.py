"""The paths of the protocol, with and without a slash at the end, and never a redirect: some clients follow none."""

from typing import Final, TypeVar

from flask import Blueprint, Response, g, request
from pydantic import BaseModel

from mlp.aliases import PRODUCTION
from mlp.errors import OtherClasses, VersionNotFound
from service import body, reply
from service.access import Admins
from service.counters import Counters
from service.errors import NotReady, Unsupported
from service.json_body import parsed
from service.live import LiveModels
from service.openapi import examples, failures, parts
from service.openapi.operation import Answer, Body, Header, Media, Parameter, describes, json
from service.settings import Settings
from service.v2 import about, message, repository
from service.v2.infer import Infer
from service.v2.schemas import (
    AllStatistics,
    IndexEntry,
    IndexRequest,
    InferRequest,
    InferResponse,
    Loaded,
    LoadParameters,
    LoadRequest,
    ModelConfig,
    ModelMetadata,
    ModelNames,
    ModelReady,
    ServerLive,
    ServerMetadata,
    ServerReady,
    UnloadParameters,
    UnloadRequest,
)

_Body = TypeVar("_Body", bound=BaseModel)

_OF_MODEL: Final = "/v2/models/<name>"
_OF_VERSION: Final = "/v2/models/<name>/versions/<version>"


_TENSOR: Final = {"name": "images", "shape": [1, 28, 28], "datatype": "UINT8", "data": examples.rows()}

_INFER_BODY: Final = Body(
    {
        "application/json": Media(InferRequest, {"pixels": {"inputs": [_TENSOR], "outputs": [{"name": "label"}]}}),
        "application/octet-stream": Media(parts.BINARY, file="7.raw"),
    }
)

_JSON_LENGTH: Final = Parameter(
    message.HEADER,
    "How many bytes of the body are JSON; what follows are binary tensors. 0: the body is the tensor alone, as 7.raw.",
    {"type": "integer", "minimum": 0},
)

_INFERRED: Final = Answer(
    "The outputs; an `application/octet-stream` where one of them is binary.",
    {"application/json": Media(InferResponse), "application/octet-stream": Media(parts.BINARY)},
    headers=(
        *parts.WHO_ANSWERED,
        parts.ENCODED,
        Header(message.HEADER, "How many bytes are JSON.", {"type": "integer", "minimum": 0}, required=False),
    ),
)


def routes(live: LiveModels, infer: Infer, counters: Counters, admins: Admins, settings: Settings) -> Blueprint:
    """Give the routes."""
    blueprint = Blueprint("v2", __name__)
    _add_server(blueprint, live)
    _add_models(blueprint, live, settings)
    _add_statistics(blueprint, live, counters)
    _add_repository(blueprint, live, admins, settings)

    @blueprint.post(f"{_OF_MODEL}/infer", endpoint="infer")
    @blueprint.post(f"{_OF_VERSION}/infer", endpoint="infer")
    @describes(
        "v2Infer",
        _INFERRED,
        fails=(*failures.PICTURES, Unsupported),
        headers=(parts.CLIENT_KEY, parts.CONTENT_ENCODING, _JSON_LENGTH),
        body=_INFER_BODY,
    )
    def post(name: str, version: str | None = None) -> Response:
        """Read the pictures in a tensor.

        One input, `images`; outputs `scores`, `one_hot`, `index` and `label`. docs/protocols.md has the datatypes.
        """
        data = body.received(request, "the most that is read")
        found = infer(request.environ, data, name, version, g.begun.id)
        return infer.inference.completed(found, Response(found.written.body, headers=found.written.headers))

    return blueprint


def _add_server(blueprint: Blueprint, live: LiveModels) -> None:
    @blueprint.get("/v2")
    @describes("v2Server", json(ServerMetadata, "The server."))
    def server() -> Response:
        """Show the server's name, version and extensions."""
        return _json(about.server())

    @blueprint.get("/v2/health/live")
    @describes("v2IsLive", json(ServerLive, "It answers."))
    def is_live() -> Response:
        """Say that the process answers."""
        return _json(ServerLive(live=True))

    @blueprint.get("/v2/health/ready")
    @describes("v2IsReady", json(ServerReady, "A model answers."), fails=(NotReady,))
    def is_ready() -> Response:
        """Say whether a model answers, as /readyz does."""
        if not live.ready:
            raise NotReady("no model answers yet")
        return _json(ServerReady(live=True, ready=True))


def _add_models(blueprint: Blueprint, live: LiveModels, settings: Settings) -> None:
    @blueprint.get("/v2/models")
    @describes("v2ListModels", json(ModelNames, "The models' names."))
    def names() -> Response:
        """List the models' names."""
        return _json(ModelNames(models=live.names()))

    @blueprint.get(_OF_MODEL)
    @blueprint.get(_OF_VERSION)
    @describes("v2Model", json(ModelMetadata, "The model."), fails=failures.MODEL)
    def model(name: str, version: str = PRODUCTION) -> Response:
        """Show a model's versions, inputs and outputs."""
        return _json(about.model(live, name, version))

    @blueprint.get(f"{_OF_MODEL}/ready")
    @blueprint.get(f"{_OF_VERSION}/ready")
    @describes("v2ModelIsReady", json(ModelReady, "It answers."), fails=failures.MODEL)
    def model_ready(name: str, version: str = PRODUCTION) -> Response:
        """Say whether a model answers."""
        live.snapshot(name, version)
        return _json(ModelReady(name=name, ready=True))

    @blueprint.get(f"{_OF_MODEL}/config")
    @blueprint.get(f"{_OF_VERSION}/config")
    @describes("v2ModelConfig", json(ModelConfig, "The configuration."), fails=failures.MODEL)
    def config(name: str, version: str = PRODUCTION) -> Response:
        """Show a model's configuration.

        `max_batch_size` is `MLP_MAX_BATCH`.
        """
        return _json(about.config(live, name, version, settings.max_batch))


def _add_statistics(blueprint: Blueprint, live: LiveModels, counters: Counters) -> None:
    @blueprint.get("/v2/models/stats")
    @describes("v2Statistics", json(AllStatistics, "The counts."), fails=failures.STORE)
    def all_stats() -> Response:
        """Show what the versions of all models have answered."""
        found = [one for name in live.names() for one in about.counted(live, counters, name)]
        return _json(AllStatistics(model_stats=found))

    @blueprint.get(f"{_OF_MODEL}/stats")
    @blueprint.get(f"{_OF_VERSION}/stats")
    @describes("v2ModelStatistics", json(AllStatistics, "The counts."), fails=failures.MODEL)
    def stats(name: str, version: str | None = None) -> Response:
        """Show what a model's versions have answered."""
        found = about.counted(live, counters, name)
        if version is not None:
            number = live.get(name).document.aliases.get(version)
            found = [one for one in found if one.version == (version if number is None else str(number))]
            if not found:
                raise VersionNotFound(f"model {name!r} has no version or alias {version!r}")
        return _json(AllStatistics(model_stats=found))


def _add_repository(blueprint: Blueprint, live: LiveModels, admins: Admins, settings: Settings) -> None:
    @blueprint.post("/v2/repository/index")
    @describes(
        "v2RepositoryIndex",
        json(list[IndexEntry], "The versions."),
        fails=(*failures.BODY, *failures.STORE),
        body=Body({"application/json": Media(IndexRequest, {"ready": {"ready": True}})}, required=False),
    )
    def index() -> Response:
        """List every version of every model, and its state."""
        found = repository.index(live, only_ready=_body(IndexRequest).ready or False)
        return reply.json([entry.model_dump() for entry in found])

    @blueprint.post("/v2/repository/models/<name>/load")
    @describes(
        "v2RepositoryLoad",
        json(Loaded, "Every worker answers with it."),
        fails=(*failures.CHANGE, *failures.BODY, OtherClasses, Unsupported),
        body=Body(
            {"application/json": Media(LoadRequest, {"version 1": {"parameters": {"version": "1"}}})}, required=False
        ),
        admin=True,
    )
    def load(name: str) -> Response:
        """Put a version into production: the newest, if none is named."""
        admins.authorize()
        asked = _body(LoadRequest).parameters or LoadParameters()
        return _json(repository.load(live, settings, name, asked))

    @blueprint.post("/v2/repository/models/<name>/unload")
    @describes(
        "v2RepositoryUnload",
        json(Loaded, "No worker answers with it."),
        fails=(*failures.CHANGE, *failures.BODY),
        body=Body(
            {"application/json": Media(UnloadRequest, {"with a reason": {"parameters": {"why": "being replaced"}}})},
            required=False,
        ),
        admin=True,
    )
    def unload(name: str) -> Response:
        """Take what is in production out of it, and every share of its traffic."""
        admins.authorize()
        asked = _body(UnloadRequest).parameters or UnloadParameters()
        return _json(repository.take_out(live, settings, name, asked))


def _body(kind: type[_Body]) -> _Body:
    """Give a request's JSON, or nothing said for a body that is empty. Raises MalformedBody, InvalidField."""
    data = body.received(request, "the most that is read")
    return parsed(kind, data) if data.strip() else kind()


def _json(answer: BaseModel) -> Response:
    return reply.json(answer.model_dump(exclude_none=True))
