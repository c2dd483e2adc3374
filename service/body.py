"""A request's body → prepared pixels (n, height, width), by content type, within the limits.

Numbers are in service/pixels.py, multipart in service/multipart.py, pictures in mlp/picture.py and mlp/prepare.py.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Annotated, Any, Final, Literal

import numpy as np
from flask import Request
from pydantic import (
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    StrictStr,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import from_json
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header

from mlp import picture, prepare
from mlp.arrays import Pixels, Uint8
from mlp.errors import PictureError, PictureTooLarge
from mlp.metadata import Input
from service import aside, multipart, pixels
from service.errors import (
    BadItem,
    BodyTooLarge,
    InvalidField,
    Location,
    MalformedBody,
    TooManyPictures,
    UnknownContentType,
)
from service.openapi import parts

WHOLE: Final = "service.body"
"""Where in `environ` a server puts a body that it has read to the end, within the limit, before it calls the app."""


_PICTURES: Final = 8
"""Pictures of the most pixels that those of a request may have together: what one may cost, and not each of 4,096."""


@dataclass(slots=True)
class Reading:
    """What a body is read for: the network's input, and what the request and the settings allow."""

    spec: Input
    prepare: str
    """"auto" or "none"."""
    max_image_pixels: int
    max_batch: int
    seconds: float = 0.0
    """That pictures have taken so far."""
    pixels: int = 0
    """That they have had so far."""

    def picture(self, data: bytes) -> Uint8:
        """Give one encoded picture as pixels (height, width). Raises PictureError."""
        begun = perf_counter()
        try:
            return self._picture(data)
        finally:
            self.seconds += perf_counter() - begun

    def _picture(self, data: bytes) -> Uint8:
        height, width, max_pixels = self.spec.height, self.spec.width, self.max_image_pixels
        if self.prepare == "none":
            return prepare.exact(picture.decode(data, max_pixels=max_pixels, before=self._take), height, width)
        return prepare.prepared(data, self.spec.preparation, height, width, max_pixels=max_pixels, before=self._take)

    def _take(self, more: int) -> None:
        """Count the pixels of a picture that is about to be decoded. Raises PictureTooLarge, Aside."""
        self.pixels += more
        aside.check(self.pixels, self.seconds)
        if self.pixels > (most := _PICTURES * self.max_image_pixels):
            raise PictureTooLarge(
                f"up to this one the pictures have {self.pixels} pixels together, more than {most}: send them in parts"
            )

    def pictures(self, items: Sequence[bytes], where: Location) -> Uint8:
        """Give several encoded pictures as pixels (n, height, width). Raises BadItem, TooManyPictures."""
        self.check_count(len(items))
        batch = np.empty((len(items), self.spec.height, self.spec.width), np.uint8)
        for index, data in enumerate(items):
            try:
                batch[index] = self.picture(data)
            except PictureError as error:
                raise BadItem((*where, index), error) from error
        return batch

    def check_count(self, count: int) -> None:
        """Raise TooManyPictures for more than the limit."""
        if count > self.max_batch:
            raise TooManyPictures(f"{count} pictures in one request; the most is {self.max_batch}, send them in parts")


_FIELDS: Final = ("pixels", "image", "images")

_NUMBER: Final = {"type": "number", "minimum": 0, "maximum": 255}

_LISTS: Final = [
    _NUMBER,
    {"type": "array", "items": _NUMBER},
    {"type": "array", "items": {"type": "array", "items": _NUMBER}},
]


class Json(BaseModel):
    """The JSON body of a prediction: exactly one of `pixels`, `image` and `images`."""

    model_config = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_extra=parts.one_of(*_FIELDS),
    )

    pixels: Annotated[
        Any, WithJsonSchema({"type": "array", "minItems": 1, "anyOf": [{"items": kind} for kind in _LISTS]})
    ] = None
    """Numbers from 0 to `pixel_max`: a flat list, a 2-D array, or a list of either; height × width for each picture."""
    pixel_max: Literal[1, 255] = 255
    """The value of a full pixel."""
    image: StrictStr = ""
    """One picture: base64, or a data: URL."""
    images: Annotated[list[StrictStr], FailFast()] = Field(default=[], min_length=1)
    """Several pictures."""

    @model_validator(mode="after")
    def _one_of(self) -> "Json":
        given = {*_FIELDS} & self.model_fields_set
        if len(given) != 1:
            raise ValueError(
                f"give exactly one of pixels, image and images, not {' and '.join(sorted(given)) or 'none'}"
            )
        return self


def read(environ: Mapping[str, Any], data: bytes | memoryview, reading: Reading) -> Pixels:
    """Give the prepared pixels that a request's body holds, n ≥ 1, by the headers in `environ`.

    Raises MalformedBody, UnknownContentType, InvalidField, BadItem, TooManyPictures, PictureError, ArrayError.
    """
    content_type = environ.get("CONTENT_TYPE", "")
    reader = _READERS.get(content_type) or _READERS.get(parse_options_header(content_type)[0].lower())
    if reader is None:
        raise UnknownContentType(_content_type_help(parse_options_header(content_type)[0]))
    if environ.get("HTTP_CONTENT_ENCODING", "identity") != "identity":
        raise UnknownContentType("a compressed body is not read here; send it without Content-Encoding")
    batch = reader(data if reader in _AS_IT_CAME else bytes(data), content_type, reading)
    reading.check_count(len(batch))
    return batch


def received(request: Request, limit_is: str) -> bytes:
    """Give a request's body as it came. Raises BodyTooLarge, which says what the request's limit is: `limit_is`."""
    whole: bytes | None = request.environ.get(WHOLE)
    if whole is not None:
        return whole
    limit = request.max_content_length
    too_large = BodyTooLarge(f"the body is larger than {limit} bytes, {limit_is}")
    try:
        data = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise too_large from None
    if request.content_length is None and len(data) == limit:
        raise too_large  # a chunked body: what is over the limit was not read, and Werkzeug does not say so
    return data


def _content_type_help(got: str) -> str:
    hint = ", as curl does without -H 'Content-Type: …'" if got == "application/x-www-form-urlencoded" else ""
    return f"the Content-Type is {got or 'missing'}{hint}; expected one of {', '.join(_READERS)}"


def _read_picture(body: bytes, _content_type: str, reading: Reading) -> Pixels:
    return reading.picture(body)[np.newaxis]


def _read_raw(body: bytes | memoryview, _content_type: str, reading: Reading) -> Pixels:
    return pixels.from_bytes(body, reading.spec)


def _read_npy(body: bytes | memoryview, _content_type: str, reading: Reading) -> Pixels:
    return pixels.from_npy(body, reading.spec)


def _read_multipart(body: bytes, content_type: str, reading: Reading) -> Pixels:
    items = multipart.files(body, content_type, max_parts=reading.max_batch)
    if not items:
        raise InvalidField((("body",), "there is no file in the form; with curl: -F image=@7.png, with the @"))
    return reading.pictures(items, ("body",))


def _read_json(body: bytes, _content_type: str, reading: Reading) -> Pixels:
    plain = pixels.from_json(body, reading.spec)
    return plain if plain is not None else _read_any_json(body, reading)


def _read_any_json(body: bytes, reading: Reading) -> Pixels:
    try:
        parsed = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedBody(f"not valid JSON: {error}") from error
    if isinstance(parsed, dict) and len(parsed) > _MOST_FIELDS:
        raise InvalidField((("body",), f"{len(parsed)} fields; pixels, pixel_max, image and images are known"))
    try:
        fields = Json.model_validate(parsed)
    except ValidationError as error:
        raise InvalidField.of("body", error) from error
    if "pixels" in fields.model_fields_set:
        return pixels.from_lists(fields.pixels, reading.spec, fields.pixel_max, reading.max_batch)
    if fields.images:
        reading.check_count(len(fields.images))
        decoded = [decoded_base64(text, ("body", "images", index)) for index, text in enumerate(fields.images)]
        return reading.pictures(decoded, ("body", "images"))
    return reading.picture(decoded_base64(fields.image, ("body", "image")))[np.newaxis]


_MOST_FIELDS: Final = 100
"""Of a JSON object, beyond which those that are not known are not named one by one."""


def decoded_base64(text: str, where: Location) -> bytes:
    """Give the bytes of base64 text, or of a data: URL that holds such text; line breaks in it do not matter."""
    if text.startswith("data:"):
        head, _, text = text.partition(",")
        if not head.endswith(";base64"):
            raise InvalidField((where, "the data: URL is not of the form data:image/…;base64,…"))
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidField((where, f"not valid base64: {error}")) from error


_READERS: Final[dict[str, Callable[[Any, str, Reading], Pixels]]] = {
    "application/json": _read_json,
    "multipart/form-data": _read_multipart,
    "application/octet-stream": _read_raw,
    "application/x-npy": _read_npy,
    **dict.fromkeys(
        ("image/png", "image/jpeg", "image/webp", "image/bmp", "image/gif", "image/tiff"),
        _read_picture,
    ),
}
"""A picture is read by what it is; which of the image types its request names makes no difference."""

_AS_IT_CAME: Final = frozenset({_read_raw, _read_npy})
"""Those that make pixels of a body without copying it."""
