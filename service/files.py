"""The files of a page, served from memory as they are, with a policy that lets them load no others."""

import hashlib
from pathlib import Path
from typing import Final

from flask import Response, abort, request

_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}

_HEADERS: Final = {
    "Cache-Control": "no-cache",  # kept, but asked for by its ETag: a new service never runs an old page
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Files:
    """The files in a folder, read here, once."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in _TYPES}

    def sent(self, name: str) -> Response:
        """Give the answer with a file, or that the client has it already. Raises NotFound."""
        if name not in self._files:
            abort(404)
        content_type = f"{_TYPES[Path(name).suffix]}; charset=utf-8"
        return known(Response(self._files[name], content_type=content_type, headers=_HEADERS))


def known(response: Response) -> Response:
    """Give an answer by the name of its content, its `ETag`: without that content, if the client has it."""
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.make_conditional(request)
    response.headers.pop("Date", None)  # the server sends one
    return response
