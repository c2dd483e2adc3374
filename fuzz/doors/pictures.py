"""Pictures, format by format: decoded as for /predict and for /feedback; and drawings of any pixels, prepared."""

import io
from random import Random
from typing import Any, Final

import numpy as np
from PIL import Image

from fuzz.door import Door, Mutator
from fuzz.doors.reading import MAX_PIXELS
from fuzz.mutators import pictures, plain
from mlp import picture, prepare
from service import kept_picture

_LONGEST: Final = 64
"""As prepare's, for pictures as small as these: a JPEG of twice that is decoded smaller."""


def _decoded(data: bytes) -> None:
    image = picture.decode(data, max_pixels=MAX_PIXELS, longest=_LONGEST)
    if image.mode not in ("L", "RGB"):
        raise AssertionError(f"a picture of mode {image.mode}")
    prepare.fit(image, 28, 28)
    if image.width * image.height <= 64 * 64:
        kept_picture.kept(data, max_pixels=MAX_PIXELS)


def _prepared(data: bytes) -> None:
    """Prepare a drawing: its width and height less 1, whether it has colours, and then its pixels, as often as needed."""
    if len(data) < 4:
        return
    width, height, mode = 1 + data[0] % 64, 1 + data[1] % 64, "L" if data[2] % 2 else "RGB"
    size = width * height * len(mode)
    pixels = (data[3:] * (size // len(data[3:]) + 1))[:size]
    image = Image.frombytes(mode, (width, height), pixels)
    found = prepare.digit(image, 28, 28)
    if found.shape != (28, 28) or found.dtype != np.uint8:
        raise AssertionError(f"prepared: {found.dtype} of shape {found.shape}")


def _drawing(mode: str = "L", size: tuple[int, int] = (20, 16)) -> Image.Image:
    image = Image.new("L", size, 250)
    image.paste(20, (8, 2, 11, 14))
    return image.convert(mode)


def _saved(form: str, image: Image.Image, **how: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **how)
    return file.getvalue()


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def _png() -> list[bytes]:
    modes = [_saved("PNG", _drawing(mode)) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")]
    clear = [_saved("PNG", _drawing("P"), transparency=1), _saved("PNG", _drawing("RGB"), transparency=(250, 250, 250))]
    profile = _saved("PNG", _drawing(), icc_profile=b"profile" * 20, exif=_exif(6), dpi=(72, 72))
    frames = _saved("PNG", _drawing(), save_all=True, append_images=[_drawing()], duration=10)
    return [*modes, *clear, profile, frames]


def _jpeg() -> list[bytes]:
    modes = [_saved("JPEG", _drawing(mode)) for mode in ("L", "RGB", "CMYK")]
    turned = _saved("JPEG", _drawing(), exif=_exif(8), icc_profile=b"profile", comment=b"of no use")
    large = _saved("JPEG", _drawing("RGB", (200, 160)), quality=20, restart_marker_blocks=4)
    return [*modes, turned, large, _saved("JPEG", _drawing("RGB"), progressive=True, optimize=True)]


def _webp() -> list[bytes]:
    plain_ones = [_saved("WEBP", _drawing("RGB")), _saved("WEBP", _drawing("RGBA"), lossless=True, exif=_exif(3))]
    return [*plain_ones, _saved("WEBP", _drawing("RGB"), save_all=True, append_images=[_drawing("RGBA")])]


def _bmp() -> list[bytes]:
    return [_saved("BMP", _drawing(mode)) for mode in ("1", "L", "P", "RGB", "RGBA")]


def _gif() -> list[bytes]:
    frames = [_drawing(), _drawing().transpose(Image.Transpose.ROTATE_180)]
    moving = _saved("GIF", frames[0], save_all=True, append_images=frames[1:], loop=0, comment=b"x")
    return [_saved("GIF", _drawing()), _saved("GIF", _drawing("P"), transparency=1, interlace=1), moving]


def _tiff() -> list[bytes]:
    modes = [_saved("TIFF", _drawing(mode)) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F")]
    packed = [_saved("TIFF", _drawing("1" if "group" in way else "RGB"), compression=way) for way in _COMPRESSIONS]
    pages = _saved("TIFF", _drawing(), save_all=True, append_images=[_drawing("RGB")])
    return [*modes, *packed, pages, _saved("TIFF", Image.new("LAB", (8, 8)))]


_COMPRESSIONS: Final = ("tiff_lzw", "tiff_adobe_deflate", "packbits", "group3", "group4", "jpeg")


def _drawings() -> list[bytes]:
    pixels = _drawing().tobytes()
    return [bytes((19, 15, 1)) + pixels, bytes((19, 15, 1)) + bytes(255 - value for value in pixels), bytes(1000)]


def _redrawn(data: bytes, draw: Random) -> bytes:
    """Change a drawing: a line in it, or anything."""
    if len(data) < 20 or draw.random() < 0.5:
        return plain.mutated(data, draw)
    width, changed = 1 + data[0] % 64, bytearray(data)
    at, step, value = draw.randrange(3, len(data)), draw.choice((1, width, width + 1, width - 1)), draw.randrange(256)
    for place in range(at, min(len(data), at + 20 * max(step, 1)), max(step, 1)):
        changed[place] = value
    return bytes(changed)


_GIF_WORDS: Final = (
    b"GIF87a", b"GIF89a", b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0", b"!\xf9\x04\x01\n\0\0\0", b"!\xfe\x01x\0", b"!\x01",
    b",\0\0\0\0\x14\0\x10\0\x00\x08", b",\0\0\0\0\x14\0\x10\0\xc7", b"\0;", b"\x02\x02D\x01\0",
)  # fmt: skip


def _door(seeds: Any, mutated: Mutator) -> Door:
    return Door(_decoded, seeds, mutated, 60_000)


DOORS: Final = {
    "png": _door(_png, pictures.png),
    "jpeg": _door(_jpeg, pictures.jpeg),
    "webp": _door(_webp, pictures.webp),
    "bmp": _door(_bmp, pictures.bmp),
    "gif": _door(_gif, plain.with_words(_GIF_WORDS)),
    "tiff": _door(_tiff, pictures.tiff),
    "drawing": Door(_prepared, _drawings, _redrawn, 3_000),
}
