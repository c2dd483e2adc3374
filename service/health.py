"""GET /healthz: the process answers. GET /readyz: a model answers."""

from flask import Blueprint, Response

from service import reply
from service.errors import NotReady
from service.live import LiveModels
from service.openapi.answers import Alive, Ready
from service.openapi.operation import describes, json


def routes(live: LiveModels) -> Blueprint:
    """Give the two routes."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    @describes("isAlive", json(Alive, "It answers."))
    def healthz() -> Response:
        """Say that the process answers."""
        return reply.json({"status": "alive"})

    @blueprint.get("/readyz")
    @describes("isReady", json(Ready, "A model answers."), fails=(NotReady,))
    def readyz() -> Response:
        """Say whether a model answers, and every other that has a version in production."""
        if not live.ready:
            raise NotReady("no model answers yet: none is in the store, or the version behind production was refused")
        return reply.json({"status": "ready"})

    return blueprint
