"""The files of a multipart/form-data body, in the order in which they came.

Flask's own `request.files` groups them by field name, which loses that order, and writes large ones to disk.
"""

from collections.abc import Iterator

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from service.errors import MalformedBody, TooManyPictures


def files(body: bytes, content_type: str, *, max_parts: int) -> list[bytes]:
    """Give the content of each file part; parts that are no files are passed over.

    Raises MalformedBody, TooManyPictures.
    """
    boundary = parse_options_header(content_type)[1].get("boundary")
    if not boundary:
        raise MalformedBody("the Content-Type multipart/form-data has no boundary")
    try:
        return list(_files(body, boundary.encode(), max_parts))
    except RequestEntityTooLarge:
        raise TooManyPictures(f"more than {max_parts} parts in one request") from None
    except ValueError as error:
        raise MalformedBody(f"the multipart body is malformed: {error}") from error


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
