"""The kinds of picture that are measured, in the order of the table. How each is made is in the file named after it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from benchmarks.accuracy import corruptions, fonts, nothing, paper, pens
from benchmarks.accuracy.drawings import drawings
from benchmarks.accuracy.encoded import Picture, generator, jpeg, png
from benchmarks.accuracy.originals import Originals
from mlp.arrays import Uint8

SECTIONS: Final = ("mnist", "pens", "paper", "uci", "fonts", "drawn", "corruptions", "nothing")


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of a table, or for a corruption one field of a row."""

    section: str
    name: str
    pictures: Callable[[], Iterable[Picture]]
    strength: int = 0
    """Of a corruption, 1 … 5."""


def kinds(everything: Originals, count: int, drawn: Path | None) -> list[Kind]:
    """Give all kinds: MNIST's pictures as they are, `count` of each kind that is rendered, a folder of drawings."""
    some = everything[:count]
    return [
        Kind("mnist", "MNIST as it is, 28 × 28", partial(_as_it_is, everything)),
        *_pens(some),
        *(Kind("paper", f"photograph: {scene.name}", partial(_photographs, some, scene)) for scene in paper.SCENES),
        *_uci(),
        Kind("fonts", f"printed, {len(fonts.faces())} faces", _printed),
        *([Kind("drawn", "drawn by people", partial(drawings, drawn))] if drawn else []),
        *(
            Kind("corruptions", name, partial(_corrupted, some, name, strength), strength)
            for name in corruptions.CORRUPTIONS
            for strength in range(1, 6)
        ),
        *_nothing(count),
    ]


def _as_it_is(originals: Originals) -> Iterator[Picture]:
    return (Picture(png(pixels), label) for pixels, label in originals)


def _pens(originals: Originals) -> Iterator[Kind]:
    for light_on_dark, how in ((False, "dark on light"), (True, "light on dark")):
        for pen in pens.WIDTHS:
            yield Kind("pens", f"{pen} pen, {how}", partial(_drawn, originals, pen, light_on_dark))


def _drawn(originals: Originals, pen: str, light_on_dark: bool) -> Iterator[Picture]:
    for index, (pixels, label) in enumerate(originals):
        rng = generator(f"{pen} pen", index)
        yield Picture(png(pens.drawn(pixels, pens.WIDTHS[pen], rng, light_on_dark=light_on_dark)), label)


def _photographs(originals: Originals, scene: paper.Scene) -> Iterator[Picture]:
    for index, (pixels, label) in enumerate(originals):
        photograph = paper.photographed(pixels, scene, generator(scene.name, index))
        yield Picture(jpeg(photograph, scene.quality), label)


def _uci() -> Iterator[Kind]:
    for dark_on_light, how in ((False, "light on dark"), (True, "dark on light")):
        for resampling in (Image.Resampling.NEAREST, Image.Resampling.BICUBIC):
            name = f"UCI 8 × 8, × 10 {resampling.name.lower()}, {how}"
            yield Kind("uci", name, partial(_enlarged, resampling, dark_on_light))


def _enlarged(resampling: Image.Resampling, dark_on_light: bool) -> Iterator[Picture]:
    """Give the 1,797 digits of scikit-learn's copy of E. Alpaydin's and C. Kaynak's UCI test set, 0 … 16."""
    digits = load_digits()
    for grey, label in zip(digits.images, digits.target, strict=True):
        small = Image.fromarray(np.rint(grey * 255 / 16).astype(np.uint8))
        large = np.asarray(small.resize((80, 80), resampling))
        yield Picture(png(255 - large if dark_on_light else large), str(label))


def _printed() -> Iterator[Picture]:
    for index, (face, digit) in enumerate(fonts.every_digit()):
        name = f"{face.family} {face.style}"
        yield Picture(png(fonts.printed(face, digit, generator("printed", index))), digit, name)


def _corrupted(originals: Originals, name: str, strength: int) -> Iterator[Picture]:
    for index, (pixels, label) in enumerate(originals):
        yield Picture(png(corruptions.corrupted(pixels, name, strength, generator(name, index))), label)


def _nothing(count: int) -> Iterator[Kind]:
    makers: dict[str, Callable[[np.random.Generator], Uint8]] = {
        "capital letters, printed": _letter,
        "scribbles": nothing.scribble,
        "frames": nothing.frame,
        "empty sheets, photographed": _empty_sheet,
        "noise, large": nothing.large_noise,
        "noise, 28 × 28": nothing.fine_noise,
    }
    for name, make in makers.items():
        yield Kind("nothing", name, partial(_without_digits, name, make, count))


def _without_digits(name: str, make: Callable[[np.random.Generator], Uint8], count: int) -> Iterator[Picture]:
    return (Picture(png(make(generator(name, index))), "") for index in range(count))


def _letter(rng: np.random.Generator) -> Uint8:
    faces = fonts.faces()
    return fonts.printed(faces[rng.integers(len(faces))], str(rng.choice(list(fonts.LETTERS))), rng)


def _empty_sheet(rng: np.random.Generator) -> Uint8:
    return paper.photographed(None, paper.SCENES[rng.integers(3)], rng)
