"""GET /: the page for whoever comes with a browser, a few lines of text for everyone else; and the page's files.

The page itself is in service/page/, hand-written and served as it is: main.js says what is where.
"""

import hashlib
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, abort, request

_TEXT: Final = """\
This is mlp: it reads pictures with a multilayer perceptron.

  curl {root}predict -F image=@7.png

  POST {root}predict   a picture, several in a form, JSON, raw bytes or a NumPy array
  POST {root}explain   why the answer to a picture is what it is
  GET  {root}models    which models and versions there are, and how good they are
  GET  {root}readyz    whether a model answers

In a browser this address is a page to draw on.
"""

_FOLDER: Final = Path(__file__).parent / "page"

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


def routes() -> Blueprint:
    """Give the routes; the page's files are read here, once."""
    blueprint = Blueprint("index", __name__)
    files = {path.name: path.read_bytes() for path in _FOLDER.iterdir() if path.suffix in _TYPES}

    def sent(name: str) -> Response:
        data = files[name]
        response = Response(data, content_type=f"{_TYPES[Path(name).suffix]}; charset=utf-8", headers=_HEADERS)
        response.set_etag(hashlib.sha256(data).hexdigest()[:32])
        response.make_conditional(request)
        response.headers.pop("Date", None)  # the server sends one
        return response

    @blueprint.get("/")
    def index() -> Response:
        accept = request.accept_mimetypes
        if accept.quality("text/html") > accept.quality("text/plain"):
            response = sent("index.html")
        else:
            response = Response(_TEXT.format(root=request.root_url), content_type="text/plain; charset=utf-8")
        response.vary.add("Accept")
        return response

    @blueprint.get("/page/<name>")
    def file(name: str) -> Response:
        if name not in files:
            abort(404)
        return sent(name)

    return blueprint
