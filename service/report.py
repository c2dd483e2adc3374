"""GET …/versions/{version}/report: what a training run has written of a version, as it lies beside the version's file.

What is in it is training/page/'s matter. It is shown as what it is, a page that loads and runs nothing.
"""

from typing import Final

from flask import Blueprint, Response, request

from mlp.errors import StoreUnavailable
from service.catalogue import numbered
from service.errors import ReportNotFound
from service.live import LiveModels
from service.openapi import failures, parts
from service.openapi.operation import Answer, Media, describes

_HEADERS: Final = {
    "Cache-Control": "no-cache",  # kept, but asked for by its ETag: a report may be written anew
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def routes(live: LiveModels) -> Blueprint:
    """Give the route."""
    blueprint = Blueprint("report", __name__)

    @blueprint.get("/models/<name>/versions/<version>/report")
    @describes(
        "getReport",
        Answer("The report.", {"text/html": Media({"type": "string"})}, headers=(parts.ETAG,)),
        parts.UNCHANGED,
        fails=(*failures.MODEL, ReportNotFound),
        headers=(parts.IF_NONE_MATCH,),
    )
    def report(name: str, version: str) -> Response:
        """Show what a training run has written of a version, if it has."""
        number = numbered(live, live.get(name), version)
        path = live.store.report(name, number)
        if path is None:
            raise ReportNotFound(f"there is no training report of {name} version {number}")
        try:
            data = path.read_bytes()
        except OSError as error:
            raise StoreUnavailable(f"the report cannot be read: {error.strerror or error}") from error
        response = Response(data, content_type="text/html; charset=utf-8", headers=_HEADERS)
        response.add_etag()
        response.make_conditional(request)
        response.headers.pop("Date", None)  # the server sends one
        return response

    return blueprint
