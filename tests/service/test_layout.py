"""Nothing in the shared memory lies where something else does."""

from functools import partial
from itertools import pairwise

from service.layout import (
    DOCUMENT_BYTES,
    EXAMPLE_BYTES,
    MODELS,
    Cell,
    Head,
    Layout,
    Slot,
    Tally,
)
from service.shared import WORD

NAME_BYTES, REFUSAL_BYTES = 128, 4096


def words(place, kind):
    return [(place(word) * WORD, (place(word) + 1) * WORD) for word in kind]


def texts_of(layout, cell):
    yield layout.name(cell), layout.name(cell) + NAME_BYTES
    for serial in (Cell.FIRST_SERIAL, Cell.SECOND_SERIAL):
        yield layout.document(cell, serial), layout.document(cell, serial) + DOCUMENT_BYTES
    yield layout.refusal(cell), layout.refusal(cell) + REFUSAL_BYTES


def pieces(layout):
    """Where each piece begins and ends, in bytes."""
    yield from words(int, Head)
    for cell in range(MODELS):
        yield from words(partial(layout.cell, cell), Cell)
        yield from texts_of(layout, cell)
        for slot in layout.slots:
            yield from words(partial(layout.tally, slot, cell), Tally)
    for slot in layout.slots:
        yield from words(partial(layout.slot, slot), Slot)
    for place in range(layout.examples):
        yield layout.example(place), layout.example(place) + EXAMPLE_BYTES


def test_no_piece_overlaps_another_and_all_are_inside():
    layout = Layout(slots=3, examples=5)

    found = sorted(pieces(layout))

    assert all(end <= begin for (_, end), (begin, _) in pairwise(found))
    assert found[0][0] == 0
    assert found[-1][1] <= layout.size
