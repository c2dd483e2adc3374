"""Changes to what is packed: the members of a zip, what is in a gzip; and the checksums around it are right again."""

import io
import warnings
import zipfile
import zlib
from random import Random

from fuzz.door import Mutator
from fuzz.mutators import plain

_MOST_BYTES = 2**17


def gzip(data: bytes, draw: Random) -> bytes:
    """Change what is in a gzip or zlib stream, whose window its first byte tells, or the stream."""
    window = 31 if data[:1] == b"\x1f" else 15
    if draw.random() < 0.6:
        return plain.mutated(data, draw)
    try:
        content = zlib.decompressobj(window).decompress(data, _MOST_BYTES)
    except zlib.error:
        return plain.mutated(data, draw)
    return zlib.compress(plain.mutated(content, draw), draw.randrange(10), draw.choice((15, 31, -15)))


def members(inside: Mutator) -> Mutator:
    """Give a mutator of zips: their members, by `inside`, their names, their number."""

    def mutate(data: bytes, draw: Random) -> bytes:
        if draw.random() < 0.4:
            return plain.mutated(data, draw)
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                found = [(name, archive.read(name)[:_MOST_BYTES]) for name in archive.namelist()[:20]]
        except Exception:  # noqa: BLE001 - it has been changed before
            return plain.mutated(data, draw)
        return _zipped(_changed(found, draw, inside), draw) if found else plain.mutated(data, draw)

    return mutate


def _changed(found: list[tuple[str, bytes]], draw: Random, inside: Mutator) -> list[tuple[str, bytes]]:
    at, way = draw.randrange(len(found)), draw.random()
    name, body = found[at]
    if way < 0.7:
        found[at] = (name, inside(body, draw))
    elif way < 0.8:
        found.insert(at, (draw.choice(("W1.npy", "metadata.npy", "../x.npy", "x", "b9.npy", name)), body))
    elif way < 0.9:
        found[at] = (draw.choice(found)[0], body)
    else:
        del found[at]
    return found


def _zipped(found: list[tuple[str, bytes]], draw: Random) -> bytes:
    file, how = io.BytesIO(), draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are there twice
        with zipfile.ZipFile(file, "w", how if draw.random() < 0.3 else zipfile.ZIP_STORED) as archive:
            for name, body in found:
                archive.writestr(zipfile.ZipInfo(name), body)
    return file.getvalue()
