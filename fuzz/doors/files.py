"""Version files, as an admin's client sends them, and compressed bodies."""

import gzip as gzip_format
import io
import zlib
from functools import cache
from typing import Final

import numpy as np

from fuzz.door import REFUSALS, Door
from fuzz.doors.reading import VERSION
from fuzz.mutators import archive, plain
from mlp import version_file
from mlp.network import Layer
from service import content_encoding

_LIMIT: Final = 2**20


def _npz(data: bytes) -> None:
    """Read a version file, and what it says of itself; one that is taken must give finite scores."""
    try:
        version_file.metadata_in(io.BytesIO(data))
    except REFUSALS:
        pass
    version = version_file.unpack(data)
    if not np.isfinite(version.scores(version.golden_inputs)).all():
        raise AssertionError("scores that are not finite")


@cache
def _versions() -> list[bytes]:
    draw = np.random.default_rng(0)
    layer = Layer(draw.normal(0, 0.1, (16, 3)).astype("f4"), np.zeros(3, "f4"), "softmax")
    spec = VERSION.metadata.input.model_copy(update={"height": 4, "width": 4})
    about = VERSION.metadata.model_copy(
        update={"sizes": (16, 3), "activations": ("softmax",), "labels": tuple("abc"), "input": spec}
    )
    return [version_file.pack(about, [layer], draw.integers(0, 256, (2, 4, 4), dtype=np.uint8))]


def _gzip(data: bytes) -> None:
    """Decompress a body as each of the encodings that are read."""
    name = "gzip" if data[:1] == b"\x1f" else "deflate"
    if len(content_encoding.decoded(data, name, _LIMIT)) > _LIMIT:
        raise AssertionError("more than the limit")


def _packed() -> list[bytes]:
    texts = [b'{"instances": []}', bytes(2**21), b""]
    return [gzip_format.compress(text, mtime=0) for text in texts] + [zlib.compress(text) for text in texts]


_NPY_WORDS: Final = (
    b"'<f4'",
    b"'|O'",
    b"'<U999'",
    b"(16, 3)",
    b"(3,)",
    b"(-1,)",
    b"NaN",
    b'"version": 2',
    b"\\ud800",
    b"\0",
)

DOORS: Final = {
    "npz": Door(_npz, _versions, archive.members(plain.with_words(_NPY_WORDS)), 100_000),
    "gzip": Door(_gzip, _packed, archive.gzip, 100_000),
}
