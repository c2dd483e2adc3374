"""The files of a multipart/form-data body, in the order in which they came.

Flask's own `request.files` groups them by field name, which loses that order, and writes large ones to disk.
"""

import re
from collections.abc import Iterator
from typing import Final

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from service.errors import MalformedBody, TooManyPictures

_HEAD_BYTES: Final = 16 * 2**10
"""Most that a part's headers may have, and what is before the first part: Werkzeug goes through them several times."""


def files(body: bytes, content_type: str, *, max_parts: int) -> list[bytes]:
    """Give the content of each file part; parts that are no files are passed over.

    Raises MalformedBody, TooManyPictures.
    """
    boundary = parse_options_header(content_type)[1].get("boundary")
    if not boundary:
        raise MalformedBody("the Content-Type multipart/form-data has no boundary")
    _check_heads(body, boundary.encode(), max_parts)
    try:
        return list(_files(body, boundary.encode(), max_parts))
    except RequestEntityTooLarge:
        raise TooManyPictures(f"more than {max_parts} parts in one request") from None
    except ValueError as error:
        raise MalformedBody(f"the multipart body is malformed: {error}") from error


def _check_heads(body: bytes, boundary: bytes, max_parts: int) -> None:
    """Raise MalformedBody where the first boundary, or the end of a part's headers, is too far away."""
    line = re.compile(rb"(?:\A|[\r\n])--" + re.escape(boundary) + rb"(--|[ \t]*[\r\n])")
    found = line.search(body, 0, _HEAD_BYTES)
    if found is None and len(body) > _HEAD_BYTES:
        raise MalformedBody(f"the multipart body has no boundary in its first {_HEAD_BYTES} bytes")
    for _ in range(max_parts + 1):
        if found is None or found[1] == b"--":
            return
        head = _BLANK.search(body, found.start(1), found.end() + _HEAD_BYTES)
        if head is None and len(body) > found.end() + _HEAD_BYTES:
            raise MalformedBody(f"the multipart body has a part whose headers are over {_HEAD_BYTES} bytes")
        found = line.search(body, (head or found).end() - 1)


_BLANK: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")


def _files(body: bytes, boundary: bytes, max_parts: int) -> Iterator[bytes]:
    decoder = MultipartDecoder(boundary, max_parts=max_parts)
    decoder.receive_data(body)
    decoder.receive_data(None)
    content: list[bytes] | None = None  # of the file part that is being read
    while not isinstance(event := decoder.next_event(), Epilogue):
        if isinstance(event, NeedData):
            raise MalformedBody("the multipart body ends before its last boundary")
        if isinstance(event, File):
            content = []
        elif isinstance(event, Field):
            content = None
        elif isinstance(event, Data) and content is not None:
            content.append(event.data)
            if not event.more_data:
                yield b"".join(content)
