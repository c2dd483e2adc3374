"""Pictures that say they are large, or become large, or have more in them than a picture needs."""

import base64
import io
import json
import struct
import zlib
from functools import partial
from typing import Any, Final

from PIL import Image

from fuzz.attacks.attack import PREDICT, Attack, asked, refused

_SIDE: Final = 7071
"""Squared, nearly the 50,000,000 pixels that a picture may have."""

_HALF: Final = _SIDE // 2

_LARGE: Final = "a picture of the most pixels that are allowed, which Pillow can only decode as a whole"

_UNREAD: Final = refused(413, 422)


def png(width: int, height: int, *, bits: int = 8, kind: int = 0, rows: bytes = b"", before: bytes = b"") -> bytes:
    """Give a PNG with this header; `rows` are its compressed rows, `before` chunks that come before them."""
    head = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + before
        + chunk(b"IDAT", rows or zlib.compress(b""))
        + chunk(b"IEND")
    )


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    """Give a PNG's chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def blank(side: int, *, bits: int = 8, kind: int = 0, before: bytes = b"") -> bytes:
    """Give a square PNG of one colour."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    row = b"\0" * (1 + (side * bits * channels + 7) // 8)
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return png(side, side, bits=bits, kind=kind, rows=rows, before=before)


def drawn(side: int) -> bytes:
    """Give a square PNG, 1 bit a pixel, with a black stroke on white: one that is read."""
    row = bytearray(b"\xff" * ((side + 7) // 8))
    thick = max(1, len(row) // 10)
    stroke = row.copy()
    stroke[len(row) // 2 : len(row) // 2 + thick] = bytes(thick)
    packer = zlib.compressobj(9)
    edge = side // 5
    rows = b"".join(packer.compress(b"\0" + (stroke if edge < at < side - edge else row)) for at in range(side))
    return png(side, side, bits=1, rows=rows + packer.flush())


def _saved(form: str, size: tuple[int, int], mode: str = "L", **how: Any) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size).save(file, form, **how)
    return file.getvalue()


def _frames(form: str, count: int) -> bytes:
    first, *rest = (Image.new("L", (28, 28), shade % 256) for shade in range(count))
    file = io.BytesIO()
    first.save(file, form, save_all=True, append_images=rest)
    return file.getvalue()


def _huge_gif() -> bytes:
    good = _saved("GIF", (28, 28))
    return good[:6] + struct.pack("<HH", 65535, 65535) + good[10:]


def _frame_outside_gif() -> bytes:
    """Give a GIF of 28×28 whose first frame is 65,535×65,535."""
    good = _saved("GIF", (28, 28))
    at = good.index(b",\0\0\0\0")
    return good[: at + 5] + struct.pack("<HH", 65535, 65535) + good[at + 9 :]


def _huge_bmp() -> bytes:
    good = _saved("BMP", (28, 28))
    return good[:18] + struct.pack("<ii", 2**31 - 1, 2**31 - 1) + good[26:]


def _huge_webp() -> bytes:
    good = _saved("WEBP", (28, 28), lossless=True)
    at = good.index(b"VP8L") + 9
    return good[:at] + b"\xff\xff\xff\x0f" + good[at + 4 :]


def _huge_jpeg() -> bytes:
    good = _saved("JPEG", (28, 28))
    at = good.index(b"\xff\xc0") + 5
    return good[:at] + b"\xff\xff\xff\xff" + good[at + 4 :]


def _markers_jpeg() -> bytes:
    good = _saved("JPEG", (28, 28))
    return good[:2] + b"\xff\xfe\0\2" * 100_000 + good[2:]


def _scans_jpeg() -> bytes:
    """Give a progressive JPEG of 2,000×2,000 one of whose scans is there a thousand times."""
    good = _saved("JPEG", (2000, 2000), progressive=True)
    at = good.rindex(b"\xff\xda")
    table = good.rindex(b"\xff\xc4", 0, at)
    return good[:at] + good[table:-2] * 1000 + b"\xff\xd9"


def tiff(*fields: tuple[int, int, int, int], behind: bytes = b"") -> bytes:
    """Give a TIFF with this directory: tag, type, count and value of each field."""
    body = b"".join(struct.pack("<HHII", *field) for field in sorted(fields))
    return b"II*\0" + struct.pack("<IH", 8, len(fields)) + body + struct.pack("<I", 0) + behind


def _plain_tiff(width: int, height: int, *more: tuple[int, int, int, int], behind: bytes = b"") -> bytes:
    fields = {256: (256, 4, 1, width), 257: (257, 4, 1, height), 258: (258, 3, 1, 8), 259: (259, 3, 1, 1)}
    fields |= {262: (262, 3, 1, 1), 273: (273, 4, 1, 8), 277: (277, 3, 1, 1), 278: (278, 4, 1, height)}
    fields |= {279: (279, 4, 1, len(behind) or width * height % 2**32)}
    return tiff(*(fields | {field[0]: field for field in more}).values(), behind=behind)


def _many_tags_tiff() -> bytes:
    return tiff(*((tag, 4, 1, 1) for tag in range(300, 65000)))


def _overlapping_tiff(count: int, size: int) -> bytes:
    """Give a TIFF of many tags, all of whose values are the same bytes."""
    at = 14 + 12 * count
    return tiff(*((tag, 1, size, at) for tag in range(1000, 1000 + count)), behind=bytes(size))


def _exif_jpeg() -> bytes:
    """Give a JPEG whose EXIF data has 5,000 tags of 60 KB, all in the same place."""
    exif = b"Exif\0\0" + _overlapping_tiff(400, 60_000)
    good = _saved("JPEG", (28, 28))
    return good[:2] + b"\xff\xe1" + struct.pack(">H", min(65535, len(exif) + 2)) + exif + good[2:]


def _exif_png() -> bytes:
    """Give a PNG whose EXIF data has 60,000 tags of 1 MB, all in the same place."""
    packer = zlib.compress(b"".join(b"\0" + bytes(28) for _ in range(28)))
    return png(28, 28, rows=packer, before=chunk(b"eXIf", _overlapping_tiff(60_000, 10**6)))


def _strips_tiff(height: int) -> bytes:
    """Give a TIFF of one pixel a row, and as many strips as rows."""
    at = 8 + 2 + 12 * 10 + 4
    return tiff(
        (256, 4, 1, 1), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, height, at),
        (277, 3, 1, 1), (278, 4, 1, 1), (279, 4, height, at + 4 * height), (284, 3, 1, 1),
        behind=struct.pack("<I", 8) * height + struct.pack("<I", 1) * height,
    )  # fmt: skip


def _comments_gif() -> bytes:
    good = _saved("GIF", (28, 28))
    at = good.index(b",\0\0\0\0")
    return good[:at] + b"!\xfe" + (b"\xff" + b"x" * 255) * 100_000 + b"\0" + good[at:]


def _extensions_gif() -> bytes:
    good = _saved("GIF", (28, 28))
    at = good.index(b",\0\0\0\0")
    return good[:at] + b"!\xfe\0" * 3_000_000 + good[at:]


def _runs_bmp(pixels: int) -> bytes:
    """Give a BMP packed in runs of one pixel."""
    side = int(pixels**0.5)
    body = (b"\1\0" * side + b"\0\0") * side + b"\0\1"
    head = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, len(body), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 1024 + len(body), 0, 0, 54 + 1024) + head + bytes(1024) + body


def _looping_tiff() -> bytes:
    """Give a TIFF whose directory is followed by itself."""
    good = bytearray(_saved("TIFF", (28, 28)))
    at = struct.unpack_from("<I", good, 4)[0]
    (count,) = struct.unpack_from("<H", good, at)
    struct.pack_into("<I", good, at + 2 + 12 * count, at)
    return bytes(good)


def _form(files: list[bytes]) -> bytes:
    head = b'--b\r\nContent-Disposition: form-data; name="x"; filename="x"\r\n\r\n'
    body = b"".join(head + file + b"\r\n" for file in files) + b"--b--\r\n"
    return asked(PREDICT, body, "multipart/form-data; boundary=b")


def _many(count: int, side: int) -> bytes:
    return _form([drawn(side)] * count)


def _in_json(data: bytes) -> bytes:
    return asked(PREDICT, json.dumps({"image": base64.b64encode(data).decode()}).encode(), "application/json")


def _one(form: str, data: bytes) -> bytes:
    return asked(PREDICT, data, f"image/{form}")


def _attack(name: str, form: str, made: Any, *, statuses: frozenset[int] = _UNREAD, **how: Any) -> Attack:
    return Attack(name, lambda: _one(form, made()), statuses, **how)


_COSTLY: Final[dict[str, Any]] = {"why": _LARGE, "seconds": 4.0, "mb": 600.0, "short": False}

ATTACKS: Final = (
    _attack("PNG that says 100,000 × 100,000", "png", partial(png, 100_000, 100_000)),
    _attack("GIF that says 65,535 × 65,535", "gif", _huge_gif),
    _attack("GIF whose frame is larger than itself", "gif", _frame_outside_gif),
    _attack("BMP that says 2³¹ × 2³¹", "bmp", _huge_bmp),
    _attack("WebP that says 16,384 × 16,384", "webp", _huge_webp),
    _attack("JPEG that says 65,535 × 65,535", "jpeg", _huge_jpeg),
    _attack("TIFF that says 2³² × 2³²", "tiff", partial(_plain_tiff, 2**32 - 1, 2**32 - 1)),
    _attack("PNG of 50 MP in 6 KB, 1 bit", "png", partial(blank, _SIDE, bits=1), **_COSTLY),
    _attack("PNG of 50 MP, grey", "png", partial(blank, _SIDE), **_COSTLY),
    _attack("PNG of 50 MP in 15 KB, which is read", "png", partial(drawn, _SIDE), statuses=refused(200), **_COSTLY),
    _attack("PNG of 50 MP, 16 bit", "png", partial(blank, _SIDE, bits=16), **_COSTLY),
    _attack("PNG of 50 MP, transparent", "png", partial(blank, _SIDE, kind=6), **_COSTLY),
    _attack("GIF of 50 MP", "gif", lambda: _saved("GIF", (_SIDE, _SIDE)), **_COSTLY),
    _attack(
        "WebP of 50 MP",
        "webp",
        lambda: _saved("WEBP", (_SIDE, _SIDE), "RGB", lossless=True, method=0),
        statuses=refused(413),
    ),
    _attack("WebP of 25 MP", "webp", lambda: _saved("WEBP", (_HALF, _SIDE), "RGB", lossless=True, method=0), **_COSTLY),
    _attack("TIFF of 50 MP, LZW", "tiff", lambda: _saved("TIFF", (_SIDE, _SIDE), compression="tiff_lzw"), **_COSTLY),
    _attack(
        "TIFF of 50 MP, floats",
        "tiff",
        lambda: _saved("TIFF", (_SIDE, _SIDE), "F", compression="tiff_adobe_deflate"),
        **_COSTLY,
    ),
    _attack("JPEG of 50 MP", "jpeg", lambda: _saved("JPEG", (_SIDE, _SIDE)), **_COSTLY),
    _attack("JPEG of 50 MP, progressive", "jpeg", lambda: _saved("JPEG", (_SIDE, _SIDE), progressive=True), **_COSTLY),
    Attack("PNG of 4 MP in base64 in 2 KB of JSON", lambda: _in_json(drawn(2000)), refused(200)),
    Attack(
        "form of 30 PNGs of 1 MP in 15 KB",
        partial(_many, 30, 1000),
        refused(200),
        seconds=2.0,
        why="30 pictures, none of them small",
    ),
    Attack(
        "form of 1,500 PNGs of 50 MP in 30 MB",
        partial(_many, 1500, _SIDE),
        refused(413),
        **_COSTLY | {"seconds": 12.0, "why": "eight of them are read before the others are refused"},
    ),
    _attack("GIF of 2,000 frames", "gif", partial(_frames, "GIF", 2000)),
    _attack("TIFF of 1,000 pages", "tiff", partial(_frames, "TIFF", 1000)),
    _attack("WebP of 300 frames", "webp", partial(_frames, "WEBP", 300)),
    _attack("PNG of 300 frames", "png", partial(_frames, "PNG", 300)),
    _attack(
        "PNG with 500 MB of text, compressed",
        "png",
        lambda: png(28, 28, before=chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(500_000_000)))),
    ),
    _attack(
        "PNG with 500 MB of profile, compressed",
        "png",
        lambda: png(28, 28, before=chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(500_000_000)))),
    ),
    _attack("PNG with 500 MB of pixels too many", "png", lambda: png(28, 28, rows=zlib.compress(bytes(500_000_000)))),
    _attack("PNG of 500,000 empty chunks", "png", lambda: png(28, 28, before=chunk(b"teXt") * 500_000)),
    _attack("JPEG of 100,000 markers", "jpeg", _markers_jpeg),
    _attack("JPEG of 1,000 scans more, 4 MP", "jpeg", _scans_jpeg, short=False),
    _attack("TIFF of 64,700 tags", "tiff", _many_tags_tiff),
    _attack("TIFF of 60,000 tags of 1 MB in one place", "tiff", partial(_overlapping_tiff, 60_000, 10**6)),
    _attack("PNG with EXIF data like that", "png", _exif_png, statuses=refused(200, 422)),
    _attack("JPEG with EXIF data of 400 tags in one place", "jpeg", _exif_jpeg),
    _attack("TIFF of 3,000,000 strips", "tiff", partial(_strips_tiff, 3_000_000)),
    _attack("GIF with a comment of 25 MB", "gif", _comments_gif),
    _attack("GIF of 3,000,000 empty comments", "gif", _extensions_gif),
    _attack("BMP packed in 9,000,000 runs", "bmp", partial(_runs_bmp, 9_000_000)),
    _attack("BMP packed in 400,000 runs", "bmp", partial(_runs_bmp, 400_000)),
    _attack("TIFF whose directory is its own next", "tiff", _looping_tiff),
    _attack(
        "TIFF with a tag of 2³² values", "tiff", lambda: _plain_tiff(28, 28, (270, 2, 2**32 - 1, 8), behind=bytes(784))
    ),
    _attack("TIFF with 2³² strips", "tiff", lambda: _plain_tiff(28, 28, (273, 4, 2**32 - 1, 8), behind=bytes(784))),
    _attack(
        "TIFF of an unknown compression", "tiff", lambda: _plain_tiff(28, 28, (259, 3, 1, 50_000), behind=bytes(784))
    ),
    _attack(
        "TIFF of 65,535 samples a pixel", "tiff", lambda: _plain_tiff(28, 28, (277, 3, 1, 65535), behind=bytes(784))
    ),
    Attack(
        "correction with a picture of 50 MP",
        lambda: asked("/feedback?label=7", blank(_SIDE, kind=6), "image/png"),
        _UNREAD,
        **_COSTLY,
    ),
)
