"""Pictures that were read wrong, with the label that people gave them: kept by the service, learnt from in training.

They are rows of one table in a database, SQLite's or PostgreSQL's. What SQLAlchemy needs to know of these is in
mlp/database.py.
"""

import hashlib
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np

from mlp.arrays import Uint8
from mlp.database import Database
from mlp.errors import CorrectionsFull, TooManyCorrections

DEFAULT: Final = "sqlite:///data/corrections.sqlite"
"""Where `make run` has the service keep them, and where training looks for them unless it is told otherwise."""

_HELD_OUT: Final = 5
"""Every so many of a label is kept from training, to tell whether a version has learnt what it was told."""

_WINDOW_SECONDS: Final = 60

_AT_ONCE: Final = 500
"""Rows that are read at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """One picture, what was answered, and what is right."""

    model: str
    version: int
    """Of the model, which gave the answer."""
    answered: str
    """The label that it gave."""
    confidence: float
    """The score of that label."""
    label: str
    """What a person says it is."""
    pixels: Uint8
    """What the network was given, (height, width)."""
    picture: bytes | None = None
    """What the person sent, as a PNG without anything but its pixels; None where pixels were sent."""
    id: str = ""
    """32 hexadecimal digits, given when it is stored; only who sent it is told, and may take it back by it."""
    part: Literal["train", "validation"] = "train"
    """Decided once, when it is stored: what a version was trained on never measures a later one."""
    created_at: float = 0.0
    """When it was stored, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which corrections: those for which all that is given here holds."""

    model: str | None = None
    label: str | None = None
    version: int | None = None
    ids: Sequence[str] | None = None
    before: float | None = None
    """Stored before that time, in seconds since 1970."""


ALL: Final = Selection()


class Corrections:
    """The corrections in the database at a URL. May be used from any thread, and on both sides of a fork.

    Everything raises CorrectionsUnavailable when the database does not do what it was asked for.
    """

    def __init__(self, url: str) -> None:
        """Nothing is connected yet. Raises InvalidLocation for what is no database, or needs what is not installed."""
        self._database = Database(url)
        self._sql = self._database.sql
        self._table = _table(self._sql)

    @property
    def location(self) -> str:
        """The database's URL without its password."""
        return self._database.shown

    def add(self, correction: Correction, *, per_minute: int, most: int) -> Correction:
        """Store one, and give it with its id and part; the same picture with the same label is stored once.

        Raises TooManyCorrections after `per_minute` of them within a minute, CorrectionsFull when there are `most`.
        """
        columns, now = self._table.c, time.time()
        digest = hashlib.sha256(correction.pixels.tobytes()).hexdigest()
        of_label = (columns.model == correction.model, columns.label == correction.label)
        with self._database.writing(self._table) as connection:
            same = self._sql.select(self._table).where(*of_label, columns.pixels_sha256 == digest)
            if (known := connection.execute(same).first()) is not None:
                return _correction(known)
            if self._count(connection, columns.created_at > now - _WINDOW_SECONDS) >= per_minute:
                raise TooManyCorrections(f"{per_minute} corrections came within a minute, more are not kept: try later")
            if self._count(connection) >= most:
                raise CorrectionsFull(f"{most} corrections are kept, and more are not: export and erase some")
            held_out = self._count(connection, *of_label) % _HELD_OUT == _HELD_OUT - 1
            stored = replace(
                correction, id=uuid.uuid4().hex, created_at=now, part="validation" if held_out else "train"
            )
            connection.execute(self._table.insert(), _row(stored, digest))
        return stored

    def read(self, which: Selection = ALL) -> Iterator[Correction]:
        """Give those that are selected, the oldest first; whoever takes their time holds nobody up who writes."""
        columns, sql = self._table.c, self._sql
        chosen = sql.select(self._table).where(*self._conditions(which))
        page = chosen.order_by(columns.created_at, columns.id).limit(_AT_ONCE)
        rest = page
        while True:
            with self._database.reading(self._table) as connection:
                rows = connection.execute(rest).all()
            yield from map(_correction, rows)
            if len(rows) < _AT_ONCE:
                return
            last = rows[-1]
            of_its_time = sql.and_(columns.created_at == last.created_at, columns.id > last.id)
            rest = page.where(sql.or_(columns.created_at > last.created_at, of_its_time))

    def count(self, which: Selection = ALL) -> int:
        """Give how many are selected."""
        with self._database.reading(self._table) as connection:
            return self._count(connection, *self._conditions(which))

    def erase(self, which: Selection) -> int:
        """Erase those that are selected, so that nothing of them stays in an SQLite file, and give how many."""
        with self._database.writing(self._table) as connection:
            erased: int = connection.execute(self._table.delete().where(*self._conditions(which))).rowcount
        return erased

    def close(self) -> None:
        """Close this process's connections to the database."""
        self._database.close()

    def _count(self, connection: Any, *conditions: Any) -> int:
        found = self._sql.select(self._sql.func.count()).select_from(self._table).where(*conditions)
        return int(connection.execute(found).scalar())

    def _conditions(self, which: Selection) -> list[Any]:
        columns = self._table.c
        equal = {"model": which.model, "label": which.label, "version": which.version}
        found = [columns[name] == value for name, value in equal.items() if value is not None]
        if which.ids is not None:
            found.append(columns.id.in_(which.ids))
        if which.before is not None:
            found.append(columns.created_at < which.before)
        return found


def _table(sql: Any) -> Any:
    """Give the table, of its second edition if what is in it ever changes its meaning: then under another name."""
    return sql.Table(
        "mlp_corrections",
        sql.MetaData(),
        sql.Column("id", sql.String(32), primary_key=True),
        sql.Column("created_at", sql.Double, nullable=False, index=True),
        sql.Column("model", sql.String(200), nullable=False),
        sql.Column("version", sql.Integer, nullable=False),
        sql.Column("answered", sql.String(200), nullable=False),
        sql.Column("confidence", sql.Double, nullable=False),
        sql.Column("label", sql.String(200), nullable=False),
        sql.Column("part", sql.String(10), nullable=False),
        sql.Column("height", sql.Integer, nullable=False),
        sql.Column("width", sql.Integer, nullable=False),
        sql.Column("pixels", sql.LargeBinary, nullable=False),
        sql.Column("pixels_sha256", sql.String(64), nullable=False),
        sql.Column("picture", sql.LargeBinary),
        sql.UniqueConstraint("model", "label", "pixels_sha256"),
    )


def _row(correction: Correction, digest: str) -> dict[str, Any]:
    height, width = correction.pixels.shape
    taken = ("id", "created_at", "model", "version", "answered", "confidence", "label", "part", "picture")
    pixels = {"height": height, "width": width, "pixels": correction.pixels.tobytes(), "pixels_sha256": digest}
    return {name: getattr(correction, name) for name in taken} | pixels


def _correction(row: Any) -> Correction:
    pixels = np.frombuffer(row.pixels, np.uint8).reshape(row.height, row.width)
    return Correction(
        row.model,
        row.version,
        row.answered,
        row.confidence,
        row.label,
        pixels,
        None if row.picture is None else bytes(row.picture),
        row.id,
        row.part,
        row.created_at,
    )
