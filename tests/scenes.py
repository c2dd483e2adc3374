"""Pictures of digits in many circumstances, and what they are prepared to: a record that only a decision may change.

A network is trained on what the preparation gives, and a version file names the preparation by a word; so what that
word stands for has to stay. `python -m tests.scenes` writes the record, tests/unit/scenes.npz, anew.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from mlp import prepare
from mlp.errors import NoInk
from tests.changes import drawings, encoded
from tests.drafts import ROOT

RECORD = ROOT / "tests/unit/scenes.npz"

MAX_PIXELS = 10_000_000


def _grey(sheet: Image.Image) -> np.ndarray:
    return np.asarray(sheet, np.float32)


def _png(values: np.ndarray) -> bytes:
    return encoded(Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8)))


def _slope(shape: tuple[int, int], left: float, right: float) -> np.ndarray:
    return np.broadcast_to(np.linspace(left, right, shape[1], dtype=np.float32), shape)


def _shadow(shape: tuple[int, int], loss: float, edge: float) -> np.ndarray:
    """Light that falls along a slanted line, within `edge` pixels."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return 1 - loss / (1 + np.exp(np.clip((x + 0.4 * y - 0.7 * shape[1]) / edge, -50, 50)))


def _noise(shape: tuple[int, ...], strength: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, strength, shape).astype(np.float32)


def _inked(sheet: Image.Image, ink: tuple[int, ...], paper: tuple[int, ...]) -> np.ndarray:
    """The sheet in two colours: (height, width, 3)."""
    amount = 1 - _grey(sheet)[..., np.newaxis] / 255
    return (1 - amount) * np.array(paper, np.float32) + amount * np.array(ink, np.float32)


def _on_table(colours: np.ndarray, table: tuple[int, ...], around: int) -> np.ndarray:
    height, width = colours.shape[:2]
    whole = np.full((height + 2 * around, width + 3 * around, 3), table, np.float32)
    whole[around : around + height, 2 * around : 2 * around + width] = colours
    return whole


def _ruled(values: np.ndarray, step: int, dark: float, both: bool) -> np.ndarray:
    values = values.copy()
    values[step // 2 :: step] = np.minimum(values[step // 2 :: step], dark)
    if both:
        values[:, step // 2 :: step] = np.minimum(values[:, step // 2 :: step], dark)
    return values


def _framed(values: np.ndarray, margin: int, width: int, dark: float) -> np.ndarray:
    values = values.copy()
    for side in (slice(margin, margin + width), slice(-margin - width, -margin)):
        values[side, margin:-margin] = dark
        values[margin:-margin, side] = dark
    return values


def _clear(sheet: Image.Image, ink: tuple[int, ...]) -> bytes:
    """Ink on nothing, as a page's canvas gives it."""
    alpha = Image.fromarray(255 - np.asarray(sheet))
    picture = Image.new("RGBA", sheet.size, (*ink, 0))
    picture.putalpha(alpha)
    return encoded(picture)


def _sixteen_bits(sheet: Image.Image, clear: bool) -> bytes:
    values = 65535 - np.asarray(sheet, np.uint16) * 257
    if not clear:
        return encoded(Image.fromarray(values))
    values = np.where(values < 6000, 1234, values)
    return encoded(Image.fromarray(values), transparency=1234)


def _floats(sheet: Image.Image, top: float) -> bytes:
    return encoded(Image.fromarray(_grey(sheet) / 255 * top), "TIFF")


def _palette(sheet: Image.Image, form: str) -> bytes:
    return encoded(sheet.convert("RGB").quantize(16), form)


def _cut(sheet: Image.Image, box: tuple[int, int, int, int]) -> bytes:
    return encoded(sheet.crop(box))


def _on_large(sheet: Image.Image, top: int, left: int) -> np.ndarray:
    values = np.full((1200, 1500), 255, np.float32)
    small = _grey(sheet.resize((88, 96), Image.Resampling.BOX))
    values[top : top + 96, left : left + 88] = small
    return values


def _far_away(sheet: Image.Image) -> bytes:
    table = Image.new("L", (400, 320), 255)
    table.paste(sheet.resize((44, 48), Image.Resampling.BOX), (150, 100))
    return encoded(table)


def _thinned(sheet: Image.Image, times: int) -> Image.Image:
    for _ in range(times):
        sheet = sheet.filter(ImageFilter.MaxFilter(3))
    return sheet


def _two(left: Image.Image, right: Image.Image) -> bytes:
    both = Image.new("L", (left.width + right.width, left.height), 255)
    both.paste(left, (0, 0))
    both.paste(right, (left.width, 0))
    return encoded(both)


def _photograph(colours: np.ndarray, light: np.ndarray, noise: float, quality: int, seed: int) -> bytes:
    lit = colours * light[..., np.newaxis] + _noise(colours.shape, noise, seed)
    return encoded(Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8)), "JPEG", quality=quality)


def scenes() -> dict[str, bytes]:
    """Give the encoded pictures by their names."""
    sheets = iter(drawings(100))
    made: dict[str, bytes] = {}

    def next_sheet() -> Image.Image:
        return next(sheets)

    def grey(name: str, change) -> None:
        made[name] = _png(change(_grey(next_sheet())))

    for kind in ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"):
        how = {"lossless": True} if kind == "WEBP" else {}
        made[f"a sheet, {kind}"] = encoded(next_sheet(), kind, **how)
    grey("light on dark", lambda v: 255 - v)
    grey("faint pencil", lambda v: 255 - (255 - v) * 0.25)
    grey("faint chalk", lambda v: 40 + (255 - v) * 0.2)
    grey("a slope of light", lambda v: v * _slope(v.shape, 1.0, 0.55) + _noise(v.shape, 3, 1))
    grey("a slope of light, the other way", lambda v: v * _slope(v.shape, 0.5, 0.95) + _noise(v.shape, 4, 2))
    grey("a soft shadow", lambda v: v * _shadow(v.shape, 0.35, 18) + _noise(v.shape, 4, 3))
    grey("a hard shadow", lambda v: v * _shadow(v.shape, 0.45, 1.5) + _noise(v.shape, 4, 4))
    grey("a shadow on a dark sheet", lambda v: (255 - v) * 0.7 * _shadow(v.shape, 0.4, 10) + 20 + _noise(v.shape, 4, 5))
    grey("ruled paper", lambda v: _ruled(v * 0.95, 30, 190, both=False))
    grey("squared paper", lambda v: _ruled(v * 0.95, 24, 200, both=True))
    grey("squared paper in a slope of light", lambda v: _ruled(v, 24, 200, both=True) * _slope(v.shape, 1.0, 0.7))
    grey("a printed frame", lambda v: _framed(v, 4, 3, 30))
    grey("a frame at the edge", lambda v: np.pad(v, 6, constant_values=90.0))
    grey("a wide border of one tone", lambda v: np.pad(v, 25, constant_values=128.0))
    grey("noise all over", lambda v: v * 0.8 + 20 + _noise(v.shape, 14, 6))
    grey("specks", lambda v: np.where(np.abs(_noise(v.shape, 1, 7)) > 3.2, 60, v))
    made["a speck larger than others"] = _png(_with_block(_grey(next_sheet()), 6, 6, 7, 7))
    made["a finger in the corner"] = _png(_with_block(_grey(next_sheet()), 170, 160, 70, 60))
    made["hairlines"] = encoded(_thinned(next_sheet(), 4))
    made["a blunt pen"] = encoded(next_sheet().filter(ImageFilter.MinFilter(15)))
    made["blurred"] = encoded(next_sheet().filter(ImageFilter.GaussianBlur(5)))
    for index, (ink, paper) in enumerate(
        [((30, 50, 150), (240, 238, 232)), ((190, 30, 40), (230, 225, 190)), ((20, 120, 70), (165, 165, 163)),
         ((235, 220, 60), (40, 60, 150)), ((200, 60, 60), (60, 140, 60))]
    ):  # fmt: skip
        colours = _inked(next_sheet(), ink, paper)
        made[f"coloured ink {index}"] = _png(colours)
        made[f"coloured ink {index} on a table"] = _png(_on_table(colours, (70, 55, 45), 30))
        light = _shadow(colours.shape[:2], 0.3, 12) * _slope(colours.shape[:2], 1.0, 0.8)
        made[f"coloured ink {index}, photographed"] = _photograph(colours, light, 5, 70, index)
    made["dark ink on nothing"] = _clear(next_sheet(), (20, 20, 30))
    made["light ink on nothing"] = _clear(next_sheet(), (240, 240, 230))
    made["a sheet on nothing"] = _sheet_on_nothing(next_sheet())
    made["16 bits"] = _sixteen_bits(next_sheet(), clear=False)
    made["16 bits, one value clear"] = _sixteen_bits(next_sheet(), clear=True)
    for top in (1.0, 255.0, 4095.0, 60000.0):
        made[f"floats up to {top:g}"] = _floats(next_sheet(), top)
    made["a palette, PNG"], made["a palette, GIF"] = _palette(next_sheet(), "PNG"), _palette(next_sheet(), "GIF")
    made["one bit"] = encoded(next_sheet().convert("1"))
    made["cut at the top and the bottom"] = _cut(next_sheet(), (0, 70, 220, 175))
    made["cut at the left and the right"] = _cut(next_sheet(), (75, 0, 145, 240))
    made["close"] = _cut(next_sheet(), (50, 60, 170, 190))
    made["far away"] = _far_away(next_sheet())
    made["small"] = encoded(next_sheet().resize((30, 33), Image.Resampling.BOX))
    made["as large as the network's"] = encoded(next_sheet().resize((28, 28), Image.Resampling.BOX))
    made["the network's size, light on dark, in colour"] = _png(
        _inked(next_sheet().resize((28, 28)), (255,) * 3, (0,) * 3)
    )
    made["wide"] = encoded(next_sheet().resize((600, 120)))
    made["large"] = encoded(next_sheet().resize((2200, 2400), Image.Resampling.BICUBIC))
    for index, (top, left) in enumerate([(150, 220), (900, 1250), (500, 90)]):
        small = _on_large(next_sheet(), top, left)
        made[f"small on a large sheet {index}"] = _png(small)
        made[f"small in a frame {index}"] = _png(np.pad(small, 60, constant_values=120.0))
        light = _slope(small.shape, 1.0, 0.6) * _shadow(small.shape, 0.25, 60)
        made[f"small in a large photograph {index}"] = _photograph(
            np.repeat(small[..., np.newaxis], 3, axis=2), light, 4, 75, index
        )
    for name, box in {
        "a bar at the right": (90, 205, 60, 15), "a bar at the bottom": (228, 60, 12, 70),
        "a bar at the left": (80, 0, 50, 12), "a bar from side to side": (222, 0, 10, 220),
        "a corner of another sheet": (0, 150, 60, 70),
    }.items():  # fmt: skip
        made[name] = _png(_with_block(_grey(next_sheet()), *box))
        values = _with_block(_grey(next_sheet()), *box) * _slope((240, 220), 0.95, 0.6)
        made[f"{name}, photographed"] = _png(values + _noise(values.shape, 4, 11))
    made["16 bits of which 12 are used"] = encoded(
        Image.fromarray(4000 - np.asarray(next_sheet(), np.uint16) * 15), "TIFF"
    )
    made["two digits"] = _two(next_sheet(), next_sheet())
    made["an even ground"] = _png(np.full((60, 50), 200.0))
    made["noise alone"] = _png(128 + _noise((120, 100), 30, 9))
    made["a slope alone"] = _png(np.broadcast_to(_slope((90, 120), 60, 220), (90, 120)))
    return made


def _with_block(values: np.ndarray, top: int, left: int, height: int, width: int) -> np.ndarray:
    values = values.copy()
    values[top : top + height, left : left + width] = 70
    return values


def _sheet_on_nothing(sheet: Image.Image) -> bytes:
    around = Image.new("LA", (sheet.width + 80, sheet.height + 60), (0, 0))
    around.paste(sheet.convert("LA"), (40, 30))
    return encoded(around)


def prepared(preparation: str) -> dict[str, np.ndarray]:
    """Give what the pictures are prepared to: (28, 28) each, nothing but zeros where no ink is found."""
    found = {}
    for name, data in scenes().items():
        try:
            found[name] = prepare.prepared(data, preparation, 28, 28, max_pixels=MAX_PIXELS)
        except NoInk:
            found[name] = np.zeros((28, 28), np.uint8)
    return found


def record() -> dict[tuple[str, str], np.ndarray]:
    """Give the record by preparation and name of the picture."""
    with np.load(RECORD) as stored:
        return {tuple(key.split("/", 1)): stored[key] for key in stored.files}


def write(path: Path = RECORD) -> None:
    """Write the record anew."""
    found = {f"{kind}/{name}": pixels for kind in prepare.PREPARATIONS for name, pixels in prepared(kind).items()}
    file = io.BytesIO()
    np.savez_compressed(file, **found)
    path.write_bytes(file.getvalue())


if __name__ == "__main__":
    write()
