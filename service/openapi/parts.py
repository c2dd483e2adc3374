"""What many declarations have in common: parameters, headers of answers, media types of pictures."""

from typing import Any, Final

from pydantic import JsonValue, TypeAdapter

from mlp.aliases import AliasName
from mlp.metadata import ModelName
from service.openapi.operation import Answer, Header, Media, Parameter, Schema

BINARY: Final[Schema] = {"type": "string", "format": "binary"}


def one_of(*names: str) -> dict[str, JsonValue]:
    """Give what an object's schema has besides, of which exactly one field is given and not null."""
    return {
        "oneOf": [{"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in names],
    }


# Parts of the path


def _text(kind: Any) -> Schema:
    schema = TypeAdapter(kind).json_schema()
    return {"type": "string", "pattern": schema["pattern"]}


_ALIAS: Final = _text(AliasName)

NUMBER: Final = Parameter("version", "A version's number.", {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"})

PATH: Final = {
    part.name: part
    for part in (
        Parameter("name", "A model's name.", _text(ModelName)),
        Parameter("alias", "An alias's name, such as `production`.", _ALIAS),
        Parameter(
            "version",
            "A version's number, or an alias.",
            {"type": "string", "pattern": f"^([1-9][0-9]{{0,8}}|{_ALIAS['pattern'][1:-1]})$"},
        ),
    )
}
"""What a part of a path is, unless its route says otherwise."""

# Headers of requests

REQUEST_ID: Final = Parameter(
    "X-Request-Id", "An id for the log, 1 to 128 letters, digits or `._:/+=@-`; any other is passed over."
)

CLIENT_KEY: Final = Parameter(
    "X-Client-Key", "Any text; while traffic is split, requests with the same one are answered by the same alias."
)

IF_MATCH: Final = Parameter(
    "If-Match",
    "The generation that the client has seen, as `ETag` gave it; 409 when the document has moved on.",
    {"type": "string", "pattern": r'^(\*|(W/)?("[0-9]{1,16}"|[0-9]{1,16}))$'},
)

IF_NONE_MATCH: Final = Parameter("If-None-Match", "The `ETag` of what the client has; 304 when it is still the same.")

CONTENT_ENCODING: Final = Parameter(
    "Content-Encoding",
    "How the body is compressed: gzip or deflate.",
    {"type": "string", "enum": ["identity", "gzip", "deflate"]},
)

# Headers of answers

WHO_ANSWERED: Final = (
    Header("X-Model-Name", "The model that answered."),
    Header("X-Model-Version", "The number of the version that answered.", {"type": "integer", "minimum": 1}),
    Header("X-Model-Generation", "Of the alias document by which it answered.", {"type": "integer", "minimum": 0}),
)

GENERATION: Final = Header("ETag", "The generation in quotes.", {"type": "string", "pattern": '^"[0-9]+"$'})

ETAG: Final = Header("ETag", "Changes when the content does.")

LOCATION: Final = Header("Location", "Where what was stored is.", {"type": "string", "format": "uri-reference"})

UNCHANGED: Final = Answer("The client has it already.", status=304, headers=(ETAG,))

VARY: Final = Header("Vary", "That the answer depends on `Accept`.")

ENCODED: Final = Header("Content-Encoding", "gzip or deflate, for whoever accepts that.", required=False)

ON_ERRORS: Final = (
    Header("X-Request-Id", "The client's id, or a new one.", required=False),
    Header("Retry-After", "After how many seconds to try again.", {"type": "integer", "minimum": 0}),
    Header("WWW-Authenticate", "How to authenticate."),
)
"""Of which an error has what its status asks for; an answer from the app always has its id."""

# Pictures

IMAGES: Final = ("png", "jpeg", "webp", "bmp", "gif", "tiff")
"""The subtypes of image/ that are read; which of them is named makes no difference."""

PICTURE: Final = {f"image/{kind}": Media(BINARY, file=f"7.{kind}") for kind in IMAGES}
