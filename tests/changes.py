"""Changes to a drawing that leave what it shows, and the share of drawings whose label has to stay the same.

`python -m tests.changes` prints the table of docs/preparation.md; tests/unit/test_same_label.py holds the shares.
"""

import gzip
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter, ImageOps

import mlp
from mlp.errors import PictureError
from mlp.model import Model
from tests.drafts import ROOT

PICTURES = 60
"""The first of MNIST's test set, each enlarged six times and drawn dark on a white sheet of 220 × 240."""

ORIENTATION = 0x0112
TURNED = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
"""How the pixels must lie for the EXIF value to bring them upright."""


@dataclass(frozen=True)
class Change:
    """What is done to a drawing (mode L), and how much of the labels must stay."""

    make: Callable[[Image.Image], bytes]
    at_least: float


def encoded(image: Image.Image, form: str = "PNG", **how) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **how)
    return file.getvalue()


def drawing(digit: np.ndarray) -> Image.Image:
    sheet = Image.new("L", (220, 240), 255)
    sheet.paste(ImageOps.invert(Image.fromarray(digit).resize((168, 168), Image.Resampling.BICUBIC)), (26, 36))
    return sheet


def drawings(n: int = PICTURES) -> list[Image.Image]:
    data = gzip.decompress((ROOT / "data/mnist/t10k-images-idx3-ubyte.gz").read_bytes())
    return [drawing(digit) for digit in np.frombuffer(data, np.uint8, offset=16).reshape(-1, 28, 28)[:n]]


def shifted(image: Image.Image, right: int, down: int) -> Image.Image:
    moved = Image.new("L", image.size, 255)
    moved.paste(image, (right, down))
    return moved


def scaled(image: Image.Image, factor: float) -> Image.Image:
    size = (round(image.width * factor), round(image.height * factor))
    return image.resize(size, Image.Resampling.BICUBIC if factor > 1 else Image.Resampling.BOX)


def turned_by_exif(image: Image.Image, value: int) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = value
    return encoded(image.transpose(TURNED[value]), "JPEG", quality=95, exif=exif)


def on_nothing(image: Image.Image) -> Image.Image:
    """Black ink on a transparent sheet."""
    sheet = Image.new("LA", image.size, (0, 0))
    sheet.putalpha(ImageOps.invert(image))
    return sheet


def grained(image: Image.Image, sigma: float) -> Image.Image:
    noise = np.random.default_rng(0).normal(0, sigma, (image.height, image.width))
    return Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))


def of_16_bits(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image).astype(np.uint16) * 257)


def paler(image: Image.Image, ink: int, paper: int) -> Image.Image:
    return image.point([round(ink + (paper - ink) * level / 255) for level in range(256)])


CHANGES = {
    "as TIFF": Change(lambda d: encoded(d, "TIFF"), 1),
    "as BMP": Change(lambda d: encoded(d, "BMP"), 1),
    "as GIF": Change(lambda d: encoded(d, "GIF"), 1),
    "as WebP, lossless": Change(lambda d: encoded(d, "WEBP", lossless=True), 1),
    "as WebP, quality 80": Change(lambda d: encoded(d, "WEBP", quality=80), 0.98),
    "as JPEG, quality 95": Change(lambda d: encoded(d, "JPEG", quality=95), 0.98),
    "as JPEG, quality 80": Change(lambda d: encoded(d, "JPEG", quality=80), 0.98),
    "RGB": Change(lambda d: encoded(d.convert("RGB")), 1),
    "palette": Change(lambda d: encoded(d.convert("P")), 0.98),
    "CMYK, as TIFF": Change(lambda d: encoded(d.convert("CMYK"), "TIFF"), 0.98),
    "16 bits": Change(lambda d: encoded(of_16_bits(d)), 1),
    "with an opaque alpha channel": Change(lambda d: encoded(d.convert("LA")), 1),
    "ink on a transparent sheet": Change(lambda d: encoded(on_nothing(d)), 0.98),
    "turned by 90° and back by EXIF": Change(lambda d: turned_by_exif(d, 6), 0.98),
    "turned by 180° and back by EXIF": Change(lambda d: turned_by_exif(d, 3), 0.98),
    "turned by 270° and back by EXIF": Change(lambda d: turned_by_exif(d, 8), 0.98),
    "shifted by 20 to the right": Change(lambda d: encoded(shifted(d, 20, 0)), 0.98),
    "shifted by 25 to the left, 30 up": Change(lambda d: encoded(shifted(d, -25, -30)), 0.98),
    "white added around, 60 wide": Change(lambda d: encoded(ImageOps.expand(d, 60, 255)), 0.98),
    "a black frame around, 6 wide": Change(lambda d: encoded(ImageOps.expand(d, 6, 0)), 0.98),
    "scaled to a half": Change(lambda d: encoded(scaled(d, 0.5)), 0.98),
    "scaled to three quarters": Change(lambda d: encoded(scaled(d, 0.75)), 0.98),
    "scaled by 1.5": Change(lambda d: encoded(scaled(d, 1.5)), 0.98),
    "scaled by 4": Change(lambda d: encoded(scaled(d, 4)), 0.98),
    "inverted": Change(lambda d: encoded(ImageOps.invert(d)), 0.98),
    "paler: 100 on 230": Change(lambda d: encoded(paler(d, 100, 230)), 0.98),
    "inverted and paler: 180 on 40": Change(lambda d: encoded(paler(d, 180, 40)), 0.98),
    "noise, σ 4": Change(lambda d: encoded(grained(d, 4)), 0.98),
    "noise, σ 12": Change(lambda d: encoded(grained(d, 12)), 0.98),
    "blurred, radius 2": Change(lambda d: encoded(d.filter(ImageFilter.GaussianBlur(2))), 0.98),
}


def label(model: Model, picture: bytes) -> str:
    """What the model reads, or why it reads nothing."""
    try:
        return model.predict(picture).labels[0]
    except PictureError as error:
        return str(error)


def share(model: Model, change: Change, sheets: list[Image.Image], expected: list[str]) -> float:
    """Give the share of the sheets that get the same label after the change; each is a copy, as Pillow notes things."""
    found = [label(model, change.make(sheet.copy())) for sheet in sheets]
    return sum(a == b for a, b in zip(found, expected, strict=True)) / len(sheets)


def main() -> None:
    """Print the table, on five times as many drawings as the test has."""
    model = mlp.load(ROOT / "models/digits")
    sheets = drawings(5 * PICTURES)
    expected = [label(model, encoded(sheet)) for sheet in sheets]
    sys.stdout.write("| change | same label, % | the test asks for |\n|---|---:|---:|\n")
    for name, change in CHANGES.items():
        kept = share(model, change, sheets, expected)
        sys.stdout.write(f"| {name} | {100 * kept:.1f} | {100 * change.at_least:.0f} |\n")


if __name__ == "__main__":
    main()
