"""The model repository: an index of the store, and loading and unloading as changes of the alias document.

A version is loaded here when it is in production; docs/protocols.md says what that means for a client.
"""

from collections.abc import Iterator

from mlp.aliases import PRODUCTION
from mlp.errors import ModelNotFound
from service.access import changed, note
from service.candidate import Live
from service.errors import NotReady, Unsupported
from service.layout import Cell
from service.live import LiveModels
from service.move import promote, unload
from service.settings import Settings
from service.v2.schemas import IndexEntry, Loaded, LoadParameters, UnloadParameters

_BY = "the V2 repository API"


def index(live: LiveModels, *, only_ready: bool) -> list[IndexEntry]:
    """Give every version of every model, by name and rising; or those that are in memory."""
    entries = [entry for name in live.names() for entry in _entries(live, name)]
    return [entry for entry in entries if entry.state == "READY"] if only_ready else entries


def _entries(live: LiveModels, name: str) -> Iterator[IndexEntry]:
    try:
        state = live.get(name)
    except NotReady as error:
        yield IndexEntry(name=name, version="", state="UNAVAILABLE", reason=str(error))
        return
    coming, refusal = _coming(live, name), live.refusal(name)
    for number in numbers(live, state):
        version = str(number)
        refused = refusal.versions.get(number) if refusal else None
        if number in state.versions:
            yield IndexEntry(name=name, version=version, state="READY")
        elif number in coming:
            yield IndexEntry(name=name, version=version, state="LOADING")
        else:
            reason = refused or "not in memory; it is read when it is asked for by its number"
            yield IndexEntry(name=name, version=version, state="UNAVAILABLE", reason=reason)


def numbers(live: LiveModels, state: Live) -> list[int]:
    """Give a model's versions, rising: those in the store, or those in memory when its folder is gone."""
    try:
        return live.store.versions(state.name)
    except ModelNotFound:
        return sorted(state.versions)


def _coming(live: LiveModels, name: str) -> frozenset[int]:
    """Give the versions that a document names which is being prepared."""
    cell = live.cell(name)
    proposal = live.board.read(cell, live.board.get(cell, Cell.PROPOSED))
    return proposal.document.in_use if proposal else frozenset()


def load(live: LiveModels, settings: Settings, name: str, asked: LoadParameters) -> Loaded:
    """Put a version into production, in every worker. Raises Unsupported and what `promote` raises."""
    unknown = sorted(asked.model_extra or {})
    if unknown:
        raise Unsupported(
            f"a load has no parameter {unknown[0][:60]!r} here: versions are sent to POST /models/{name}/versions, and "
            "what a version is configured to is in its file"
        )
    newest = live.store.versions(name)[-1]
    version = live.store.resolve(name, str(asked.version)) if asked.version is not None else newest
    noted = note(_BY, asked.why)
    document = promote(live, name, version, PRODUCTION, noted, force=asked.force, seconds=settings.swap_seconds)
    changed("alias moved", model=name, alias=PRODUCTION, version=version, generation=document.generation)
    return Loaded(name=name, load=True, version=str(version), generation=document.generation)


def take_out(live: LiveModels, settings: Settings, name: str, asked: UnloadParameters) -> Loaded:
    """Let a model answer no more but by its versions' numbers and its other aliases. Raises what `unload` raises."""
    before = live.get(name).document.aliases.get(PRODUCTION)
    document = unload(live, name, note(_BY, asked.why), seconds=settings.swap_seconds)
    changed("model unloaded", model=name, version=before, generation=document.generation)
    version = before or document.previous.get(PRODUCTION, 0)
    return Loaded(name=name, unload=True, version=str(version or ""), generation=document.generation)
