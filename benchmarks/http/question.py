"""What is asked: bodies of one and of many pictures, in a folder of files that wrk reads."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from mlp.arrays import Uint8


@dataclass(frozen=True, slots=True)
class Question:
    """One kind of request."""

    name: str
    content_type: str
    pictures: int
    body: Callable[[Uint8], bytes]
    """Makes it of pixels (n, 28, 28)."""

    def write(self, folder: Path, pixels: Uint8) -> Path:
        """Write the body to a file."""
        path = folder / self.name.replace(" ", "-")
        path.write_bytes(self.body(pixels[: self.pictures]))
        return path


def _json(pixels: Uint8) -> bytes:
    flat = pixels.reshape(len(pixels), -1).tolist()
    return json.dumps({"pixels": flat[0] if len(flat) == 1 else flat}).encode()


def _png(pixels: Uint8) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels[0]).save(stream, "PNG")
    return stream.getvalue()


def _npy(pixels: Uint8) -> bytes:
    stream = io.BytesIO()
    np.save(stream, pixels)
    return stream.getvalue()


_RAW: Final = "application/octet-stream"

QUESTIONS: Final = (
    Question("one, JSON", "application/json", 1, _json),
    Question("one, PNG", "image/png", 1, _png),
    Question("one, raw", _RAW, 1, lambda pixels: pixels.tobytes()),
    Question("256, JSON", "application/json", 256, _json),
    Question("256, raw", _RAW, 256, lambda pixels: pixels.tobytes()),
    Question("4096, raw", _RAW, 4096, lambda pixels: pixels.tobytes()),
    Question("4096, npy", "application/x-npy", 4096, _npy),
)
