"""What every request gets: an id, a check of what the client accepts, and one line in the log."""

import logging
import re
import secrets
import time
from functools import partial
from typing import Final

from flask import Flask, Response, g, request

from service.counters import Counters
from service.errors import NotAcceptable
from service.tracing import Tracing, ids

_log = logging.getLogger("service.requests")

_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
"""An id that a client may choose: nothing that could break a header or a line of the log."""


def register(app: Flask, counters: Counters, tracing: Tracing) -> None:
    """Begin and end every request of `app`."""
    app.before_request(partial(_begin, tracing))
    app.after_request(partial(_end, counters, tracing))


def _begin(tracing: Tracing) -> None:
    headers = request.environ  # read here as WSGI has them: each look through Flask's objects costs a microsecond
    g.start = time.perf_counter()
    g.span = tracing.begin(headers)
    given = headers.get("HTTP_X_REQUEST_ID")
    g.request_id = given if given and _CLIENT_ID.fullmatch(given) else secrets.token_hex(16)
    accept = headers.get("HTTP_ACCEPT", "*/*")
    if accept not in ("", "*/*") and request.endpoint != "metrics.metrics" and not request.accept_mimetypes.accept_json:
        raise NotAcceptable(f"answers are application/json, which the Accept header {accept[:100]!r} excludes")


def _end(counters: Counters, tracing: Tracing, response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    route = request.url_rule.rule if request.url_rule else ""
    counters.request_ended(route, request.method, response.status_code, time.perf_counter() - g.start)
    if _log.isEnabledFor(logging.INFO):
        line = {
            "request_id": g.request_id,
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "ms": round((time.perf_counter() - g.start) * 1000, 3),
            "bytes": request.content_length,
        }
        _log.info("request", extra={**line, **ids(g.span, request.environ), **g.get("said", {})})
    if g.span is not None:
        tracing.end(g.span, route, request.method, response.status_code)
    return response
