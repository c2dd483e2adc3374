"""One encoded picture's bytes → an upright, opaque picture, grey or RGB. What a network wants of it: mlp/prepare.py.

The bytes come from strangers. Whatever Pillow thinks of them, the caller sees a picture or a PictureError.
"""

import contextlib
import io
import threading
import warnings
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from mlp import parts, shrinking, transparency
from mlp.errors import NotAPicture, PictureError, PictureTooLarge, TruncatedPicture

# Named here and not found by Pillow when first needed: imports in a request's thread would cost the first client 30 ms.
FORMATS: Final = (
    PngImagePlugin.PngImageFile.format,
    JpegImagePlugin.JpegImageFile.format,
    WebPImagePlugin.WebPImageFile.format,
    BmpImagePlugin.BmpImageFile.format,
    GifImagePlugin.GifImageFile.format,
    TiffImagePlugin.TiffImageFile.format,
)

# Pillow's own limit is one number for the whole process; here the caller gives it, picture by picture.
Image.MAX_IMAGE_PIXELS = None

# Pillow warns of odd metadata, and reads on; nobody is there to be warned. Not by `catch_warnings` in each call:
# that changes the filters of all threads.
warnings.filterwarnings("ignore", module=r"PIL\.")

_ORIENTATION = 0x0112
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each value of the EXIF tag Orientation (Exif 2.32, section 4.6.4)."""


_ONE_LARGE: Final = threading.Lock()
"""Held while a large picture is decoded: one may take 4 bytes a pixel, and threads could have several at a time."""


def decode(
    data: bytes, *, max_pixels: int, longest: int | None = None, before: Callable[[int], object] = id
) -> Image.Image:
    """Give one encoded picture as a picture of mode "L" or "RGB": its first frame, upright, without transparency.

    Its size is checked before anything is decoded; `before` is told its pixels then, and may raise. A JPEG may come at
    a half, a quarter or an eighth of its size where `longest` is given, and any picture smaller that is very large, its
    longer side never below that. Raises NotAPicture, TruncatedPicture, PictureTooLarge.
    """
    try:
        image = _open(data, max_pixels)
        before(image.width * image.height)
        if longest is not None:
            _draft(image, longest)
        with _ONE_LARGE if shrinking.is_large(image) else contextlib.nullcontext():
            image.load()
            small = image if longest is None else shrinking.smaller(image, longest, _eight_bit)
            return _upright(transparency.opaque(_eight_bit(small)), image)
    except PictureError:
        raise
    except Exception as error:  # hostile bytes have made Pillow raise nearly every built-in exception
        raise _named(data, error) from error


def taken(image: Image.Image) -> Image.Image:
    """Give a picture that Pillow has opened as `decode` gives one. Raises NotAPicture, TruncatedPicture."""
    if min(image.size) < 1:
        raise NotAPicture(f"the picture is {image.width}×{image.height} pixels: there is nothing in it")
    try:
        image.load()
        return _upright(transparency.opaque(_eight_bit(image)), image)
    except Exception as error:  # its file is read only now, and may be anything
        kind = TruncatedPicture if "truncated" in str(error) else NotAPicture
        raise kind(f"the picture cannot be read: {error}") from error


def _open(data: bytes, max_pixels: int) -> ImageFile.ImageFile:
    parts.check(data, max_pixels)
    image = Image.open(io.BytesIO(data), formats=[name for name in FORMATS if name])
    width, height = image.size
    most = max_pixels // 2 if image.format == "WEBP" else max_pixels  # its decoder needs 16 bytes a pixel, others 4
    if width * height > most:
        raise PictureTooLarge(
            f"the picture is {width}×{height} = {width * height} pixels, the most is {most}; send it smaller"
        )
    if min(width, height) < 1:
        raise NotAPicture(f"the picture is {width}×{height} pixels: there is nothing in it")
    return image


def _draft(image: ImageFile.ImageFile, longest: int) -> None:
    """Let a JPEG decoder that works by blocks of 8×8 give smaller blocks; other formats do not know this."""
    scale = max(image.size) / longest
    if scale >= 2:
        image.draft(None, (int(image.width / scale), int(image.height / scale)))


def _upright(image: Image.Image, source: Image.Image) -> Image.Image:
    """Turn `image` as the metadata of `source` say; damaged metadata say nothing."""
    if not _has_plain_exif(source):
        return image
    try:
        turn = _UPRIGHT.get(source.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - as in decode, but the picture itself is fine
        return image
    return image if turn is None else image.transpose(turn)


def _has_plain_exif(source: Image.Image) -> bool:
    """Whether EXIF data are there to be read, or none; a PNG may have them as text, in hexadecimal."""
    exif, text = source.info.get("exif"), source.info.get("Raw profile type exif")
    if exif is None and isinstance(text, str):
        try:
            exif = bytes.fromhex("".join(text.split("\n")[3:]))
        except ValueError:
            return False
    return exif is None or parts.is_plain(exif.removeprefix(b"Exif\0\0"))


def _eight_bit(image: Image.Image) -> Image.Image:
    """Give a picture of any of Pillow's modes in one with 8 bits a channel: L, LA, RGB or RGBA."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _scaled(image)
    if image.mode == "LAB":
        return image.getchannel("L")
    alpha = image.has_transparency_data
    if image.mode in {"L", "RGB"} and not alpha:
        return image
    if image.mode in {"1", "L", "LA", "La"}:
        return image.convert("LA" if alpha else "L")
    return image.convert("RGBA" if alpha else "RGB")


def _scaled(image: Image.Image) -> Image.Image:
    """Give a grey picture of 16-bit, 32-bit or float values in 8 bits, and what a PNG calls transparent in it."""
    values = np.asarray(image).astype(np.float32)  # (height, width)
    values[~np.isfinite(values)] = 0
    low = min(0.0, float(values.min()))
    grey = Image.fromarray(((values - low) * (255 / _full_scale(image, values - low)) + 0.5).astype(np.uint8))
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return grey
    alpha = Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8))
    return Image.merge("LA", (grey, alpha))


def _full_scale(image: Image.Image, values: npt.NDArray[np.float32]) -> float:
    """Give the value that stands for white.

    A PNG's is what its format says. A TIFF's can be anything that its camera or scanner counts to, and the file need
    not say so: it is taken as the least of the usual ones that no value is above.
    """
    if image.format == "PNG":
        return 65535.0
    top = float(values.max())
    usual = (1.0, 255.0, 4095.0, 65535.0) if image.mode == "F" else (255.0, 4095.0, 65535.0)
    return next((scale for scale in usual if top <= scale), top)


def _named(data: bytes, error: Exception) -> PictureError:
    """Give the error of this package that says what is wrong with bytes that Pillow could not read."""
    if isinstance(error, MemoryError):
        return PictureTooLarge("the picture needs more memory than there is")
    for name, (signature, cut_short) in _ENDS.items():
        if data.startswith(signature):
            if cut_short(data) or "truncated" in str(error):
                return TruncatedPicture(f"the {name} ends before the picture does; was it sent whole?")
            return NotAPicture(f"the {name} is damaged: {error}")
    if not data:
        return NotAPicture("there are no bytes where a picture was expected")
    return NotAPicture(f"these {len(data)} bytes are no picture; known are {', '.join(map(str, FORMATS))}")


def _size_field(at: int, more: int) -> Callable[[bytes], bool]:
    """Give a test whether the bytes are fewer than their own header counts: a little-endian field, and `more`."""
    return lambda data: len(data) < at + 4 or len(data) < int.from_bytes(data[at : at + 4], "little") + more


_ENDS: Final[dict[str, tuple[bytes | tuple[bytes, ...], Callable[[bytes], bool]]]] = {
    "PNG": (b"\x89PNG", lambda data: b"IEND" not in data[-64:]),
    "JPEG": (b"\xff\xd8", lambda data: b"\xff\xd9" not in data[-64:]),
    "WebP": (b"RIFF", _size_field(4, 8)),
    "BMP": (b"BM", _size_field(2, 0)),
    "GIF": (b"GIF8", lambda data: b";" not in data[-2:]),
    "TIFF": ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), lambda data: len(data) < 16),
}
"""By format how its bytes begin, and whether its end is missing; asked only when the picture could not be read."""
