"""What every request gets: an id, a check of what the client accepts, and one line in the log."""

import logging
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Flask, Response, g, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from service.errors import NotAcceptable

_log = logging.getLogger("service.requests")

_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
"""An id that a client may choose: nothing that could break a header or a line of the log."""

_NOT_JSON: Final = frozenset({"metrics.metrics", "index.index", "index.file"})
"""What answers in another form, too."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A request at its beginning."""

    id: str
    """The client's own, or a new one."""
    at: float
    """Seconds of `time.perf_counter`."""


def begin(environ: Mapping[str, Any]) -> Begun:
    """Take a request up. Raises NotAcceptable."""
    begun = _begun(environ)
    _check_accept(environ)
    return begun


def end(begun: Begun, environ: Mapping[str, Any], status: int, said: Mapping[str, Any]) -> None:
    """Log a request that has been answered, and what was said of it meanwhile."""
    if _log.isEnabledFor(logging.INFO):
        length = environ.get("CONTENT_LENGTH", "")
        line = {
            "request_id": begun.id,
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "status": status,
            "ms": round((time.perf_counter() - begun.at) * 1000, 3),
            "bytes": int(length) if length.isdecimal() else None,
        }
        _log.info("request", extra={**line, **said})


def register(app: Flask) -> None:
    """Begin and end every request of `app`."""
    app.before_request(_begin)
    app.after_request(_end)


def _begun(environ: Mapping[str, Any]) -> Begun:
    given = environ.get("HTTP_X_REQUEST_ID")
    return Begun(given if given and _CLIENT_ID.fullmatch(given) else secrets.token_hex(16), time.perf_counter())


def _check_accept(environ: Mapping[str, Any]) -> None:
    accept = environ.get("HTTP_ACCEPT", "*/*")
    if accept not in ("", "*/*") and not parse_accept_header(accept, MIMEAccept).accept_json:
        raise NotAcceptable(f"answers are application/json, which the Accept header {accept[:100]!r} excludes")


def _begin() -> None:
    g.begun = _begun(request.environ)
    if request.endpoint not in _NOT_JSON:
        _check_accept(request.environ)


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.begun.id
    end(g.begun, request.environ, response.status_code, g.get("said", {}))
    return response
