"""The two-phase swap on memory that all workers share: which state of each model is proposed, prepared, committed.

This room knows documents and numbers; what a worker has in its memory for a number is service/live.py's matter.
"""

import os
import time
from typing import Final

from mlp.aliases import AliasDocument
from mlp.errors import ModelNotFound
from service.errors import DocumentRefused
from service.layout import MODELS, Cell, Head, Layout, Tally
from service.proposal import Proposal, digest, served, why_not_after
from service.refusal import Refusal
from service.shared import Shared
from service.workers import Workers

_LONGEST_PAUSE_SECONDS: Final = 60.0
"""Between two attempts with the same refused document; the first comes after the time between two looks, then twice
that, and so on."""


class Board:
    """What is proposed and committed, for every model of one service.

    A swap: one worker proposes a document under a new serial number (`propose`); every worker loads what it names and
    says so (`prepared`) or says why it cannot (`refuse`); whoever finds that every live worker is prepared writes the
    serial number into COMMITTED (`settle`). A request reads that word once, at its start. There is no leader: each
    step may be taken by any worker, under the lock, and changes nothing when another has taken it already.

    Serial numbers only rise, and a proposal's generation must be above the committed one, so generations only rise.
    """

    def __init__(self, workers: int, *, swap_seconds: float, poll_seconds: float, examples: int = 0) -> None:
        # A reload has old and new workers for a while, and SIGTTIN adds some.
        self.layout = Layout(slots=2 * workers + 8, examples=examples)
        self.expected = workers
        """How many workers there are to be."""
        self._swap_seconds = swap_seconds
        self._poll_seconds = poll_seconds
        self._shared = Shared(self.layout.size)
        self.words = self._shared.words
        self.workers = Workers(self._shared, self.layout)
        self.words[Head.LOOKED] = time.monotonic_ns()

    # Models

    def count(self) -> int:
        """Give how many models have a cell."""
        return self.words[Head.COUNT]

    def names(self) -> list[str]:
        """Give the names of the models that have a cell, in the order of their cells."""
        return [self._shared.text(self.layout.name(cell)).decode() for cell in range(self.count())]

    def cell(self, name: str) -> int:
        """Give a model's cell, a new one for a name that has none. Raises ModelNotFound when all are taken."""
        with self._shared.locked():
            names = self.names()
            if name in names:
                return names.index(name)
            if len(names) == MODELS:
                raise ModelNotFound(f"{name!r} would be model number {MODELS + 1}; one service holds {MODELS}")
            self._shared.write_text(self.layout.name(len(names)), name.encode())
            self.words[Head.COUNT] = len(names) + 1
            return len(names)

    def get(self, cell: int, word: Cell) -> int:
        """Give a model's word."""
        return self.words[self.layout.cell(cell, word)]

    def read(self, cell: int, serial: int) -> Proposal | None:
        """Give what stands under a serial number; None when that is neither committed nor proposed any more."""
        with self._shared.locked():
            return self._read(cell, serial)

    def is_incomplete(self, cell: int) -> bool:
        """Whether what answers lacks something that the store names, or says what cannot be read."""
        return self.get(cell, Cell.INCOMPLETE) == self.get(cell, Cell.COMMITTED)

    def refusal(self, cell: int) -> Refusal | None:
        """Give why the last proposal was refused; None when one was committed since."""
        with self._shared.locked():
            text = self._shared.text(self.layout.refusal(cell))
        return Refusal.parse(text) if text else None

    # Phase one

    def propose(self, name: str, document: AliasDocument, *, forced: bool = False, owner: int = 0) -> int | None:
        """Propose a document and give its serial number; 0 when there is nothing to do, None when it cannot be now.

        Nothing to do: it is what is committed, or it was refused a short while ago. Not now: another proposal is being
        prepared. Raises DocumentRefused, also in later calls, for a document that must not follow what is committed.
        """
        cell, text = self.cell(name), served(document)
        with self._shared.locked():
            if self.get(cell, Cell.PROPOSED):
                return None
            committed = self._read(cell, self.get(cell, Cell.COMMITTED))
            if committed and text == served(committed.document) and not self.is_incomplete(cell):
                if not self.get(cell, Cell.OWNER):
                    self._forget_refusal(cell)  # someone has put the document back
                return 0
            if not owner and self._refused_lately(cell, text):
                return 0
            if reason := why_not_after(committed, document, unloads=forced):
                noted = not owner and self._note_refusal(cell, text, Refusal.now(document.generation, reason))
                raise DocumentRefused(reason, news=noted)
            return self._write_proposal(cell, text, forced=forced, owner=owner)

    def prepared(self, slot: int | None, cell: int, serial: int) -> None:
        """Say that this worker can answer from the proposal of that number."""
        if slot is not None:
            self.words[self.layout.tally(slot, cell, Tally.PREPARED)] = serial

    def refuse(self, cell: int, serial: int, refusal: Refusal) -> bool:
        """Take a proposal back for a reason; what is committed stays. Gives whether the reason is news."""
        with self._shared.locked():
            if self.get(cell, Cell.PROPOSED) != serial or (proposal := self._read(cell, serial)) is None:
                return False
            self._set(cell, Cell.PROPOSED, 0)
            return self._note_refusal(cell, served(proposal.document), refusal, self.get(cell, Cell.OWNER))

    def lacking(self, cell: int, serial: int, refusal: Refusal) -> bool:
        """Say why a proposal has not all that it names, which is better than nothing. Gives whether that is news."""
        with self._shared.locked():
            if self.get(cell, Cell.PROPOSED) != serial or (proposal := self._read(cell, serial)) is None:
                return False
            self._set(cell, Cell.INCOMPLETE, serial)
            return self._note_refusal(cell, served(proposal.document), refusal)

    def refuse_unread(self, name: str, reason: str) -> bool:
        """Keep the reason why a model's document could not even be proposed; give whether it is news.

        A model of which nothing is live begins with an empty document, so that the reason can be asked for.
        """
        cell = self.cell(name)
        with self._shared.locked():
            if not self.get(cell, Cell.COMMITTED) and not self.get(cell, Cell.PROPOSED):
                serial = self._write_proposal(cell, served(AliasDocument()), forced=False, owner=0)
                self._set(cell, Cell.INCOMPLETE, serial)
            return self._note_refusal(cell, reason.encode(), Refusal.now(self.get(cell, Cell.GENERATION), reason))

    def withdraw(self, cell: int, serial: int) -> None:
        """Take a proposal back that nobody wants any more."""
        with self._shared.locked():
            if self.get(cell, Cell.PROPOSED) == serial:
                self._set(cell, Cell.PROPOSED, 0)
                self._set(cell, Cell.OWNER, 0)

    # Phase two

    def all_prepared(self, cell: int, serial: int) -> bool:
        """Whether every live worker has the proposal ready."""
        return not self._unprepared(cell, serial)

    def commit(self, cell: int, serial: int) -> bool:
        """Let the proposal of that number answer from now on, in all workers; False when it is proposed no more."""
        with self._shared.locked():
            if self.get(cell, Cell.PROPOSED) != serial or (proposal := self._read(cell, serial)) is None:
                return False
            self._set(cell, Cell.GENERATION, proposal.document.generation)
            self._set(cell, Cell.COMMITTED, serial)
            self._set(cell, Cell.PROPOSED, 0)
            self._set(cell, Cell.OWNER, 0)
            self._set(cell, Cell.SWAPS, self.get(cell, Cell.SWAPS) + 1)
            if not self.is_incomplete(cell):
                self._forget_refusal(cell)
            return True

    def settle(self, cell: int) -> tuple[int, Refusal | None] | None:
        """Commit what all have prepared, take back what nobody will finish.

        Gives the serial number that was settled here, and why if it was not committed; None when nothing was.
        """
        serial = self.get(cell, Cell.PROPOSED)
        if not serial:
            return None
        owner = self.get(cell, Cell.OWNER)
        if owner and owner != os.getpid() and owner not in self.workers.pids(self.workers.live()):
            self.withdraw(cell, serial)  # what its owner has written by then is found by the next look
        elif not owner and self.all_prepared(cell, serial):
            return (serial, None) if self.commit(cell, serial) else None
        elif time.monotonic_ns() - self.get(cell, Cell.STARTED) > self._swap_seconds * 1e9:
            late = self._overdue(cell, serial)
            return (serial, late) if self.refuse(cell, serial, late) else None
        return None

    # The store

    def look_soon(self) -> None:
        """Let the next look at the store be at once."""
        self.words[Head.NEXT_LOOK] = 0

    def look_is_due(self) -> bool:
        """Whether it is time to look at the store; one worker finds so, and looks for all."""
        now = time.monotonic_ns()
        if now < self.words[Head.NEXT_LOOK]:
            return False
        self.words[Head.NEXT_LOOK] = now + int(self._poll_seconds * 1e9)
        return True

    def looked(self, *, stale: bool) -> None:
        """Say that the store was read, and whether that was what was kept of one that cannot be reached."""
        self.words[Head.LOOKED] = time.monotonic_ns()
        self.words[Head.STALE] = int(stale)
        self.words[Head.FAILED] = 0

    def looked_in_vain(self) -> bool:
        """Say that the store could not be read; give whether that is news."""
        with self._shared.locked():
            is_news = not self.words[Head.FAILED]
            self.words[Head.FAILED] = 1
        return is_news

    @property
    def store_is_reachable(self) -> bool:
        """Whether the last look at the store succeeded, and was at what is there, not at what was kept of it."""
        return not self.words[Head.FAILED] and not self.words[Head.STALE]

    def is_settled(self, *, since: float) -> bool:
        """Whether the store was read after `since` (monotonic seconds), and nothing of it is still being prepared."""
        pending = any(self.get(cell, Cell.PROPOSED) for cell in range(self.count()))
        return self.words[Head.LOOKED] > since * 1e9 and not pending

    def store_age_seconds(self) -> float:
        """Give the time since the store was last read, or since the start if it never was."""
        return (time.monotonic_ns() - self.words[Head.LOOKED]) / 1e9

    def deleted(self) -> None:
        """Say that a version was deleted, so that workers forget those they hold by number."""
        with self._shared.locked():
            self.words[Head.DELETIONS] += 1

    # Examples

    def add_example(self, text: bytes) -> None:
        """Keep an example for a while, if examples are kept."""
        if self.layout.examples:
            with self._shared.locked():
                place = self.words[Head.EXAMPLES] % self.layout.examples
                self._shared.write_text(self.layout.example(place), text)
                self.words[Head.EXAMPLES] += 1

    def examples(self) -> list[bytes]:
        """Give the kept examples, the newest first."""
        with self._shared.locked():
            end = self.words[Head.EXAMPLES]
            newest_first = range(end - 1, max(0, end - self.layout.examples) - 1, -1)
            texts = [self._shared.text(self.layout.example(n % self.layout.examples)) for n in newest_first]
        return [text for text in texts if text]  # empty: its writer was killed

    # Within

    def _set(self, cell: int, word: Cell, value: int) -> None:
        self.words[self.layout.cell(cell, word)] = value

    def _write_proposal(self, cell: int, text: bytes, *, forced: bool, owner: int) -> int:
        committed = self.get(cell, Cell.COMMITTED)
        spare = Cell.SECOND_SERIAL if committed == self.get(cell, Cell.FIRST_SERIAL) else Cell.FIRST_SERIAL
        serial = self.get(cell, Cell.LAST) + 1
        self._set(cell, spare, serial)
        self._set(cell, Cell(spare + 1), int(forced))
        self._shared.write_text(self.layout.document(cell, spare), text)
        self._set(cell, Cell.LAST, serial)
        self._set(cell, Cell.OWNER, owner)
        self._set(cell, Cell.STARTED, time.monotonic_ns())
        self._set(cell, Cell.PROPOSED, serial)
        return serial

    def _read(self, cell: int, serial: int) -> Proposal | None:
        for buffer in (Cell.FIRST_SERIAL, Cell.SECOND_SERIAL):
            if serial and self.get(cell, buffer) == serial:
                document = AliasDocument.parse(self._shared.text(self.layout.document(cell, buffer)))
                return Proposal(serial, document, bool(self.get(cell, Cell(buffer + 1))))
        return None

    def _unprepared(self, cell: int, serial: int) -> list[int]:
        """Give the slots of the live workers that do not have a proposal ready."""
        words, layout = self.words, self.layout
        return [slot for slot in self.workers.live() if words[layout.tally(slot, cell, Tally.PREPARED)] != serial]

    def _overdue(self, cell: int, serial: int) -> Refusal:
        pids = ", ".join(map(str, sorted(self.workers.pids(self._unprepared(cell, serial))))) or "none"
        proposal = self.read(cell, serial)
        reason = f"not loaded by every worker within {self._swap_seconds:g} s (MLP_SWAP_SECONDS); not by: {pids}"
        return Refusal.now(proposal.document.generation if proposal else 0, reason)

    def _refused_lately(self, cell: int, text: bytes) -> bool:
        known = self.get(cell, Cell.REFUSED) == digest(text)
        return known and time.monotonic_ns() < self.get(cell, Cell.RETRY_AT)

    def _note_refusal(self, cell: int, text: bytes, refusal: Refusal, owner: int = 0) -> bool:
        """Keep a refusal, and when to try again; give whether it is news, not the same document once more."""
        again = self.get(cell, Cell.REFUSED) == digest(text)
        retries = self.get(cell, Cell.RETRIES) + 1 if again else 0
        pause = min(self._poll_seconds * 2.0 ** min(retries, 30), _LONGEST_PAUSE_SECONDS)
        if not self.get(cell, Cell.PROPOSED):
            self._set(cell, Cell.OWNER, owner)
        self._set(cell, Cell.REFUSED, digest(text))
        self._set(cell, Cell.RETRIES, retries)
        self._set(cell, Cell.RETRY_AT, time.monotonic_ns() + int(pause * 1e9))
        self._set(cell, Cell.REFUSALS, self.get(cell, Cell.REFUSALS) + int(not again))
        self._shared.write_text(self.layout.refusal(cell), refusal.text())
        return not again

    def _forget_refusal(self, cell: int) -> None:
        self._set(cell, Cell.REFUSED, 0)
        self._set(cell, Cell.RETRIES, 0)
        self._shared.write_text(self.layout.refusal(cell), b"")
