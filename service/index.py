"""GET /: what a person who opens the service's address in a browser finds."""

from typing import Final

from flask import Blueprint, Response, request

_TEXT: Final = """\
This is mlp: it reads pictures with a multilayer perceptron.

  curl {root}predict -F image=@7.png

  POST {root}predict   a picture, several in a form, JSON, raw bytes or a NumPy array
  GET  {root}models    which models and versions there are, and how good they are
  GET  {root}readyz    whether a model answers
"""


def routes() -> Blueprint:
    """Give the route."""
    blueprint = Blueprint("index", __name__)

    @blueprint.get("/")
    def index() -> Response:
        return Response(_TEXT.format(root=request.root_url), content_type="text/plain; charset=utf-8")

    return blueprint
