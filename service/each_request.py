"""What every request gets: an id, a check of what the client accepts, and one line in the log."""

import logging
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from flask import Flask, Response, g, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from service import trace_context
from service.counters import Counters
from service.errors import NotAcceptable
from service.tracing import Tracing, ids

_log = logging.getLogger("service.requests")

_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
"""An id that a client may choose: nothing that could break a header or a line of the log."""

NOT_JSON: Final = frozenset(
    {
        "metrics.metrics",
        "v2.infer",
        "index.index",
        "index.file",
        "openapi.page",
        "openapi.file",
        "openapi.example",
        "report.report",
    }
)
"""What answers in another form, too."""


REFUSED: Final = "service.refused"
"""Where in `environ` a server puts the error that answers a request, where that is known before the app is called."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A request at its beginning."""

    id: str
    """The client's own, or a new one."""
    at: float
    """Seconds of `time.perf_counter`."""


def begin(environ: Mapping[str, Any], *, only_json: bool = True) -> Begun:
    """Take a request up. Raises NotAcceptable for a client that excludes JSON where nothing else is answered."""
    begun = _begun(environ)
    if only_json:
        _check_accept(environ)
    return begun


def end(
    begun: Begun,
    environ: Mapping[str, Any],
    route: str,
    status: int,
    counters: Counters,
    said: Mapping[str, Any],
    trace: Mapping[str, str] | None = None,
) -> None:
    """Count and log a request that has been answered, with what was said of it meanwhile.

    `route` is the app's rule, "" for none; `trace` names its span, None for the one that the client has named.
    """
    seconds = time.perf_counter() - begun.at
    counters.request_ended(route, environ["REQUEST_METHOD"], status, seconds)
    if _log.isEnabledFor(logging.INFO):
        length = environ.get("CONTENT_LENGTH", "")
        line = {
            "request_id": begun.id,
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "status": status,
            "ms": round(seconds * 1000, 3),
            "bytes": int(length) if length.isdecimal() else None,
        }
        ids = trace_context.ids(environ) if trace is None else trace
        _log.info("request", extra={**line, **ids, **said})


def register(app: Flask, counters: Counters, tracing: Tracing) -> None:
    """Begin and end every request of `app`."""
    app.before_request(partial(_begin, tracing))
    app.after_request(partial(_end, counters, tracing))


def _begun(environ: Mapping[str, Any]) -> Begun:
    given = environ.get("HTTP_X_REQUEST_ID")
    return Begun(given if given and _CLIENT_ID.fullmatch(given) else secrets.token_hex(16), time.perf_counter())


def _check_accept(environ: Mapping[str, Any]) -> None:
    accept = environ.get("HTTP_ACCEPT", "*/*")
    if accept not in ("", "*/*") and not parse_accept_header(accept, MIMEAccept).accept_json:
        raise NotAcceptable(f"answers are application/json, which the Accept header {accept[:100]!r} excludes")


def _begin(tracing: Tracing) -> None:
    g.begun = _begun(request.environ)
    g.span = tracing.begin(request.environ)
    if (refused := request.environ.get(REFUSED)) is not None:
        raise refused
    if request.endpoint not in NOT_JSON:
        _check_accept(request.environ)


def _end(counters: Counters, tracing: Tracing, response: Response) -> Response:
    response.headers["X-Request-Id"] = g.begun.id
    route, status = request.url_rule.rule if request.url_rule else "", response.status_code
    trace = None if g.span is None else ids(g.span)
    end(g.begun, request.environ, route, status, counters, g.get("said", {}), trace)
    if g.span is not None:
        tracing.end(g.span, route, request.method, status)
    return response
