"""GET /: the page for whoever comes with a browser, a few lines of text for everyone else; and the page's files.

The page itself is in service/page/, and main.js says what is where.
"""

from http import HTTPStatus
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, request

from service.files import Files
from service.openapi import parts
from service.openapi.operation import Answer, Media, Parameter, describes

_TEXT: Final = """\
This is mlp: it reads pictures with a multilayer perceptron.

  curl {root}predict -F image=@7.png

  POST {root}predict   a picture, several in a form, JSON, raw bytes or a NumPy array
  POST {root}explain   why the answer to a picture is what it is
  GET  {root}models    which models and versions there are, and how good they are
  GET  {root}readyz    whether a model answers
  GET  {root}docs      all of it, to read in a browser and to try

In a browser this address is a page to draw on.
"""

_HTML: Final = Media({"type": "string"})

FILE: Final = Answer(
    "The file.",
    dict.fromkeys(("text/html", "text/javascript", "text/css", "image/svg+xml"), _HTML),
    headers=(parts.ETAG,),
)
"""What answers a page's file."""

NO_FILE: Final = (HTTPStatus.NOT_FOUND, "There is no such file.")


def routes() -> Blueprint:
    """Give the routes."""
    blueprint = Blueprint("index", __name__)
    files = Files(Path(__file__).parent / "page")

    @blueprint.get("/")
    @describes(
        "getPage",
        Answer("The page, or text.", {"text/html": _HTML, "text/plain": _HTML}, headers=(parts.VARY,)),
        parts.UNCHANGED,
        headers=(parts.IF_NONE_MATCH,),
    )
    def index() -> Response:
        """Give the page to draw on.

        For whoever prefers `text/html`, as browsers do; a few lines of text for others.
        """
        accept = request.accept_mimetypes
        if accept.quality("text/html") > accept.quality("text/plain"):
            response = files.sent("index.html")
        else:
            response = Response(_TEXT.format(root=request.root_url), content_type="text/plain; charset=utf-8")
        response.vary.add("Accept")
        return response

    @blueprint.get("/page/<name>")
    @describes(
        "getPageFile",
        FILE,
        parts.UNCHANGED,
        fails=(NO_FILE,),
        headers=(parts.IF_NONE_MATCH,),
        path=(Parameter("name", "A file of the page, such as `main.js`."),),
    )
    def file(name: str) -> Response:
        """Give a file of the page."""
        return files.sent(name)

    return blueprint
