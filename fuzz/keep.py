"""Which inputs are worth a place in the corpus: those that take a way through the code which no shorter one takes.

A way is a line of our own code and the line of ours before it; seen by Python itself, so that no other tool is needed.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any, Final

from fuzz.door import Door

_ROOT: Final = Path(__file__).parents[1]

_OURS: Final = (str(_ROOT / "mlp"), str(_ROOT / "service"))

MOST_FILES: Final = 60
"""For each door."""

MOST_BYTES: Final = 4096
"""Of a file that is kept."""

Ways = set[tuple[str, int, int]]


def worth_keeping(door: Door, known: Iterable[bytes], found: Iterable[bytes]) -> list[bytes]:
    """Give those of `found`, the shortest first, that take another way than all before them."""
    taken: Ways = set()
    for data in known:
        taken |= ways(door, data)
    kept = []
    for data in sorted({data for data in found if len(data) <= MOST_BYTES}, key=lambda data: (len(data), data)):
        more = ways(door, data) - taken
        if more:
            taken |= more
            kept.append(data)
        if len(kept) == MOST_FILES:
            break
    return kept


def ways(door: Door, data: bytes) -> Ways:
    """Give the ways that an input takes through our code."""
    taken: Ways = set()
    last = 0

    def line(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal last
        if event == "line":
            taken.add((frame.f_code.co_filename, last, frame.f_lineno))
            last = frame.f_lineno
        return line

    def call(frame: FrameType, _event: str, _argument: Any) -> Any:
        return line if frame.f_code.co_filename.startswith(_OURS) else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        door.tried(data)
    finally:
        sys.settrace(before)
    return taken
