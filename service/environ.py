"""A request's line and headers → the environ that WSGI gives an app (PEP 3333)."""

from typing import Final
from urllib.parse import unquote_to_bytes

import httptools

from service.answering import Environ


def target(url: bytes) -> tuple[str, str]:
    """Give a request target's path, its percent signs resolved and each byte a character, as WSGI has it, and query."""
    if not url.startswith(b"/"):  # absolute, as to a proxy, or the * of OPTIONS
        try:
            parsed = httptools.parse_url(url)
            path, query = parsed.path or b"/", parsed.query or b""
        except httptools.HttpParserInvalidURLError:
            path, query = url, b""
    else:
        path, _, query = url.partition(b"?")
    return (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1"), query.decode("latin-1")


_NAMES: Final[dict[bytes, str]] = {}
"""WSGI's names of headers as clients write them."""

_KNOWN_NAMES: Final = 500
"""How many are kept: a client may write as many as it likes."""


def put_headers(environ: Environ, headers: list[tuple[bytes, bytes]]) -> None:
    """Put headers into an environ; one whose name has an underscore is left out, as it would pass for another."""
    for raw, value in headers:
        name = _NAMES.get(raw) or _name(raw)
        text = value.decode("latin-1")
        if name in environ:
            text = f"{environ[name]}{';' if name == 'HTTP_COOKIE' else ','}{text}"
        if name:
            environ[name] = text


def _name(raw: bytes) -> str:
    if b"_" in raw:
        return ""
    name = raw.decode("latin-1").upper().replace("-", "_")
    name = name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
    if len(_NAMES) < _KNOWN_NAMES:
        _NAMES[raw] = name
    return name


def set_length(environ: Environ, size: int) -> None:
    """Say the length of a body that came in chunks, as if it had been said at its beginning."""
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["CONTENT_LENGTH"] = str(size)
