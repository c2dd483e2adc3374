"""What a source is made of, item by item, cut into shards, each of which is a line of a listing."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, replace
from typing import Any


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


@dataclass(frozen=True, slots=True)
class Packed:
    """A shard as a line of text: what it costs to take apart, the process that scores it pays."""

    number: int
    count: int
    line: bytes


def packed(shard: Shard) -> Packed:
    """Give a shard as a line; the same shard gives the same one."""
    fields = [shard.number, shard.first, list(map(_fields, shard.items))]
    return Packed(shard.number, shard.count, json.dumps(fields).encode() + b"\n")


def unpacked(line: bytes) -> Shard:
    """Give the shard of a line."""
    number, first, items = json.loads(line)
    return Shard(number, first, tuple(map(_item, items)))


def _fields(item: Item) -> list[Any]:
    match item:
        case Picture(key, mark, place):
            return ["picture", key, mark, place]
        case Rows(key, mark, layout, start, stop):
            return ["rows", key, mark, astuple(layout), start, stop]
        case Bad(key, why):
            return ["bad", key, why]


def _item(fields: list[Any]) -> Item:
    name, *rest = fields
    if name == "picture":
        key, mark, place = rest
        return Picture(key, mark, tuple(place))
    if name == "bad":
        return Bad(*rest)
    key, mark, (start, shape, *layout), first, last = rest
    return Rows(key, mark, Layout(start, tuple(shape), *layout), first, last)


def cut(items: Iterable[Item], size: int) -> Iterator[Shard]:
    """Give shards of `size` pictures each, the last one perhaps of fewer; an array may be in several."""
    held: list[Item] = []
    number, room = 0, size
    for item in items:
        rest: Item | None = item
        while rest is not None:
            piece, rest = (rest, None) if not isinstance(rest, Rows) else _split(rest, room)
            held.append(piece)
            room -= piece.count
            if room == 0:
                yield Shard(number, number * size, tuple(held))
                held, number, room = [], number + 1, size
    if held:
        yield Shard(number, number * size, tuple(held))


def _split(item: Rows, room: int) -> tuple[Rows, Rows | None]:
    """Give as many rows as there is room for, and the rest."""
    if item.count <= room:
        return item, None
    middle = item.start + room
    return replace(item, stop=middle), replace(item, start=middle)
