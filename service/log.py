"""The log, on standard output: one JSON object a line, or a line of text for people."""

import logging
import re
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from pydantic_core import to_json

_PLAIN: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}

_OURS: Final = ("service", "mlp", "opentelemetry")
"""The loggers whose lines are written: of the service, of the store below it, and of the exporter of traces."""

_BARE: Final = re.compile(r"[!#-<>-~]+")
"""A value that can be told from the next one without quotes."""


class JsonFormatter(logging.Formatter):
    """Time, level, event, then whatever the caller gave as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line.update(_extra(record))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return to_json(line, fallback=str).decode()


class TextFormatter(logging.Formatter):
    """The same as a line of text, the names before their values; an exception follows on lines of its own, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line; whatever a client has sent, it does not begin another."""
        event = record.getMessage()
        words = [_time(record), f"{record.levelname:7}", event if event.isprintable() else _quoted(event)]
        words += [f"{name}={_value(value)}" for name, value in _extra(record)]
        lines = [" ".join(words)]
        if record.exc_info:
            lines.append(textwrap.indent(self.formatException(record.exc_info), "  ", lambda _: True))
        return "\n".join(lines)


FORMATS: Final[dict[str, type[logging.Formatter]]] = {"json": JsonFormatter, "text": TextFormatter}


def configure(level: str, form: str = "json") -> None:
    """Send everything that the service and the store below it log to standard output, from `level` on."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(FORMATS[form]())
    for name in _OURS:
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level.upper())
        logger.propagate = False


def of_gunicorn(level: str, form: str) -> dict[str, Any]:
    """Give the setting `logconfig_dict` by which gunicorn's own lines go the same way in the same form."""
    logger = {"level": level.upper(), "handlers": ["out"], "propagate": False}
    return {
        "formatters": {"ours": {"()": FORMATS[form]}},
        "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "ours", "stream": "ext://sys.stdout"}},
        "loggers": dict.fromkeys(("gunicorn.error", *_OURS), logger),
        "root": {"level": "WARNING", "handlers": ["out"]},
    }


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _extra(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in record.__dict__.items() if name not in _PLAIN)


def _value(value: Any) -> str:
    if isinstance(value, str) and _BARE.fullmatch(value):
        return value
    return _quoted(value)


def _quoted(value: Any) -> str:
    """Give a value as JSON: what could end a line, or be taken for something else, is escaped."""
    text = to_json(value, fallback=str).decode()
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
