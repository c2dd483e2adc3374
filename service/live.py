"""The versions in this worker's memory, and which of them answers.

How all workers come to answer with the same one is service/board.py's matter, when to look for a change
service/watch.py's.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mlp.aliases import PRODUCTION, SHADOW
from mlp.errors import MlpError, ModelNotFound, VersionNotFound
from mlp.store import Store
from mlp.version import Version
from service import candidate, traffic
from service.board import Board
from service.candidate import Live
from service.errors import NotReady, ServiceError
from service.layout import Cell
from service.look import Look, log_refusal
from service.pinned import Pinned
from service.proposal import Proposal
from service.refusal import Refusal

_log = logging.getLogger("service")

DEFAULT_MODEL: Final = "digits"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What answers one request, from its start to its end."""

    version: Version
    generation: int
    cell: int
    """The model's place on the board."""
    shadow: Version | None = None
    """What answers the same pictures afterwards, to be compared."""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What answers, for the answer's headers."""
        about = self.version.metadata
        return [
            ("X-Model-Name", about.name),
            ("X-Model-Version", str(about.version)),
            ("X-Model-Generation", str(self.generation)),
        ]

    def said(self, images: int) -> dict[str, Any]:
        """Give what answers so many pictures, for the log."""
        return {"model": self.version.metadata.name, "version": self.version.metadata.version, "images": images}


@dataclass(slots=True)
class _Model:
    """What this worker has in memory of one model: states by their serial numbers."""

    name: str
    cell: int
    committed_word: int
    states: dict[int, Live] = field(default_factory=dict)
    handled: int = 0
    """The last proposal that was built or refused here."""
    kept: tuple[int, int] = (0, 0)
    """The serial numbers of what answered before, and of what answers."""


class LiveModels:
    """Every model of a store in its last good state, the same one in every worker that shares `board`.

    `snapshot` may be called from any thread. It reads the number that all workers share and takes the state that this
    worker has under it; no lock, no file. A request that began before a swap keeps the version it has; the memory of an
    old version is freed when the last such request ends and nothing can go back to it. A worker that was left out of a
    swap because it hung, and wakes up, finds a number that it has no state for: it loads that before it answers.

    `look`, `prepare` and `settle` are the steps of a swap, each called from one thread at a time.
    """

    def __init__(self, store: Store, board: Board) -> None:
        self.store = store
        self.board = board
        self.slot: int | None = None
        """This worker's place on the board; none in the process that forks the workers."""
        self._models: dict[str, _Model] = {}
        self.look = Look(store, board)
        self._pinned = Pinned(store, board)
        self._catching_up = threading.Lock()
        self._forgetting = threading.Lock()

    # What answers

    @property
    def ready(self) -> bool:
        """Whether a model answers, and every other that should: one that nobody has promoted yet, need not."""
        states = [self.get(name) for name in self.names()]
        return any(state.ready for state in states) and all(state.ready or self._is_new(state) for state in states)

    def _is_new(self, state: Live) -> bool:
        """Whether nothing of a model was ever to answer: its document was read, and names no production."""
        return PRODUCTION not in state.document.aliases and not self.board.is_incomplete(self._models[state.name].cell)

    def names(self) -> list[str]:
        """Give the names of the models, sorted."""
        return sorted(model.name for model in self._all() if self.board.words[model.committed_word])

    def get(self, name: str) -> Live:
        """Give a model's present state. Raises ModelNotFound, NotReady."""
        model = self._models.get(name) or {m.name: m for m in self._all()}.get(name)
        while model and (serial := self.board.words[model.committed_word]):
            live = model.states.get(serial)
            if live is not None:
                return live
            self._catch_up(model, serial)
        raise ModelNotFound(f"there is no model {name!r}; there are: {', '.join(self.names()) or 'none'}")

    def snapshot(self, name: str | None = None, reference: str | None = None, key: str = "") -> Snapshot:
        """Give what answers for a model (None: the only one, else "digits") and a version's number or alias.

        Without a reference `production` answers, or the alias that gets `key`'s share of its traffic. Raises NotReady,
        ModelNotFound, VersionNotFound, VersionFileError, StoreUnavailable.
        """
        live = self.get(name or self._default())
        document, cell = live.document, self._models[live.name].cell
        alias = reference or traffic.alias_for(key, live.name, document.traffic)
        number = document.aliases.get(alias)
        if reference is None and number not in live.versions:  # a share of the traffic, for what could not be loaded
            alias, number = PRODUCTION, document.aliases.get(PRODUCTION)
        if number is None:
            return Snapshot(self._by_number(live, alias), document.generation, cell)
        version = live.versions.get(number)
        if version is None:
            raise NotReady(f"{live.name} {alias} is version {number}, which was refused: {self._why_not(live, number)}")
        shadow = live.versions.get(document.aliases.get(SHADOW, 0)) if alias == PRODUCTION else None
        return Snapshot(version, document.generation, cell, shadow if shadow is not version else None)

    def cell(self, name: str) -> int:
        """Give the place of a model on the board. Raises ModelNotFound, NotReady."""
        self.get(name)
        return self._models[name].cell

    def refusal(self, name: str) -> Refusal | None:
        """Give why the last change of a model was refused; None when one was served since."""
        model = self._models.get(name)
        return self.board.refusal(model.cell) if model else None

    def _default(self) -> str:
        names = self.names() if self.board.count() != 1 else [model.name for model in self._all()]
        if not names:
            raise NotReady("no model is loaded yet")
        return names[0] if len(names) == 1 else DEFAULT_MODEL

    def _why_not(self, live: Live, number: int) -> str:
        refusal = self.refusal(live.name)
        return (refusal.versions.get(number) or refusal.reason) if refusal else "the log has the reason"

    def _by_number(self, live: Live, reference: str) -> Version:
        """Give a version asked for by number, from memory or else from the store."""
        if not reference.isascii() or not reference.isdecimal():
            refusal = self.refusal(live.name) if reference == PRODUCTION else None
            if refusal:
                raise NotReady(f"{live.name} has no version in production: {refusal.reason}")
            raise VersionNotFound(f"model {live.name!r} has no version or alias {reference!r}")
        held = next((version for number, version in live.versions.items() if str(number) == reference), None)
        return held or self._pinned.get(live.name, reference)

    def _all(self) -> list[_Model]:
        """Give every model that any worker has found."""
        if len(self._models) != self.board.count():
            for cell, name in enumerate(self.board.names()):
                self._models.setdefault(name, _Model(name, cell, self.board.layout.cell(cell, Cell.COMMITTED)))
        return list(self._models.values())

    def _catch_up(self, model: _Model, serial: int) -> None:
        """Load what the other workers answer with. Raises NotReady: this worker answers nothing rather than the old."""
        with self._catching_up:
            proposal = self.board.read(model.cell, serial)
            if serial in model.states or proposal is None:
                return
            present = model.states.get(max(model.states, default=0))
            live, refused = candidate.build(self.store, model.name, proposal.document, present, forced=True)
            if refused and self.board.get(model.cell, Cell.INCOMPLETE) != serial:
                reasons = "; ".join(refused.values())
                raise NotReady(f"this worker cannot load what is live of {model.name}: {reasons}")
            model.states[serial] = live

    # How it changes

    def refresh(self) -> None:
        """Bring every model to what its alias document in the store says; what cannot be loaded stays as it is.

        For one process by itself: with other workers the swap is finished when they are ready, too.
        """
        self.look()
        self.prepare()
        self.settle()

    def prepare(self) -> None:
        """Load what is proposed, and say on the board that it is there, or why it cannot be."""
        for model in self._all():
            serial = self.board.get(model.cell, Cell.PROPOSED)
            proposal = self.board.read(model.cell, serial) if serial and serial != model.handled else None
            if proposal is not None:
                present = self._present(model)
                if self._in_turn(proposal, present):
                    self._load(model, proposal, present)
                    model.handled = serial
            self._settle(model)

    def _present(self, model: _Model) -> Live | None:
        """Give what answers now, None when nothing is committed or when this worker cannot load what is."""
        try:
            return self.get(model.name)
        except (ModelNotFound, NotReady):
            return None

    def _in_turn(self, proposal: Proposal, present: Live | None) -> bool:
        """Whether this worker may load now; what needs no loading is always ready, such as a rollback."""
        in_memory = present is not None and proposal.document.in_use <= present.versions.keys()
        return in_memory or self.slot is None or self.board.workers.may_load(self.slot)

    def _load(self, model: _Model, proposal: Proposal, present: Live | None) -> None:
        try:
            built = candidate.build(self.store, model.name, proposal.document, present, forced=proposal.forced)
        except Exception as error:  # noqa: BLE001 - whatever it is, the swap must not wait for it
            _log.exception("loading failed", extra={"model": model.name})
            said = f": {error}" if isinstance(error, MlpError | ServiceError) else ""  # another's may name paths
            reason = f"loading failed: {type(error).__name__}{said}"
            self._refuse(model, proposal.serial, Refusal.now(proposal.document.generation, reason))
        else:
            self._built(model, proposal.serial, present, *built)
        if self.slot is not None:
            self.board.workers.has_loaded(self.slot)

    def _built(
        self, model: _Model, serial: int, present: Live | None, following: Live, refused: Mapping[int, str]
    ) -> None:
        if refused:
            refusal = Refusal.now(following.document.generation, "; ".join(refused.values()), refused)
            nothing_answers = not present.ready if present else not self.board.words[model.committed_word]
            if not nothing_answers:
                self._refuse(model, serial, refusal)
                return
            if self.board.lacking(model.cell, serial, refusal):
                log_refusal(model.name, refusal.reason)
        model.states[serial] = following
        self.board.prepared(self.slot, model.cell, serial)

    def _refuse(self, model: _Model, serial: int, refusal: Refusal) -> None:
        if self.board.refuse(model.cell, serial, refusal):
            log_refusal(model.name, refusal.reason)

    def settle(self) -> None:
        """Let all workers answer with what all of them have prepared, and forget what cannot come back."""
        for model in self._all():
            self._settle(model)

    def _settle(self, model: _Model) -> None:
        outcome = self.board.settle(model.cell)
        if outcome and outcome[1]:
            log_refusal(model.name, outcome[1].reason)
        elif outcome:
            self.said_live(model.name)
        committed = self.board.words[model.committed_word]
        if committed != model.kept[1] and self._forgetting.acquire(blocking=False):
            if committed != model.kept[1]:  # else another thread was faster
                model.kept = (model.kept[1], committed)
            for serial in list(model.states):
                if serial not in model.kept and serial < committed:
                    model.states.pop(serial, None)
            self._forgetting.release()

    def said_live(self, name: str) -> None:
        """Log that a model's state has changed."""
        document = self.get(name).document
        _log.info("now live", extra={"model": name, "generation": document.generation, "aliases": document.aliases})

    def join(self, pid: int) -> int:
        """Take part in swaps as the worker of that process, from what is live now on; give its slot."""
        self.slot = self.board.workers.claim(pid)
        for name in self.names():
            try:
                self.get(name)
            except NotReady as error:
                _log.error("a new worker cannot load what is live", extra={"model": name, "reason": str(error)})
        return self.slot
