"""The kinds of picture that are measured, in the order of the table. How each is made is in the file named after it."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from benchmarks.accuracy import corruptions, fonts, nothing, paper, pens, phone
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


def kinds(everything: Originals, count: int, drawn: Path | None, sections: Collection[str] = SECTIONS) -> list[Kind]:
    """Give the kinds of some sections: MNIST's pictures as they are, of each kind that is rendered `count`."""
    some = everything[:count]
    found: dict[str, Callable[[], Iterable[Kind]]] = {
        "mnist": lambda: [Kind("mnist", "MNIST as it is, 28 × 28", partial(_as_it_is, everything))],
        "pens": lambda: _pens(some),
        "paper": lambda: _paper(some),
        "uci": lambda: _uci(count),
        "fonts": _fonts,
        "drawn": lambda: [Kind("drawn", "drawn by people", partial(drawings, drawn))] if drawn else [],
        "corruptions": lambda: _corruptions(some),
        "nothing": lambda: _nothing(count),
    }
    return [kind for section in SECTIONS if section in sections for kind in found[section]()]


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


def _paper(originals: Originals) -> Iterator[Kind]:
    for scene in paper.SCENES:
        yield Kind("paper", f"photograph: {scene.name}", partial(_photographs, originals, scene))

    for name in phone.VIEWS:
        yield Kind("paper", f"photograph: {name}", partial(_views, originals, name))


def _photographs(originals: Originals, scene: paper.Scene) -> Iterator[Picture]:
    for index, (pixels, label) in enumerate(originals):
        photograph = paper.photographed(pixels, scene, generator(scene.name, index))
        yield Picture(jpeg(photograph, scene.quality), label)


def _views(originals: Originals, name: str) -> Iterator[Picture]:
    for index, (pixels, label) in enumerate(originals):
        yield Picture(jpeg(phone.VIEWS[name](pixels, generator(name, index)), 80), label)


def _uci(count: int) -> Iterator[Kind]:
    """Give the headline, all pictures with nothing added, and then what a margin and smooth pixels change."""
    nearest, bicubic = Image.Resampling.NEAREST, Image.Resampling.BICUBIC
    for dark_on_light, how in ((False, "light on dark"), (True, "dark on light")):
        yield Kind("uci", f"UCI 8 × 8, × 10, {how}", partial(_enlarged, nearest, 0, dark_on_light))
    for resampling, margin, what in ((nearest, 2, "with a margin"), (bicubic, 0, "smooth"), (bicubic, 2, "both")):
        yield Kind("uci", f"the same, dark on light, {what}", partial(_enlarged, resampling, margin, True, count))


def _enlarged(
    resampling: Image.Resampling, margin: int, dark_on_light: bool, count: int | None = None
) -> Iterator[Picture]:
    """Give the 1,797 digits of scikit-learn's copy of E. Alpaydin's and C. Kaynak's UCI test set, or the first ones.

    They are 8 × 8, 0 … 16, with a margin of so many pixels around them; then each is enlarged ten times.
    """
    digits = load_digits()
    for grey, label in zip(digits.images[:count], digits.target[:count], strict=True):
        small = Image.fromarray(np.pad(np.rint(grey * 255 / 16).astype(np.uint8), margin))
        large = np.asarray(small.resize((small.width * 10, small.height * 10), resampling))
        yield Picture(png(255 - large if dark_on_light else large), str(label))


def _fonts() -> Iterator[Kind]:
    for trained_with, what in ((False, "of other families than in training"), (True, "of families used in training")):
        count = sum(face.trained_with == trained_with for face in fonts.faces())
        if count:
            yield Kind("fonts", f"printed, {count} faces {what}", partial(_printed, trained_with=trained_with))


def _printed(*, trained_with: bool) -> Iterator[Picture]:
    for index, (face, digit) in enumerate(fonts.every_digit(trained_with=trained_with)):
        name = f"{face.family} {face.style}"
        yield Picture(png(fonts.printed(face, digit, generator("printed", index))), digit, name)


def _corruptions(originals: Originals) -> Iterator[Kind]:
    for name in corruptions.CORRUPTIONS:
        for strength in range(1, 6):
            yield Kind("corruptions", name, partial(_corrupted, originals, name, strength), strength)


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
    faces = fonts.unseen()
    return fonts.printed(faces[rng.integers(len(faces))], str(rng.choice(list(fonts.LETTERS))), rng)


def _empty_sheet(rng: np.random.Generator) -> Uint8:
    return paper.photographed(None, paper.SCENES[rng.integers(3)], rng)
