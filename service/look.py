"""Looking at the store: what has changed there is proposed to all workers, what cannot be read is told."""

import logging

from mlp.aliases import PRODUCTION, AliasDocument
from mlp.errors import MlpError, StoreError, in_full
from mlp.store import Store
from service.board import Board
from service.errors import DocumentRefused
from service.layout import Cell, Head

_log = logging.getLogger("service")


class Look:
    """One worker's looks at a store; it remembers what each model's document looked like the last time."""

    def __init__(self, store: Store, board: Board) -> None:
        self._store = store
        self._board = board
        self._seen: dict[str, str] = {}

    def __call__(self) -> None:
        """Propose those alias documents that are news; one that cannot be looked at keeps no other waiting."""
        failures = []
        try:
            for name in self._store.models():
                try:
                    self._look_at(name)
                except StoreError as error:
                    failures.append(f"{name}: {in_full(error)}")
        except StoreError as error:
            failures.append(in_full(error))
        if not failures:
            self._succeeded()
        elif self._board.looked_in_vain():
            reason = "; ".join(failures)
            _log.warning("the store cannot be read, serving what is loaded", extra={"reason": reason})

    def _succeeded(self) -> None:
        if self._board.words[Head.FAILED]:
            seconds = round(self._board.store_age_seconds(), 1)
            _log.info("the store can be read again", extra={"after_seconds": seconds})
        self._board.looked(stale=self._store.stale)

    def _look_at(self, name: str) -> None:
        fingerprint, cell = self._store.fingerprint(name), self._board.cell(name)
        if self._seen.get(name) == fingerprint and not self._board.get(cell, Cell.REFUSED):
            return
        document = self._document(name, cell)
        if document is None and self._store.stale:
            return  # it is not done with: it may still be what the store says when that answers again
        try:
            if document and self._board.propose(name, document, forced=self._forced(cell, document)) is None:
                return  # another proposal is in the way; the next look sees whether this one still is news
        except DocumentRefused as error:
            if error.news:
                log_refusal(name, str(error))
        self._seen[name] = fingerprint

    def _document(self, name: str, cell: int) -> AliasDocument | None:
        """Give what the store says, None if that is nothing to be served: unreadable, or older than what is live."""
        is_live = self._board.get(cell, Cell.COMMITTED) != 0
        try:
            document = self._store.aliases(name)
        except MlpError as error:
            if self._board.refuse_unread(name, str(error)):
                log_refusal(name, str(error))
            return None
        return None if is_live and self._store.stale else document

    def _forced(self, cell: int, document: AliasDocument) -> bool:
        """Whether the move of `production` is one that was recorded: whoever recorded it compared the classes."""
        generation = self._board.get(cell, Cell.GENERATION)
        moves = [c for c in document.history if c.generation > generation and c.alias == PRODUCTION]
        return bool(moves) and moves[-1].target == document.aliases.get(PRODUCTION)


def log_refusal(name: str, reason: str) -> None:
    """Log why a change of a model is not served."""
    _log.error("versions refused", extra={"model": name, "reason": reason})
