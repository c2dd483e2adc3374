"""One job: read a shard's pictures, prepare them as the service does, score them, and write the shard's file."""

import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from mlp import picture, pixels, prepare
from mlp.arrays import Float, Pixels, Uint8
from mlp.errors import ArrayError, PictureError, ValueOutOfRange
from mlp.metadata import Input
from mlp.model import MAX_PIXELS
from mlp.version import Version
from training.jobs.place import Say
from training.scoring import output, table
from training.scoring.items import Bad, Item, Packed, Picture, Rows, unpacked
from training.scoring.output import Output
from training.scoring.source import Source, Unreadable

Prepare = Literal["auto", "none"]

_SAY_SECONDS: Final = 0.2
"""How often a job says how far it is."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is the same for all shards."""

    version: Version
    source: Source
    output: Output
    prepare: Prepare


@dataclass(slots=True)
class _Answers:
    """What has been read so far: a key and an error or None for each picture, and the pixels of the good ones."""

    keys: list[str] = field(default_factory=list)
    errors: list[str | None] = field(default_factory=list)
    pixels: list[npt.NDArray[Any]] = field(default_factory=list)

    def add(self, keys: list[str], read: Pixels | str) -> None:
        """Add pictures: their pixels (k, height, width), or what is wrong with all of them."""
        self.keys += keys
        if isinstance(read, str):
            self.errors += [read] * len(keys)
        else:
            self.errors += [None] * len(keys)
            self.pixels.append(read)


def score(task: Task, packed: Packed, say: Say) -> int:
    """Score a shard, saying now and then how many pictures are read, and give how many of them are bad.

    Its file is there at the end, whole; the same shard gives the same bytes. Raises DataError when the source is gone,
    ScoringError when the file cannot be written.
    """
    shard = unpacked(packed.line)
    answers = _Answers()
    said = time.monotonic()
    for keys, read in _read(task, shard.items):
        answers.add(keys, read)
        if time.monotonic() - said > _SAY_SECONDS:
            say(len(answers.keys))
            said = time.monotonic()
    about = task.version.metadata
    scores: Float = np.empty((0, len(about.labels)), np.float32)
    if answers.pixels:
        scores = task.version.scores(np.concatenate(answers.pixels))  # (k, c)
    data = table.parquet(about, answers.keys, shard.first, scores, answers.errors)
    task.output.write(output.part(shard.number), [data])
    return sum(error is not None for error in answers.errors)


_Some = tuple[list[str], Pixels | str]
"""Keys of pictures, and their pixels (k, height, width) or what is wrong with all of them."""


def _read(task: Task, items: Iterable[Item]) -> Iterator[_Some]:
    for kind, group in itertools.groupby(items, type):
        if kind is Picture:
            yield from _pictures(task, [item for item in group if isinstance(item, Picture)])
            continue
        for item in group:
            if isinstance(item, Bad):
                yield [item.key], item.why
            elif isinstance(item, Rows):
                yield from _rows(task, item)


def _pictures(task: Task, pictures: list[Picture]) -> Iterator[_Some]:
    for item, data in zip(pictures, task.source.encoded(pictures), strict=True):
        if isinstance(data, Unreadable):
            yield [item.key], str(data)
            continue
        try:
            yield [item.key], _prepared(task, data)[np.newaxis]
        except PictureError as error:
            yield [item.key], str(error)


def _prepared(task: Task, data: bytes) -> Uint8:
    """Give one encoded picture's pixels (height, width), by the service's functions. Raises PictureError."""
    spec = task.version.metadata.input
    if task.prepare == "none":
        return prepare.exact(picture.decode(data, max_pixels=MAX_PIXELS), spec.height, spec.width)
    return prepare.prepared(data, spec.preparation, spec.height, spec.width, max_pixels=MAX_PIXELS)


def _rows(task: Task, rows: Rows) -> Iterator[_Some]:
    spec, largest = task.version.metadata.input, rows.layout.largest
    keys = [f"{rows.key}[{number}]" for number in range(rows.start, rows.stop)]
    try:
        array = task.source.rows(rows)
        yield keys, pixels.batch(array, spec, largest)
    except ValueOutOfRange:
        for key, one in zip(keys, array, strict=True):
            yield [key], _one(one[np.newaxis], spec, largest)
    except (ArrayError, OSError) as error:
        yield keys, getattr(error, "strerror", None) or str(error)


def _one(array: npt.NDArray[Any], spec: Input, largest: int) -> Pixels | str:
    try:
        return pixels.batch(array, spec, largest)
    except ValueOutOfRange as error:
        return str(error)
