"""Versions that requests ask for by number although no alias names them: read when asked for, and kept for a while."""

import threading
from collections import OrderedDict
from typing import Final

from mlp.store import Store
from mlp.version import Version
from service import candidate
from service.board import Board
from service.layout import Head

_KEPT: Final = 4
"""Versions of one model."""


class Pinned:
    """The last few of each model. What any worker has deleted is forgotten by all."""

    def __init__(self, store: Store, board: Board) -> None:
        self._store = store
        self._board = board
        self._versions: dict[str, OrderedDict[int, Version]] = {}
        self._deletions = 0
        self._reading = threading.Lock()

    def get(self, name: str, reference: str) -> Version:
        """Give a version by its number. Raises VersionNotFound, VersionFileError, StoreUnavailable."""
        number = self._store.resolve(name, reference)
        with self._reading:
            if self._deletions != (deletions := self._board.words[Head.DELETIONS]):
                self._versions.clear()
                self._deletions = deletions
            kept = self._versions.setdefault(name, OrderedDict())
            version = kept.pop(number, None) or candidate.read(self._store, name, number)
            kept[number] = version
            if len(kept) > _KEPT:
                kept.popitem(last=False)
        return version
