"""A JSON body becomes a response; every answer of the service is made here."""

from typing import Any

from flask import Response
from pydantic_core import to_json


def json(
    body: dict[str, Any] | list[Any] | bytes,
    status: int = 200,
    content_type: str = "application/json",
    headers: list[tuple[str, str]] | None = None,
) -> Response:
    """Give the response to an object, or its text; the line break at its end is for people with a terminal."""
    text = body if isinstance(body, bytes) else to_json(body)
    return Response(text + b"\n", status, headers=headers, content_type=content_type)
