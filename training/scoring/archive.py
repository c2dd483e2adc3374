"""Pictures in a zip. Its directory is read once; a job goes to its members by their place, and unpacks one at a time.

Names of members are keys and nothing else: nothing is ever written by them.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, NoReturn

from mlp.metadata import Input
from training.errors import DataError
from training.folder import MAX_FILE_BYTES
from training.scoring.items import Bad, Item, Picture, Rows
from training.scoring.source import Source, Unreadable, is_hidden

_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED: Final = 0x1
"""Bit of a member's flags (APPNOTE.TXT, section 4.4.4)."""
_LOCAL: Final = struct.Struct("<4s22xHH")
"""A member's own header: its signature, and how long the name and the extra field behind it are (section 4.3.7)."""


@dataclass(frozen=True, slots=True)
class Archive(Source):
    """The members of a zip that are not hidden, in the order of its directory."""

    name: str
    path: str

    def items(self, _spec: Input, _largest: int | None) -> Iterator[Item]:
        """Give each member, unread. Raises DataError when it is no whole zip, or has arrays alone."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                infos = [info for info in archive.infolist() if not info.is_dir() and not is_hidden(info.filename)]
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise DataError(f"{self.name} is no whole zip: {error}") from error
        if infos and all(info.filename.endswith(".npy") for info in infos):
            raise DataError(f"{self.name} holds arrays, which are not read from a zip: save them as .npy files")
        for info in infos:
            yield _item(info)

    def encoded(self, pictures: Sequence[Picture]) -> Iterator[bytes | Unreadable]:
        """Give the bytes of each picture, or why they cannot be had. Raises DataError when the zip is gone."""
        try:
            with Path(self.path).open("rb") as file:
                for picture in pictures:
                    yield _tried(file, picture)
        except OSError as error:
            raise DataError(
                f"{self.path} cannot be read here, on a cluster by every worker: {error.strerror or error}"
            ) from error

    def rows(self, _rows: Rows) -> NoReturn:
        """Raise: a zip has no arrays."""
        raise DataError(f"{self.name} is a zip, and has no arrays")


def _item(info: zipfile.ZipInfo) -> Item:
    key, most = info.filename, MAX_FILE_BYTES
    if info.flag_bits & _ENCRYPTED:
        return Bad(key, "the member is encrypted")
    if info.compress_type not in _METHODS:
        return Bad(key, f"the member is packed by method {info.compress_type}, expected stored or deflated")
    if max(info.file_size, info.compress_size) > most:
        return Bad(key, f"the member unpacks to {info.file_size} bytes, the most is {most}")
    if key.endswith(".npy"):
        return Bad(key, "an array, which is not read from a zip")
    return Picture(key, place=(info.header_offset, info.compress_type, info.compress_size, info.file_size, info.CRC))


def _tried(file: IO[bytes], picture: Picture) -> bytes | Unreadable:
    try:
        return _member(file, *picture.place)
    except Unreadable as error:
        return error


def _member(file: IO[bytes], offset: int, method: int, packed: int, size: int, crc: int) -> bytes:
    """Unpack a member, to no more than it says. Raises Unreadable, OSError."""
    file.seek(offset)
    head = file.read(_LOCAL.size)
    signature, name, extra = _LOCAL.unpack(head.ljust(_LOCAL.size, b"\0"))
    if signature != b"PK\3\4":
        raise Unreadable("the zip is damaged: no member is where its directory says")
    file.seek(name + extra, 1)
    data = file.read(packed)
    if method == zipfile.ZIP_DEFLATED:
        try:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, size + 1)
        except zlib.error as error:
            raise Unreadable(f"the member is damaged: {error}") from error
    if len(data) != size or zlib.crc32(data) != crc:
        raise Unreadable("the member is damaged or cut short: it unpacks to something else than it says")
    return data
