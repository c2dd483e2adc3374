"""What every request gets: an id, a check of what the client accepts, and one line in the log."""

import logging
import re
import secrets
import time
from typing import Final

from flask import Flask, Response, g, request

from service.errors import NotAcceptable

_log = logging.getLogger("service.requests")

_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
"""An id that a client may choose: nothing that could break a header or a line of the log."""

_NOT_JSON: Final = frozenset({"metrics.metrics", "v2.infer"})
"""What answers in another form, too."""


def register(app: Flask) -> None:
    """Begin and end every request of `app`."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    headers = request.environ  # read here as WSGI has them: each look through Flask's objects costs a microsecond
    g.start = time.perf_counter()
    given = headers.get("HTTP_X_REQUEST_ID")
    g.request_id = given if given and _CLIENT_ID.fullmatch(given) else secrets.token_hex(16)
    accept = headers.get("HTTP_ACCEPT", "*/*")
    if accept in ("", "*/*") or request.endpoint in _NOT_JSON:
        return
    if not request.accept_mimetypes.accept_json:
        raise NotAcceptable(f"answers are application/json, which the Accept header {accept[:100]!r} excludes")


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    if _log.isEnabledFor(logging.INFO):
        line = {
            "request_id": g.request_id,
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "ms": round((time.perf_counter() - g.start) * 1000, 3),
            "bytes": request.content_length,
        }
        _log.info("request", extra={**line, **g.get("said", {})})
    return response
