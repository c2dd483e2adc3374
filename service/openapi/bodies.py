"""What the body of a request for a prediction may be, by content type, each with an example.

That of POST /predict is read by service/body.py; the others are at home with their protocols.
"""

from typing import Final

from service import body
from service.openapi import examples, parts
from service.openapi.operation import Body, Media, Schema

_FORM: Final[Schema] = {
    "type": "object",
    "description": "Files under any names; what is no file is passed over.",
    "properties": {"image": {"type": "array", "items": parts.BINARY}},
    "additionalProperties": {"type": "array", "items": parts.BINARY},
    "minProperties": 1,
}

PICTURES: Final = Body(
    {
        "application/json": Media(
            body.Json, {"pixels": {"pixels": examples.rows()}, "picture": {"image": examples.in_base64()}}
        ),
        **parts.PICTURE,
        "multipart/form-data": Media(_FORM, file="7.png"),
        "application/octet-stream": Media(parts.BINARY, file="7.raw"),
        "application/x-npy": Media(parts.BINARY, file="7.npy"),
    }
)
"""The body of POST /predict."""
