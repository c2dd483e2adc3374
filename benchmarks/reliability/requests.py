"""What is asked in these measurements, as the bytes that go over the connection."""

import io
import json
from collections.abc import Mapping
from typing import Final

import numpy as np
from PIL import Image

from training import datasets

_PHOTOGRAPH: Final = (480, 640)
_SIDE: Final = 280


def post(body: bytes, kind: str, *, path: str = "/predict", headers: Mapping[str, str] | None = None) -> bytes:
    """Write a request."""
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def raw() -> bytes:
    """Ask for one digit by its pixels' bytes."""
    return post(_digits(1).tobytes(), "application/octet-stream")


def numbers(pictures: int = 1) -> bytes:
    """Ask for digits by lists of numbers."""
    flat = _digits(pictures).reshape(pictures, -1).tolist()
    body = json.dumps({"pixels": flat[0] if pictures == 1 else flat})
    return post(body.encode(), "application/json")


def photograph() -> bytes:
    """Ask for a digit on paper, 640 × 480 in colour with a camera's noise, as PNG."""
    rng = np.random.default_rng(0)
    height, width = _PHOTOGRAPH
    paper = np.full((height, width), 215.0) - np.linspace(0, 40, width)
    ink = np.asarray(Image.fromarray(_digits(1)[0]).resize((_SIDE, _SIDE)), np.float64)
    top, left = (height - _SIDE) // 2, (width - _SIDE) // 2
    paper[top : top + _SIDE, left : left + _SIDE] -= ink * 0.6
    pixels = np.clip(paper[..., None] + rng.normal(0, 3, (height, width, 3)), 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return post(stream.getvalue(), "image/png")


def _digits(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    test = datasets.load("mnist").test
    if test is None:
        raise LookupError("MNIST has its test set in data/mnist")
    return test.images[:count]
