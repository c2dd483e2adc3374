"""Compressed bodies: gzip and deflate, of requests within a limit, and of answers to whoever accepts them."""

import zlib
from typing import Final

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from service.answering import Body
from service.errors import BodyTooLarge, MalformedBody, UnknownContentType

_WINDOW: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""What zlib takes for each; deflate is the zlib format (RFC 9110, section 8.4.1.2)."""

_OFFERED: Final = ("gzip", "deflate")
"""In the order of our preference."""

_LEAST_BYTES: Final = 1024
"""Shorter answers are not compressed: they fit into one packet either way."""

_LEVEL: Final = 1
"""The quickest: higher ones make scores, which are nearly random digits, hardly shorter."""


def decoded(body: Body, encoding: str, limit: int) -> Body:
    """Give a request's body as it was before `encoding`, its Content-Encoding, was applied.

    Raises BodyTooLarge as soon as it is more than `limit` bytes, MalformedBody, UnknownContentType.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in _WINDOW:
        raise UnknownContentType(f"the Content-Encoding is {encoding[:100]}; gzip and deflate are read, one at a time")
    decoder = zlib.decompressobj(_WINDOW[name])
    try:
        data = decoder.decompress(body, limit + 1)
    except zlib.error as error:
        raise MalformedBody(f"the body is not {name}: {error}") from error
    if len(data) > limit:
        raise BodyTooLarge(f"the body is larger than {limit} bytes when it is decompressed, the most that is read")
    if not decoder.eof or decoder.unused_data:
        raise MalformedBody(f"the {name} body {'has more bytes behind its end' if decoder.eof else 'is cut short'}")
    return data


def encoded(body: bytes, accepted: str) -> tuple[bytes, list[tuple[str, str]]]:
    """Give an answer's body, compressed if a request's Accept-Encoding asks for it, and the headers that say so."""
    encoding = _chosen(accepted) if accepted and len(body) >= _LEAST_BYTES else None
    if encoding is None:
        return body, []
    return zlib.compress(body, _LEVEL, _WINDOW[encoding]), [("Content-Encoding", encoding)]


def _chosen(accepted: str) -> str | None:
    found = parse_accept_header(accepted, Accept)
    best = max(_OFFERED, key=lambda name: float(found.quality(name)))  # the first of equals
    return best if found.quality(best) > 0 else None
