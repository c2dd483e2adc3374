"""GET /openapi.json: the OpenAPI document. GET /docs: a page that shows it, with its files and the examples it names.

The page is in service/docs_page/, hand-written like the other one, and uses its style.
"""

from functools import cache
from pathlib import Path
from typing import Final

from flask import Blueprint, Flask, Response, abort, current_app
from pydantic_core import to_json

from service.files import Files, known
from service.index import FILE, NO_FILE
from service.openapi import examples, parts
from service.openapi.document import document
from service.openapi.operation import Answer, Media, Parameter, describes, json
from service.settings import Settings

_FOLDER: Final = Path(__file__).parent.parent / "docs_page"

_TYPES: Final = {
    **{f".{kind}": f"image/{kind}" for kind in parts.IMAGES},
    ".raw": "application/octet-stream",
    ".npy": "application/x-npy",
    ".csv": "text/csv",
}


def routes(settings: Settings) -> Blueprint:
    """Give the routes."""
    blueprint = Blueprint("openapi", __name__)
    files = Files(_FOLDER)

    @cache
    def text(app: Flask) -> bytes:
        return to_json(document(app, settings)) + b"\n"

    @blueprint.get("/openapi.json")
    @describes(
        "getOpenApi",
        json({"type": "object"}, "The document.", headers=(parts.ETAG,)),
        parts.UNCHANGED,
        headers=(parts.IF_NONE_MATCH,),
    )
    def openapi() -> Response:
        """Describe the service: this document, in OpenAPI 3.1."""
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        headers = {"Cache-Control": "no-cache"}
        return known(Response(text(app), content_type="application/json", headers=headers))

    @blueprint.get("/docs", strict_slashes=True)  # its files lie beside it
    @describes(
        "getDocs",
        Answer("The page.", {"text/html": Media({"type": "string"})}, headers=(parts.ETAG,)),
        parts.UNCHANGED,
        headers=(parts.IF_NONE_MATCH,),
    )
    def page() -> Response:
        """Show the service's description in a browser, where requests can be tried."""
        return files.sent("index.html")

    @blueprint.get("/docs/<name>")
    @describes(
        "getDocsFile",
        FILE,
        parts.UNCHANGED,
        fails=(NO_FILE,),
        headers=(parts.IF_NONE_MATCH,),
        path=(Parameter("name", "A file of the page, such as `main.js`."),),
    )
    def file(name: str) -> Response:
        """Give a file of the page that shows this description."""
        return files.sent(name)

    @blueprint.get("/docs/examples/<name>")
    @describes(
        "getExample",
        Answer("The file.", {kind: Media(parts.BINARY) for kind in _TYPES.values()}, headers=(parts.ETAG,)),
        parts.UNCHANGED,
        fails=(NO_FILE,),
        headers=(parts.IF_NONE_MATCH,),
        path=(Parameter("name", "A file.", {"type": "string", "enum": list(examples.FILES)}),),
    )
    def example(name: str) -> Response:
        """Give an example of a request's body: a handwritten seven."""
        if name not in examples.FILES:
            abort(404)
        return known(Response(examples.file(name), content_type=_TYPES[Path(name).suffix]))

    return blueprint
