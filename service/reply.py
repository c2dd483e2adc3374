"""A JSON body becomes a response; every answer of the service is made here."""

from typing import Any

from flask import Response
from pydantic_core import to_json


def json(body: dict[str, Any], status: int = 200, content_type: str = "application/json") -> Response:
    """Give the response; the line break at its end is for people with a terminal."""
    return Response(to_json(body) + b"\n", status, content_type=content_type)
