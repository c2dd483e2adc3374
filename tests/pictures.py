"""Encoded pictures and arrays, as a client would send them."""

import base64
import io

import numpy as np
from PIL import Image


def encoded(pixels: np.ndarray, form: str = "PNG", **how) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **how)
    return file.getvalue()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def a_stroke(height: int = 200, width: int = 160) -> np.ndarray:
    """A thick dark vertical bar on white: as a digit, a 1."""
    pixels = np.full((height, width), 255, np.uint8)
    pixels[height // 5 : -height // 5, width * 7 // 16 : width * 9 // 16] = 20
    return pixels


def form(*files: bytes, fields: dict[str, str] | None = None, boundary: str = "----frontier") -> tuple[bytes, str]:
    """A multipart/form-data body with each file under a field name of its own, and its content type."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in (fields or {}).items()
    ]
    for index, data in enumerate(files):
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="f{index % 2}"; filename="{index}.png"\r\n'
        parts.append(head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + data + b"\r\n")
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
