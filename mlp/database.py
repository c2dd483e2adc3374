"""A database as SQLAlchemy has it: from a URL to transactions, and which errors mean what.

SQLAlchemy and PostgreSQL's driver are the extra `feedback` and are imported when a database is opened.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from mlp.errors import CorrectionsUnavailable, InvalidLocation

_DRIVERS: Final = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}
"""By kind of database what is used to reach it."""

_EXPECTED: Final = "sqlite:///corrections.sqlite or postgresql://user:password@host/database is expected"

_CONNECT_SECONDS: Final = 3
_UNHEARD_SECONDS: Final = 5
"""After which what was sent and not acknowledged means that the machine is gone; by default a quarter of an hour."""

_STATEMENT_SECONDS: Final = 5
"""Longest that a statement takes, or waits for another process that writes."""

_LOCK: Final = 0x6D6C70
"""PostgreSQL's advisory lock that whoever writes has; any number that nobody else in the database uses."""

_WRITES: Final = "mlp_writes"
"""The option of a connection whose transaction is going to write."""


class Database:
    """The database at a URL. One writes at a time, so what a transaction has counted stays so until its end.

    May be used from any thread, and on both sides of a fork: each process has its own connections.
    """

    def __init__(self, url: str) -> None:
        """Nothing is connected yet. Raises InvalidLocation for what is no database, or needs what is not installed."""
        try:
            import sqlalchemy
            from sqlalchemy import exc
        except ModuleNotFoundError as error:
            raise InvalidLocation(f"{error.name} is not installed; it is in the extra feedback") from error
        self.sql: Any = sqlalchemy
        try:
            parsed = sqlalchemy.make_url(url)
        except (exc.ArgumentError, ValueError):  # a port that is no number
            raise InvalidLocation(f"this is no address of a database: {_EXPECTED}") from None
        self.shown = parsed.set(query={}).render_as_string(hide_password=True)
        """The URL without its password, and without its options, which may hold one."""
        if not _usable(parsed):
            raise InvalidLocation(f"{self.shown} cannot be used: {_EXPECTED}")
        self._url = parsed.set(drivername=_DRIVERS[parsed.get_backend_name()])
        try:
            self._url.get_dialect().import_dbapi()
        except ImportError as error:
            raise InvalidLocation(f"{self.shown}: {error}; the driver is in the extra feedback") from error
        self._file = Path(parsed.database or "") if self._url.get_backend_name() == "sqlite" else None
        self._errors = (exc.SQLAlchemyError, OSError)
        self._engine: tuple[int, Any] = (0, None)

    @contextmanager
    def writing(self, table: Any) -> Iterator[Any]:
        """Give a connection whose transaction may write, and make the table if there is none.

        It is committed at the block's end, and undone when that raises. Raises CorrectionsUnavailable.
        """
        with self._asked():
            if self._file is not None:
                _make_private(self._file)
            with self._connected().connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
                if self._file is None:
                    connection.execute(self.sql.select(self.sql.func.pg_advisory_xact_lock(_LOCK)))
                table.create(connection, checkfirst=True)
                yield connection

    @contextmanager
    def reading(self, table: Any) -> Iterator[Any]:
        """Give a connection that sees the table at one moment. Raises CorrectionsUnavailable, also for no table."""
        with self._asked():
            if self._file is not None and not self._file.is_file():
                raise CorrectionsUnavailable("nothing has been kept yet", inside=f"there is no {self._file}")
            with self._connected().connect() as connection, connection.begin():
                if not self.sql.inspect(connection).has_table(table.name):
                    raise CorrectionsUnavailable("nothing has been kept yet", inside=self.shown)
                yield connection

    def close(self) -> None:
        """Close this process's connections; whoever asks for something after that gets new ones."""
        pid, engine = self._engine
        if pid == os.getpid():
            engine.dispose()

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            yield
        except self._errors as error:
            reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
            said = "the corrections' database does not do what it was asked for"
            raise CorrectionsUnavailable(said, inside=f"{self.shown}: {reason}") from error

    def _connected(self) -> Any:
        """Give this process's engine."""
        pid, engine = self._engine
        if pid != os.getpid():
            engine = self._made() if self._file is None else self._made_for_file()
            self._engine = os.getpid(), engine
        return engine

    def _made(self) -> Any:
        arguments = {
            "application_name": "mlp",
            "connect_timeout": _CONNECT_SECONDS,
            "tcp_user_timeout": _UNHEARD_SECONDS * 1000,
            "options": f"-c statement_timeout={_STATEMENT_SECONDS}s",
        }
        return self.sql.create_engine(
            self._url, connect_args=arguments, pool_pre_ping=True, pool_size=1, max_overflow=4, pool_timeout=3
        )

    def _made_for_file(self) -> Any:
        engine = self.sql.create_engine(
            self._url, connect_args={"timeout": _STATEMENT_SECONDS}, poolclass=self.sql.pool.NullPool
        )

        def connected(connection: sqlite3.Connection, _record: object) -> None:
            connection.isolation_level = None  # SQLAlchemy begins and ends transactions, not Python's module
            connection.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten

        def begun(connection: Any) -> None:
            writes = connection.get_execution_options().get(_WRITES)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

        self.sql.event.listen(engine, "connect", connected)
        self.sql.event.listen(engine, "begin", begun)
        return engine


def _usable(url: Any) -> bool:
    """Whether it is a file, without options that could make it another one, or a database on a server."""
    if url.drivername not in (*_DRIVERS, *_DRIVERS.values()) or not url.database:
        return False
    return url.get_backend_name() != "sqlite" or (url.database != ":memory:" and not url.query)


def _make_private(file: Path) -> None:
    """Make a file that its owner alone may read, unless there is one: what is drawn here is nobody else's business."""
    if not file.exists():
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
