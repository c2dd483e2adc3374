"""Drawings of people: a folder of pictures whose names say what each shows and who drew it."""

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.accuracy.encoded import Picture

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


def drawings(folder: Path) -> Iterator[Picture]:
    """Give a folder's pictures named <label>_<writer>_<anything>, by name, as they are; end where there are none."""
    paths = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES and _writer(path.name)]
    if not paths:
        sys.exit(f"{folder} has no pictures named <label>_<writer>_<anything>, as in 7_writer03_012.png")
    return (Picture(path.read_bytes(), path.stem.partition("_")[0], path.name) for path in paths)


def _writer(name: str) -> str:
    """Give the writer that a picture's name names; "" for none."""
    label, _, rest = Path(name).stem.partition("_")
    return rest.partition("_")[0] if label else ""


def by_writer(names: list[str], right: list[bool]) -> dict[str, list[bool]]:
    """Sort what was read right or not by the writers that the pictures' names name."""
    found: dict[str, list[bool]] = {}
    for name, good in sorted(zip(names, right, strict=True), key=lambda pair: _writer(pair[0])):
        found.setdefault(_writer(name), []).append(good)
    return found
