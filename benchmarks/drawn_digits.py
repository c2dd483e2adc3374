"""How many drawn pictures a running service reads right, in all and writer by writer.

python -m benchmarks.drawn_digits FOLDER [--url http://127.0.0.1:8000/predict]: posts each picture of FOLDER as it is.
A picture's name says what it shows and who drew it: <label>_<writer>_<anything>.png, as in 7_writer03_012.png.
"""

import argparse
import json
import sys
import urllib.error
import urllib.request
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


@dataclass(frozen=True, slots=True)
class Drawing:
    """One picture, by what its name says."""

    path: Path
    label: str
    writer: str


def drawings(folder: Path) -> list[Drawing]:
    """Give the folder's pictures by name, but those whose names do not say label and writer."""
    found = []
    for path in sorted(folder.iterdir()):
        label, _, rest = path.stem.partition("_")
        writer = rest.partition("_")[0]
        if path.suffix.lower() in SUFFIXES and label and writer:
            found.append(Drawing(path, label, writer))
    return found


def answer(url: str, path: Path) -> str:
    """Give the label that the service reads in a picture, or why it refuses it."""
    # Any of the image types does: the service goes by the bytes.
    request = urllib.request.Request(url, path.read_bytes(), {"Content-Type": "image/png"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 - the user's own address
            return str(json.load(response)["predictions"][0]["label"])
    except urllib.error.HTTPError as error:
        return f"{error.code}: {json.load(error)['detail']}"


def main() -> None:
    """Print the table, then what was read wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drawn_digits", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="pictures named <label>_<writer>_<anything>")
    parser.add_argument("--url", default="http://127.0.0.1:8000/predict", help="where to post them [%(default)s]")
    arguments = parser.parse_args()
    found = drawings(arguments.folder)
    if not found:
        sys.exit(f"{arguments.folder} has no pictures named <label>_<writer>_<anything>")
    answers = {drawing: answer(arguments.url, drawing.path) for drawing in found}
    by_writer: dict[str, list[bool]] = defaultdict(list)
    for drawing, got in answers.items():
        by_writer[drawing.writer].append(got == drawing.label)
    print(f"{'writer':<12}{'right':>6}{'of':>6}{'%':>8}")
    everyone = [right for rights in by_writer.values() for right in rights]
    for writer, rights in [*sorted(by_writer.items()), ("all", everyone)]:
        print(f"{writer:<12}{sum(rights):>6}{len(rights):>6}{100 * sum(rights) / len(rights):>8.1f}")
    for drawing, got in answers.items():
        if got != drawing.label:
            print(f"{drawing.path.name}: {got}")


if __name__ == "__main__":
    main()
