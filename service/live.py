"""The versions in memory, and which of them answers. When to look for a change is service/watch.py's matter."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mlp.aliases import PRODUCTION, AliasDocument
from mlp.errors import MlpError, ModelNotFound, StoreError, VersionNotFound
from mlp.store import Store
from mlp.version import Version
from service.errors import NotReady

_log = logging.getLogger("service")

DEFAULT_MODEL: Final = "digits"

_PINNED: Final = 4
"""Versions of one model kept in memory although no alias names them, because requests asked for them by number."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What answers one request, from its start to its end."""

    version: Version
    generation: int


@dataclass(frozen=True, slots=True)
class Live:
    """One model at one generation: its aliases, and those versions that they name and that could be loaded."""

    name: str
    document: AliasDocument
    versions: Mapping[int, Version]

    @property
    def ready(self) -> bool:
        """Whether `production` answers."""
        return self.document.aliases.get(PRODUCTION) in self.versions


class LiveModels:
    """Every model of a store in its last good state.

    `snapshot` may be called from any thread, and takes no lock for a version that an alias names: it reads one
    reference to an immutable state. `refresh`, called from one thread at a time, builds the next state beside it and
    then replaces that reference. A request that began before keeps the version it has; the memory of an old version
    is freed when the last such request ends. Where the next state cannot be built the present one stays.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._models: Mapping[str, Live] = MappingProxyType({})
        self._refused: Mapping[str, Mapping[int, str]] = MappingProxyType({})
        self._pinned: dict[str, OrderedDict[int, Version]] = {}
        self._pinning = threading.Lock()

    @property
    def ready(self) -> bool:
        """Whether every model that is loaded answers, and there is one."""
        models = self._models
        return bool(models) and all(live.ready for live in models.values())

    def names(self) -> list[str]:
        """Give the names of the models, sorted."""
        return sorted(self._models)

    def get(self, name: str) -> Live:
        """Give a model's present state. Raises ModelNotFound."""
        models = self._models
        if name not in models:
            raise ModelNotFound(f"there is no model {name!r}; there are: {', '.join(sorted(models)) or 'none'}")
        return models[name]

    def refused(self, name: str) -> Mapping[int, str]:
        """Give those versions of a model that an alias names and that could not be loaded, each with the reason."""
        return self._refused.get(name, {})

    def snapshot(self, name: str | None = None, reference: str = PRODUCTION) -> Snapshot:
        """Give what answers for a model (None: the only one, else "digits") and a version's number or alias.

        Raises NotReady, ModelNotFound, VersionNotFound, VersionFileError, StoreUnavailable.
        """
        models = self._models
        if name is None:
            if not models:
                raise NotReady("no model is loaded yet")
            name = next(iter(models)) if len(models) == 1 else DEFAULT_MODEL
        live = self.get(name)
        number = live.document.aliases.get(reference)
        if number is None:
            return Snapshot(self._by_number(live, reference), live.document.generation)
        if number not in live.versions:
            raise NotReady(
                f"{name} {reference} is version {number}, which was refused: {self.refused(name).get(number)}"
            )
        return Snapshot(live.versions[number], live.document.generation)

    def _by_number(self, live: Live, reference: str) -> Version:
        """Give a version asked for by number, from memory or else from the store."""
        if not reference.isascii() or not reference.isdecimal():
            raise VersionNotFound(f"model {live.name!r} has no version or alias {reference!r}")
        number = self.store.resolve(live.name, reference)
        if number in live.versions:
            return live.versions[number]
        with self._pinning:
            pinned = self._pinned.setdefault(live.name, OrderedDict())
            version = pinned.pop(number, None) or self.store.read(live.name, number)
            pinned[number] = version
            if len(pinned) > _PINNED:
                pinned.popitem(last=False)
        return version

    def refresh(self) -> None:
        """Bring every model to what its alias document in the store says; what cannot be loaded stays as it is."""
        try:
            names = self.store.models()
        except StoreError as error:
            _log.warning("the store cannot be read, serving what is loaded", extra={"reason": str(error)})
            return
        for name in names:
            live = self._models.get(name)
            following, refused = self._following(name, live)
            if refused and refused != self._refused.get(name):
                _log.error("versions refused", extra={"model": name, "reasons": dict(refused)})
            self._refused = MappingProxyType({**self._refused, name: refused})
            if following is not live:
                self._models = MappingProxyType({**self._models, name: following})
                said = {
                    "model": name,
                    "generation": following.document.generation,
                    "aliases": following.document.aliases,
                }
                _log.info("now live", extra=said)

    def _following(self, name: str, live: Live | None) -> tuple[Live, Mapping[int, str]]:
        """Give the state that should follow `live`, `live` itself where that cannot be loaded, and what was refused."""
        present = live or Live(name, AliasDocument(), {})
        try:
            document = self.store.aliases(name)
        except MlpError as error:
            return present, {0: str(error)}
        wanted = sorted(set(document.aliases.values()))
        if live is not None and document == live.document and all(number in live.versions for number in wanted):
            return live, {}
        loaded, refused = dict[int, Version](), dict[int, str]()
        for number in wanted:
            try:
                loaded[number] = present.versions.get(number) or self.store.read(name, number)
            except MlpError as error:
                refused[number] = str(error)
        if refused and present.ready:
            return present, refused
        return Live(name, document, MappingProxyType(loaded)), refused
