"""The paths of the protocol, with and without a slash at the end, and never a redirect: some clients follow none."""

from typing import Final, TypeVar

from flask import Blueprint, Response, g, request
from pydantic import BaseModel

from mlp.aliases import PRODUCTION
from mlp.errors import VersionNotFound
from service import body, reply
from service.access import Admins
from service.counters import Counters
from service.errors import NotReady
from service.json_body import parsed
from service.live import LiveModels
from service.settings import Settings
from service.v2 import about, repository
from service.v2.infer import Infer
from service.v2.schemas import (
    AllStatistics,
    IndexRequest,
    LoadParameters,
    LoadRequest,
    ModelNames,
    ModelReady,
    ServerLive,
    ServerReady,
    UnloadParameters,
    UnloadRequest,
)

_Body = TypeVar("_Body", bound=BaseModel)

_OF_MODEL: Final = "/v2/models/<name>"
_OF_VERSION: Final = "/v2/models/<name>/versions/<version>"


def routes(live: LiveModels, infer: Infer, counters: Counters, admins: Admins, settings: Settings) -> Blueprint:
    """Give the routes."""
    blueprint = Blueprint("v2", __name__)
    _add_server(blueprint, live)
    _add_models(blueprint, live, counters, settings)
    _add_repository(blueprint, live, admins, settings)

    @blueprint.post(f"{_OF_MODEL}/infer", endpoint="infer")
    @blueprint.post(f"{_OF_VERSION}/infer", endpoint="infer")
    def post(name: str, version: str | None = None) -> Response:
        data = body.received(request, "the most that is read")
        found = infer(request.environ, data, name, version, g.begun.id)
        return infer.inference.completed(found, Response(found.written.body, headers=found.written.headers))

    return blueprint


def _add_server(blueprint: Blueprint, live: LiveModels) -> None:
    @blueprint.get("/v2")
    def server() -> Response:
        return _json(about.server())

    @blueprint.get("/v2/health/live")
    def is_live() -> Response:
        return _json(ServerLive(live=True))

    @blueprint.get("/v2/health/ready")
    def is_ready() -> Response:
        if not live.ready:
            raise NotReady("no model answers yet")
        return _json(ServerReady(live=True, ready=True))


def _add_models(blueprint: Blueprint, live: LiveModels, counters: Counters, settings: Settings) -> None:
    @blueprint.get("/v2/models")
    def names() -> Response:
        return _json(ModelNames(models=live.names()))

    @blueprint.get(_OF_MODEL)
    @blueprint.get(_OF_VERSION)
    def model(name: str, version: str = PRODUCTION) -> Response:
        return _json(about.model(live, name, version))

    @blueprint.get(f"{_OF_MODEL}/ready")
    @blueprint.get(f"{_OF_VERSION}/ready")
    def model_ready(name: str, version: str = PRODUCTION) -> Response:
        live.snapshot(name, version)
        return _json(ModelReady(name=name, ready=True))

    @blueprint.get(f"{_OF_MODEL}/config")
    @blueprint.get(f"{_OF_VERSION}/config")
    def config(name: str, version: str = PRODUCTION) -> Response:
        return _json(about.config(live, name, version, settings.max_batch))

    @blueprint.get("/v2/models/stats")
    @blueprint.get(f"{_OF_MODEL}/stats")
    @blueprint.get(f"{_OF_VERSION}/stats")
    def stats(name: str | None = None, version: str | None = None) -> Response:
        found = [one for each in ([name] if name else live.names()) for one in about.counted(live, counters, each)]
        if version is not None:
            number = live.get(name or "").document.aliases.get(version)
            found = [one for one in found if one.version == (version if number is None else str(number))]
            if not found:
                raise VersionNotFound(f"model {name!r} has no version or alias {version!r}")
        return _json(AllStatistics(model_stats=found))


def _add_repository(blueprint: Blueprint, live: LiveModels, admins: Admins, settings: Settings) -> None:
    @blueprint.post("/v2/repository/index")
    def index() -> Response:
        found = repository.index(live, only_ready=_body(IndexRequest).ready or False)
        return reply.json([entry.model_dump() for entry in found])

    @blueprint.post("/v2/repository/models/<name>/load")
    def load(name: str) -> Response:
        admins.authorize()
        asked = _body(LoadRequest).parameters or LoadParameters()
        return _json(repository.load(live, settings, name, asked))

    @blueprint.post("/v2/repository/models/<name>/unload")
    def unload(name: str) -> Response:
        admins.authorize()
        asked = _body(UnloadRequest).parameters or UnloadParameters()
        return _json(repository.take_out(live, settings, name, asked))


def _body(kind: type[_Body]) -> _Body:
    """Give a request's JSON, or nothing said for a body that is empty. Raises MalformedBody, InvalidField."""
    data = body.received(request, "the most that is read")
    return parsed(kind, data) if data.strip() else kind()


def _json(answer: BaseModel) -> Response:
    return reply.json(answer.model_dump(exclude_none=True))
