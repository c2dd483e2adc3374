"""Changes to pictures by their parts: a PNG's chunks with right checksums, segments of a JPEG, fields of a TIFF."""

import struct
import zlib
from collections.abc import Callable
from random import Random
from typing import Final

from fuzz.mutators import plain

_PNG: Final = b"\x89PNG\r\n\x1a\n"

_KINDS: Final = (
    b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"tEXt", b"zTXt", b"iTXt", b"pHYs", b"acTL", b"fcTL",
    b"fdAT", b"eXIf", b"IDAT", b"IEND",
)  # fmt: skip

_MARKERS: Final = (0xC0, 0xC1, 0xC2, 0xC4, 0xC9, 0xCA, 0xDA, 0xDB, 0xDD, 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE)

_TAGS: Final = (254, 256, 257, 258, 259, 262, 266, 270, 273, 274, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 330,
                338, 339, 347, 530, 34665, 34675, 700)  # fmt: skip

Parts = list[tuple[bytes, bytes]]
"""What a part is called, and what is in it."""


def png(data: bytes, draw: Random) -> bytes:
    """Change a PNG's chunks; their lengths and checksums are right."""
    chunks: Parts = []
    at = len(_PNG)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    if not data.startswith(_PNG) or not chunks or draw.random() < 0.1:
        return plain.mutated(data, draw)
    changed = _changed(chunks, draw, _KINDS, _inside_png)
    return _PNG + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in changed
    )


def _inside_png(kind: bytes, body: bytes, draw: Random) -> bytes:
    if kind == b"IHDR" and len(body) == 13 and draw.random() < 0.8:
        fields = list(struct.unpack(">IIBBBBB", body))
        at = draw.randrange(7)
        fields[at] = draw.randrange(1, 65) if at < 2 and draw.random() < 0.7 else draw.choice((0, 1, 2, 3, 4, 6, 8, 16))
        return struct.pack(">IIBBBBB", *fields)
    if kind in (b"IDAT", b"iCCP", b"zTXt") and draw.random() < 0.7:
        head, packed = (b"", body) if kind == b"IDAT" else (body[: body.find(b"\0") + 2], body[body.find(b"\0") + 2 :])
        try:
            return head + zlib.compress(plain.mutated(zlib.decompressobj().decompress(packed, 2**16), draw), 1)
        except zlib.error:
            pass
    return plain.mutated(body, draw)


def jpeg(data: bytes, draw: Random) -> bytes:
    """Change a JPEG's segments; their lengths are right."""
    segments: Parts = []
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        length = max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
        segments.append((data[at : at + 2], data[at + 4 : at + 2 + length]))
        at += 2 + length
    if not segments or draw.random() < 0.15:
        return plain.mutated(data, draw)
    kinds = tuple(bytes((0xFF, marker)) for marker in _MARKERS)
    changed = _changed(segments, draw, kinds, lambda _kind, body, draw: plain.mutated(body, draw))
    head = b"".join(kind + struct.pack(">H", min(65535, len(body) + 2)) + body[:65533] for kind, body in changed)
    rest = plain.mutated(data[at:], draw) if draw.random() < 0.2 else data[at:]
    return b"\xff\xd8" + head + rest


def webp(data: bytes, draw: Random) -> bytes:
    """Change a WebP's chunks; their lengths are right."""
    chunks: Parts = []
    at = 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        chunks.append((data[at : at + 4], data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    if not chunks or draw.random() < 0.15:
        return plain.mutated(data, draw)
    kinds = (b"VP8 ", b"VP8L", b"VP8X", b"ANIM", b"ANMF", b"ALPH", b"ICCP", b"EXIF", b"XMP ")
    changed = _changed(chunks, draw, kinds, lambda _kind, body, draw: plain.mutated(body, draw))
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(part)) + part + b"\0" * (len(part) % 2) for kind, part in changed
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _changed(
    parts: Parts, draw: Random, kinds: tuple[bytes, ...], inside: Callable[[bytes, bytes, Random], bytes]
) -> Parts:
    """Change parts in one to three places: what is in one, its name, its place, or how often it is there."""
    for _ in range(draw.randint(1, 3)):
        at, way = draw.randrange(len(parts)), draw.random()
        kind, body = parts[at]
        if way < 0.5:
            parts[at] = (kind, inside(kind, body, draw))
        elif way < 0.6:
            parts[at] = (draw.choice(kinds), body)
        elif way < 0.75:
            parts.insert(at, (draw.choice(kinds), body if draw.random() < 0.5 else draw.randbytes(draw.randrange(40))))
        elif way < 0.9:
            parts[at:at] = [parts[draw.randrange(len(parts))]] * draw.choice((1, 1, 3, 30))
        elif len(parts) > 1:
            del parts[at]
    return parts[:400]


def tiff(data: bytes, draw: Random) -> bytes:
    """Change fields of a TIFF's first directory, or what is behind them."""
    order = "<" if data[:2] == b"II" else ">"
    if len(data) < 14 or draw.random() < 0.2:
        return plain.mutated(data, draw)
    (at,) = struct.unpack_from(f"{order}I", data, 4)
    if at + 14 > len(data):
        return plain.mutated(data, draw)
    (count,) = struct.unpack_from(f"{order}H", data, at)
    changed = bytearray(data)
    for _ in range(draw.randint(1, 3)):
        field = at + 2 + 12 * draw.randrange(max(1, min(count, 40)))
        if field + 12 > len(data):
            break
        way = draw.randrange(4)
        if way == 0:
            struct.pack_into(f"{order}H", changed, field, draw.choice(_TAGS))
        elif way == 1:
            struct.pack_into(f"{order}H", changed, field + 2, draw.randrange(19))
        else:
            value = draw.choice(
                (draw.randrange(65), draw.randrange(len(data) + 20), 5, 7, 8, 32773, 2**16, 2**31, 2**32 - 1)
            )
            struct.pack_into(f"{order}I", changed, field + 4 * (way - 1), value)
    return bytes(changed)


def bmp(data: bytes, draw: Random) -> bytes:
    """Change a field in a BMP's header, or anything."""
    if len(data) < 54 or draw.random() < 0.4:
        return plain.mutated(data, draw)
    at, size = draw.choice(((2, 4), (10, 4), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2), (30, 4), (34, 4), (46, 4)))
    usual = (0, 1, 2, 3, 4, 8, 12, 16, 24, 32, 40, 54, 64, 108, 124, 2**16, 2**31, 2**32 - 28)
    value = draw.choice(usual) % 256**size
    return data[:at] + value.to_bytes(size, "little") + data[at + size :]
