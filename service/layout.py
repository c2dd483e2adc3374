"""Where each word and text of the shared memory lies, and what it means. Who writes it is service/board.py's matter."""

from enum import IntEnum
from typing import Final

from service.shared import WORD

MODELS: Final = 256
"""Models that one service can hold."""

DOCUMENT_BYTES: Final = 32 * 1024
"""Room for an alias document without its history; one alias takes about thirty bytes."""

EXAMPLE_BYTES: Final = 4 * 1024
"""Room for one picture on which two versions disagree."""

_NAME_BYTES: Final = 128
_REFUSAL_BYTES: Final = 4 * 1024
_HEAD_WORDS: Final = 16
_CELL_WORDS: Final = 16
_SLOT_WORDS: Final = 4
_TALLY_WORDS: Final = 8
_CELL_BYTES: Final = _CELL_WORDS * WORD + _NAME_BYTES + 2 * DOCUMENT_BYTES + _REFUSAL_BYTES


class Head(IntEnum):
    """Words of the whole service. Times are monotonic nanoseconds, here and below."""

    COUNT = 0
    """Models that have a cell."""
    NEXT_LOOK = 1
    """When a worker should look at the store again."""
    LOOKED = 2
    """When a look at the store last succeeded."""
    STALE = 3
    """1 while the store gives what was kept of it, not what is there."""
    DELETIONS = 4
    """How often a version was deleted."""
    LOADING = 5
    """1 more than the slot of the worker whose turn it is to load, 0 for none."""
    LOADING_SINCE = 6
    EXAMPLES = 7
    """How many examples were ever kept; the next one's place in the ring is what is left of it by the ring's length."""
    FAILED = 8
    """1 from a look at the store that failed until one that succeeds."""


class Cell(IntEnum):
    """Words of one model."""

    COMMITTED = 0
    """The serial number of the state that answers. This word's change is the swap."""
    PROPOSED = 1
    """The serial number of the state that is being prepared; 0 for none."""
    LAST = 2
    """The highest serial number that was given."""
    OWNER = 3
    """The process that commits the proposal itself; 0 when it is committed as soon as all have prepared it. Without a
    proposal: whose the last one was, if it was refused."""
    STARTED = 4
    """When the proposal was made."""
    GENERATION = 5
    """Of the committed document."""
    INCOMPLETE = 6
    """The serial number of a state that lacks a version it should have: there was nothing better."""
    SWAPS = 7
    REFUSALS = 8
    REFUSED = 9
    """The digest of what was refused last, 0 for nothing."""
    RETRY_AT = 10
    """Not before then is the same document tried again."""
    RETRIES = 11
    FIRST_SERIAL = 12
    FIRST_FORCED = 13
    SECOND_SERIAL = 14
    SECOND_FORCED = 15
    """The two buffers for documents: the number of the one in it, and whether it may bring other classes."""


class Slot(IntEnum):
    """Words of one worker."""

    PID = 0
    """0 while the slot is free."""
    HEARTBEAT = 1


class Tally(IntEnum):
    """Words of one worker for one model. Only that worker writes them; its successor in the slot goes on counting."""

    PREPARED = 0
    """The serial number of the last proposal that this worker has ready."""
    PRODUCTION = 1
    SHADOW = 2
    """The versions that the counts below compare; what is counted is described in service/shadow.py."""
    PICTURES = 3
    AGREED = 4
    DISTANCE = 5
    """In millionths."""
    DROPPED = 6
    FAILED = 7


class Layout:
    """The places for a number of slots: words by their index, texts by their byte."""

    def __init__(self, slots: int, examples: int = 0) -> None:
        self.slots = range(slots)
        self.examples = examples
        """Length of the ring of examples."""
        self._cells_at = _HEAD_WORDS * WORD
        self._slots_at = self._cells_at + MODELS * _CELL_BYTES
        self._slot_words = _SLOT_WORDS + MODELS * _TALLY_WORDS
        self._examples_at = self._slots_at + slots * self._slot_words * WORD
        self.size = self._examples_at + examples * EXAMPLE_BYTES
        """In bytes."""

    def cell(self, cell: int, word: Cell) -> int:
        """Give a word of a model."""
        return (self._cells_at + cell * _CELL_BYTES) // WORD + word

    def name(self, cell: int) -> int:
        """Give the text of a model's name."""
        return self._cells_at + cell * _CELL_BYTES + _CELL_WORDS * WORD

    def document(self, cell: int, serial_word: Cell) -> int:
        """Give the text of the document whose serial number is in that word, FIRST_SERIAL or SECOND_SERIAL."""
        return self.name(cell) + _NAME_BYTES + (DOCUMENT_BYTES if serial_word == Cell.SECOND_SERIAL else 0)

    def refusal(self, cell: int) -> int:
        """Give the text of the last refusal."""
        return self.name(cell) + _NAME_BYTES + 2 * DOCUMENT_BYTES

    def example(self, place: int) -> int:
        """Give the text of an example by its place in the ring."""
        return self._examples_at + place * EXAMPLE_BYTES

    def slot(self, slot: int, word: Slot) -> int:
        """Give a word of a worker."""
        return self._slots_at // WORD + slot * self._slot_words + word

    def tally(self, slot: int, cell: int, word: Tally) -> int:
        """Give a word of a worker for a model."""
        return self.slot(slot, Slot.PID) + _SLOT_WORDS + cell * _TALLY_WORDS + word
