"""What becomes more when it is unpacked: gzip, deflate, version files, which only an admin's client may send."""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any, Final

from fuzz.attacks.attack import TOKEN, Attack, asked, refused

_BAD: Final = refused(400, 413, 415, 422)

_UPLOAD: Final = "/models/digits/versions"


def _packed(body: bytes, encoding: str, path: str = "/invocations") -> bytes:
    return asked(path, body, "application/json", headers={"Content-Encoding": encoding})


def _nested(times: int) -> bytes:
    data = bytes(300_000_000)
    for _ in range(times):
        data = gzip.compress(data, mtime=0)
    return data


def _upload(data: bytes) -> bytes:
    return asked(_UPLOAD, data, "application/octet-stream", headers={"Authorization": f"Bearer {TOKEN}"})


def _zip(*members: tuple[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, how)
    return file.getvalue()


def _npy(size: int, kind: bytes = b"|u1", shape: bytes = b"") -> bytes:
    head = b"{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (kind, shape or b"(%d,)" % size)
    return b"\x93NUMPY\1\0" + struct.pack("<H", 118) + head.ljust(117) + b"\n" + bytes(size)


def _lying(field: int, form: str, value: int) -> Callable[[], bytes]:
    """Give a zip whose directory says something else of its member: at an offset in the entry."""

    def made() -> bytes:
        data = bytearray(_zip(("metadata.npy", bytes(50_000_000))))
        struct.pack_into(form, data, data.rindex(b"PK\1\2") + field, value)
        return bytes(data)

    return made


def _zip64() -> bytes:
    """Give a zip whose member says in a zip64 field that it has 2⁶³ bytes."""
    data = bytearray(_zip(("metadata.npy", b"x")))
    at = data.rindex(b"PK\1\2")
    extra = struct.pack("<HHQ", 1, 8, 2**63 - 1)
    struct.pack_into("<I", data, at + 24, 2**32 - 1)
    struct.pack_into("<H", data, at + 30, len(extra))
    end = at + 46 + len("metadata.npy")
    data[end:end] = extra
    directory = data.rindex(b"PK\5\6")
    struct.pack_into("<I", data, directory + 12, directory - at)
    return bytes(data)


def _overlapping() -> bytes:
    """Give a zip of 60,000 members in its directory, which are all the same one."""
    data = _zip(("metadata.npy", bytes(4000)))
    at, end = data.rindex(b"PK\1\2"), data.rindex(b"PK\5\6")
    entries = b"".join(data[at : at + 46] + b"%08d.npy" % number for number in range(60_000))
    tail = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 60_000, 60_000, len(entries), at, 0)
    return data[:at] + entries + tail + data[end + 22 :]


def _members(count: int) -> bytes:
    return _zip(*((f"W{number}.npy", b"") for number in range(count)), how=zipfile.ZIP_STORED)


def _uploaded(name: str, made: Callable[[], bytes], **how: Any) -> Attack:
    return Attack(name, lambda: _upload(made()), _BAD, **how)


_MOST: Final[dict[str, Any]] = {
    "why": "up to the 256 MB that a version may have, for who has an admin token", "seconds": 4.0, "mb": 600.0,
    "short": False,
}  # fmt: skip

ATTACKS: Final = (
    Attack("gzip of 1 GB in 1 MB", lambda: _packed(gzip.compress(bytes(10**9), 6, mtime=0), "gzip"), _BAD, short=False),
    Attack("deflate of 300 MB in 300 KB", lambda: _packed(zlib.compress(bytes(300_000_000)), "deflate"), _BAD),
    Attack("gzip of 300 MB to /v2", lambda: _packed(_nested(1), "gzip", "/v2/models/digits/infer"), _BAD),
    Attack("gzip in gzip in gzip", lambda: _packed(_nested(3), "gzip"), _BAD),
    Attack("gzip that is said to be so twice", lambda: _packed(_nested(2), "gzip, gzip"), _BAD),
    Attack("gzip of 31 MB of [", lambda: _packed(gzip.compress(b"[" * 31_000_000), "gzip"), _BAD),
    Attack("gzip of 100,000 empty members", lambda: _packed(gzip.compress(b"", mtime=0) * 100_000, "gzip"), _BAD),
    _uploaded(
        "version of 250 MB in 250 KB",
        lambda: _zip(("metadata.npy", bytes(2**20)), ("W1.npy", _npy(250_000_000))),
        **_MOST,
    ),
    _uploaded(
        "version of four texts of 60 MB", lambda: _zip(*((f"x{n}.npy", bytes(60_000_000)) for n in range(4))), **_MOST
    ),
    _uploaded("version whose metadata is 50 MB", lambda: _zip(("metadata.npy", bytes(50_000_000)))),
    _uploaded("version whose metadata says 1 byte", _lying(24, "<I", 1)),
    _uploaded("version whose metadata says 4 GB", _lying(24, "<I", 2**32 - 2)),
    _uploaded("version whose member is elsewhere", _lying(42, "<I", 2**31)),
    _uploaded("version of 2⁶³ bytes by zip64", _zip64),
    _uploaded("version of 60,000 members in one", _overlapping),
    _uploaded("version of 60,000 members", lambda: _members(60_000), seconds=2.0, why="60,000 members, for an admin"),
    _uploaded("version of bzip2", lambda: _zip(("metadata.npy", bytes(2**20)), how=zipfile.ZIP_BZIP2)),
    _uploaded("version whose text is 2³⁰ letters", lambda: _zip(("metadata.npy", _npy(0, b"<U1073741823", b"()")))),
    _uploaded("version nested 100,000 deep in its JSON", lambda: _zip(("metadata.npy", _npy_text("[" * 100_000)))),
)


def _npy_text(text: str) -> bytes:
    return _npy(0, b"<U%d" % len(text), b"()") + text.encode("utf-32-le")
