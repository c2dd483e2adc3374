"""What a source is made of, item by item, as lines of a listing, and cut into shards."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Picture:
    """One encoded picture."""

    key: str
    """Where it is within the source; also its name in the output."""
    mark: str = ""
    """Another text when its content may have changed."""
    place: tuple[int, ...] = ()
    """Where in a zip it lies, as training/scoring/archive.py has it."""

    @property
    def count(self) -> int:
        """How many pictures it is."""
        return 1


@dataclass(frozen=True, slots=True)
class Layout:
    """How an array lies in its file: n pictures, (n, height, width) or (n, height·width)."""

    start: int
    """Byte at which the values begin, in the unpacked file."""
    shape: tuple[int, ...]
    dtype: str
    fortran: bool = False
    packed: bool = False
    """Whether the file is gzip."""
    one: bool = False
    """Whether the array is one picture, and has no n in its file."""
    largest: int = 255
    """The value of a full pixel, 1 or 255."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Pictures `start` to `stop`, without the latter, of an array."""

    key: str
    mark: str
    layout: Layout
    start: int
    stop: int

    @property
    def count(self) -> int:
        """How many pictures they are."""
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class Bad:
    """What cannot be scored, as was seen without reading all of it, and why."""

    key: str
    why: str

    @property
    def count(self) -> int:
        """It counts as one picture."""
        return 1


Item = Picture | Rows | Bad

_KINDS: Final[dict[str, type[Picture] | type[Rows] | type[Bad]]] = {"picture": Picture, "rows": Rows, "bad": Bad}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class Shard:
    """What one job scores: a number from 0, and items of which the first is the source's picture `first`."""

    number: int
    first: int
    items: tuple[Item, ...]

    @property
    def count(self) -> int:
        """How many pictures it has, with the bad ones."""
        return sum(item.count for item in self.items)


def line(item: Item) -> bytes:
    """Give an item as a line of a listing."""
    return json.dumps([_NAMES[type(item)], *astuple(item)]).encode() + b"\n"


def parsed(text: bytes) -> Item:
    """Give the item of a line."""
    name, *fields = json.loads(text)
    match name, fields:
        case "rows", [key, mark, [start, shape, *layout], first, last]:
            return Rows(key, mark, Layout(start, tuple(shape), *layout), first, last)
        case "picture", [key, mark, place]:
            return Picture(key, mark, tuple(place))
    return Bad(*fields)


def cut(items: Iterable[Item], size: int) -> Iterator[Shard]:
    """Give shards of `size` pictures each, the last one perhaps of fewer; an array may be in several."""
    held: list[Item] = []
    number, room = 0, size
    for item in items:
        rest: Item | None = item
        while rest is not None:
            piece, rest = _split(rest, room)
            held.append(piece)
            room -= piece.count
            if room == 0:
                yield Shard(number, number * size, tuple(held))
                held, number, room = [], number + 1, size
    if held:
        yield Shard(number, number * size, tuple(held))


def _split(item: Item, room: int) -> tuple[Item, Item | None]:
    """Give as much of an item as there is room for, and the rest."""
    if not isinstance(item, Rows) or item.count <= room:
        return item, None
    middle = item.start + room
    return replace(item, stop=middle), replace(item, start=middle)
