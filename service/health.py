"""GET /healthz: the process answers. GET /readyz: a model answers."""

from flask import Blueprint, Response

from service import reply
from service.errors import NotReady
from service.live import LiveModels


def routes(live: LiveModels) -> Blueprint:
    """Give the two routes."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return reply.json({"status": "alive"})

    @blueprint.get("/readyz")
    def readyz() -> Response:
        if not live.ready:
            raise NotReady("no model answers yet: none is in the store, or the version behind production was refused")
        return reply.json({"status": "ready"})

    return blueprint
