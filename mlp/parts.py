"""How many parts a picture's file has, seen before Pillow reads it: more than a picture needs cost time, or memory.

Pillow reads chunks, segments and tags one by one, in Python, and keeps a copy of each tag's value, also where all of
them lie in the same place of the file.
"""

import struct
from collections.abc import Iterator
from typing import Final

from mlp.errors import NotAPicture, PictureTooLarge

_PNG: Final = b"\x89PNG\r\n\x1a\n"

_MOST_PARTS: Final = 20_000
"""Chunks of a PNG, segments of a JPEG, blocks of a GIF before its pixels; a PNG of 32 MB has about 4,000."""

_MOST_SCANS: Final = 32
"""Of a JPEG, each of which passes over all pixels; the usual progressive one has 10."""

_MOST_TAGS: Final = 1_000
"""Of a directory; a camera's has about 100."""

_MOST_STRIPS: Final = 100_000
"""Values of one tag of a TIFF: where its strips lie."""

_MOST_PACKED_BYTES: Final = 2**20
"""Of a BMP whose pixels are packed in runs, which Pillow unpacks in Python."""

_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of a tag's value, by its type."""

_TIFF: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def check(data: bytes, max_pixels: int) -> None:
    """Look at a picture's file. Raises NotAPicture for one of too many parts, PictureTooLarge."""
    if data.startswith(_PNG):
        _check_count("chunks", _chunks(data))
    elif data.startswith(b"\xff\xd8"):
        _check_jpeg(data)
    elif data.startswith(b"GIF8"):
        _check_gif(data, max_pixels)
    elif data.startswith(_TIFF):
        if not is_plain(data):
            raise NotAPicture("the TIFF's tags are more than a picture needs, or lie in the same place")
    elif data.startswith(b"BM") and data[30:34] in (b"\1\0\0\0", b"\2\0\0\0") and len(data) > _MOST_PACKED_BYTES:
        raise NotAPicture(f"the BMP is packed in runs and larger than {_MOST_PACKED_BYTES} bytes; send it as PNG")


def is_plain(tiff: bytes) -> bool:
    """Tell whether the tags of a TIFF's first directory, or of EXIF data, are not many, and all fit into the bytes."""
    try:
        sizes = list(_tags(tiff))
    except struct.error:  # cut short: what was read so far is all there is
        return True
    return len(sizes) <= _MOST_TAGS and sum(sizes) <= len(tiff)


def _tags(tiff: bytes) -> Iterator[int]:
    """Give the size of each tag's value, one more than may be read; too large for one that has too many."""
    order, big = "<" if tiff[:2] == b"II" else ">", tiff[2:4] in (b"+\0", b"\0+")
    head, count, entry = ("Q", "Q", "HHQ") if big else ("I", "H", "HHI")
    (at,) = struct.unpack_from(order + head, tiff, 8 if big else 4)
    (number,) = struct.unpack_from(order + count, tiff, at) if at < len(tiff) else (0,)
    at += struct.calcsize(order + count)
    for _ in range(min(number, _MOST_TAGS + 1)):
        _tag, kind, values = struct.unpack_from(order + entry, tiff, at)
        yield _SIZES.get(kind, 0) * values if values <= _MOST_STRIPS or kind in (1, 2, 6, 7) else len(tiff) + 1
        at += 20 if big else 12


def _check_count(what: str, found: Iterator[object]) -> None:
    for number, _ in enumerate(found):
        if number >= _MOST_PARTS:
            raise NotAPicture(f"the picture's file has more than {_MOST_PARTS} {what}; none needs so many")


def _chunks(png: bytes) -> Iterator[int]:
    at = len(_PNG)
    while at + 8 <= len(png):
        at += 12 + int.from_bytes(png[at : at + 4], "big")
        yield at


def _check_jpeg(jpeg: bytes) -> None:
    if (scans := jpeg.count(b"\xff\xda")) > _MOST_SCANS:
        raise NotAPicture(f"the JPEG has {scans} scans, the most is {_MOST_SCANS}")
    _check_count("segments", _segments(jpeg))
    exif, other = b"", []
    for start, end in _segments(jpeg):
        if jpeg[start : start + 6] == b"Exif\0\0":
            exif += jpeg[start + 6 : end]  # as Pillow joins them
        elif jpeg[start : start + 4] == b"MPF\0":
            other.append(jpeg[start + 4 : end])
    if not all(map(is_plain, [exif, *other])):
        raise NotAPicture("the JPEG's EXIF tags are more than a picture needs, or lie in the same place")


def _segments(jpeg: bytes) -> Iterator[tuple[int, int]]:
    """Give where each segment before the first scan begins, behind its length, and ends."""
    at = 2
    while (at := jpeg.find(b"\xff", at)) >= 0 and at + 1 < len(jpeg):
        marker = jpeg[at + 1]
        if marker == 0xDA:
            return
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD9:  # these have no length
            at += 1 if marker == 0xFF else 2
            yield at, at
            continue
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        yield at + 4, end
        at = max(end, at + 2)


def _check_gif(gif: bytes, max_pixels: int) -> None:
    """Look for the first frame as Pillow does, which makes room for it before anybody knows its size."""
    at = 13 + (3 << (gif[10] % 8 + 1) if len(gif) > 10 and gif[10] & 0x80 else 0)
    number = 0
    while at < len(gif) and gif[at] not in b",;":
        if gif[at] != 0x21:
            at += 1
        else:
            label, at = gif[at + 1 : at + 2], at + 2
            first, at = _sub_block(gif, at)
            number += 1
            if label == b"\xff" and first.startswith(b"NETSCAPE2.0"):
                _, at = _sub_block(gif, at)
            more = first if label == b"\xfe" else b"-"
            while more and number <= _MOST_PARTS:
                more, at = _sub_block(gif, at)
                number += 1
        if number > _MOST_PARTS:
            raise NotAPicture(f"the GIF has more than {_MOST_PARTS} blocks before its pixels; none needs so many")
    frame = gif[at + 1 : at + 9]
    if len(frame) == 8:
        left, top, width, height = struct.unpack("<HHHH", frame)
        if (left + width) * (top + height) > max_pixels:
            raise PictureTooLarge(f"the GIF's first frame reaches to {left + width}×{top + height} pixels")


def _sub_block(gif: bytes, at: int) -> tuple[bytes, int]:
    size = gif[at] if at < len(gif) else 0
    return gif[at + 1 : at + 1 + size], at + 1 + size
