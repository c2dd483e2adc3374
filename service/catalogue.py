"""GET /models…: which models and versions there are, and what is known of them."""

from typing import Any

from flask import Blueprint, Response

from mlp.aliases import PRODUCTION
from mlp.errors import ModelNotFound, StoreUnavailable, VersionFileError, VersionNotFound
from mlp.metadata import Metadata
from service import reply, shadow
from service.candidate import Live
from service.live import LiveModels
from service.openapi import failures, parts
from service.openapi.answers import ModelList, ModelState, VersionDetails
from service.openapi.operation import describes, json
from service.rule import compared, unmet


def routes(live: LiveModels) -> Blueprint:
    """Give the routes, answering from `live` and the store behind it."""
    blueprint = Blueprint("catalogue", __name__)

    @blueprint.get("/models")
    @describes("listModels", json(ModelList, "All models, by name."), fails=failures.STORE)
    def models() -> Response:
        """List the models."""
        return reply.json({"models": [_summary(live, name) for name in live.names()]})

    @blueprint.get("/models/<name>")
    @describes(
        "getModel",
        json(ModelState, "The model.", headers=(parts.GENERATION,)),
        fails=failures.MODEL,
    )
    def model(name: str) -> Response:
        """Show a model: its aliases, its versions, and how a change of it is going."""
        state = live.get(name)
        response = reply.json(
            {
                "name": name,
                "generation": state.document.generation,
                "aliases": state.document.aliases,
                "previous": state.document.previous,
                **_optional(live, state),
                "versions": [_version(live, state, number) for number in _numbers(live, state)],
            }
        )
        response.headers["ETag"] = f'"{state.document.generation}"'
        return response

    @blueprint.get("/models/<name>/versions/<version>")
    @describes("getVersion", json(VersionDetails, "The version."), fails=failures.MODEL)
    def version(name: str, version: str) -> Response:
        """Show everything that a version says of itself."""
        state = live.get(name)
        number = numbered(live, state, version)
        metadata = live.store.metadata(name, number)
        return reply.json(metadata.model_dump(mode="json") | _version(live, state, number))

    return blueprint


def numbered(live: LiveModels, state: Live, reference: str) -> int:
    """Give the number of a version in the store by itself or by an alias. Raises VersionNotFound, StoreUnavailable."""
    number = state.document.aliases.get(reference) or live.store.resolve(state.name, reference)
    if number not in live.store.versions(state.name):
        raise VersionNotFound(f"model {state.name!r} has no version {number}")
    return number


def _summary(live: LiveModels, name: str) -> dict[str, Any]:
    state = live.get(name)
    return {"name": name, "production": state.document.aliases.get(PRODUCTION), "versions": _numbers(live, state)}


def _numbers(live: LiveModels, state: Live) -> list[int]:
    """Give a model's versions in the store, none for one whose folder is gone and that answers from memory.

    While the store cannot be reached they are those that this worker has in memory.
    """
    try:
        return live.store.versions(state.name)
    except ModelNotFound:
        return []
    except StoreUnavailable:
        return sorted(state.versions)


def _optional(live: LiveModels, state: Live) -> dict[str, Any]:
    """Give what is only there when there is something to say."""
    document, refusal = state.document, live.refusal(state.name)
    fields: dict[str, Any] = {}
    if document.traffic:
        fields["traffic"] = document.traffic
    if document.rule:
        fields["rule"] = document.rule.model_dump(mode="json", exclude_none=True)
    if refusal:
        fields["refused"] = refusal.body()
    if not live.board.store_is_reachable:
        fields["store"] = {"reachable": False, "age_seconds": round(live.board.store_age_seconds(), 1)}
    if (candidate := compared(state)) is not None:
        fields["shadow"] = _shadow(live, state, candidate.metadata.version)
    return fields


def _shadow(live: LiveModels, state: Live, candidate: int) -> dict[str, Any]:
    """Give how the shadow's answers compare with production's, over all workers."""
    production = state.document.aliases[PRODUCTION]
    found = shadow.counts(live.board, live.cell(state.name), production, candidate)
    fields: dict[str, Any] = {
        "version": candidate,
        "production": production,
        "pictures": found.pictures,
        "agreement": round(found.agreement, 6) if found.pictures else None,
        "distance": round(found.distance / found.pictures, 6) if found.pictures else None,
        "dropped": found.dropped,
        "failed": found.failed,
    }
    if state.document.rule:
        fields["lacks"] = unmet(live, state, state.document.rule)
    if live.board.layout.examples:
        fields["examples"] = shadow.examples(live.board, state.name, production, candidate)
    return fields


def _version(live: LiveModels, state: Live, number: int) -> dict[str, Any]:
    """Give a version's row: "ready" is in memory, "refused" cannot be served, "available" is in the store."""
    refusal = live.refusal(state.name)
    refused = refusal.versions.get(number) if refusal else None
    row: dict[str, Any] = {"version": number}
    try:
        row |= _described(_metadata(live, state, number))
        if live.store.report(state.name, number):
            row["report"] = True
    except (VersionFileError, VersionNotFound) as error:  # not found: deleted a moment ago
        refused = refused or str(error)
    except StoreUnavailable as error:
        refused = refused or (None if number in state.versions else str(error))
    row["aliases"] = state.document.names_of(number)
    row["state"] = "refused" if refused else "ready" if number in state.versions else "available"
    if refused:
        row["reason"] = refused
    return row


def _metadata(live: LiveModels, state: Live, number: int) -> Metadata:
    """Give what a version says of itself, of one in memory without asking the store."""
    loaded = state.versions.get(number)
    return loaded.metadata if loaded else live.store.metadata(state.name, number)


def _described(metadata: Metadata) -> dict[str, Any]:
    return {
        "created_at": metadata.created_at.isoformat(),
        "sha256": metadata.sha256,
        "weights": metadata.weights,
        "metrics": metadata.metrics,
    }
