"""How many pictures of many kinds a running service reads right.

python -m benchmarks.accuracy starts the service over the model store (MLP_MODELS) on a free port, posts pictures of
every kind to it, as PNG or JPEG, and prints a table; docs/accuracy.md says how each kind is made.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from benchmarks.accuracy import contact_sheet, originals, table
from benchmarks.accuracy.drawings import by_writer
from benchmarks.accuracy.fonts import faces
from benchmarks.accuracy.kinds import SECTIONS, Kind, kinds
from benchmarks.accuracy.service import Service, started
from benchmarks.accuracy.table import Result

FACES = 50
"""Fewer are too few to speak of fonts in general."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="digits", help="name of the model [%(default)s]")
    parser.add_argument("--version", default="production", help="a number or an alias [%(default)s]")
    parser.add_argument(
        "--part", choices=originals.PARTS, default="validation", help="of the recipe's split [%(default)s]"
    )
    parser.add_argument("--url", help="of a service that runs already, as http://127.0.0.1:8000")
    parser.add_argument("--drawn", type=Path, metavar="FOLDER", help="pictures named <label>_<writer>_<anything>")
    parser.add_argument("--only", help=f"some of the kinds, with commas between: {', '.join(SECTIONS)}")
    parser.add_argument("--pictures", type=int, default=300, help="of each kind that is rendered [%(default)s]")
    parser.add_argument("--samples", type=Path, metavar="FILE.png", help="write samples of each kind, and ask nothing")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    arguments = parser.parse_args()
    chosen = set(arguments.only.split(",")) if arguments.only else set(SECTIONS)
    if unknown := chosen - set(SECTIONS):
        parser.error(f"--only: {', '.join(sorted(unknown))} is none of {', '.join(SECTIONS)}")
    if arguments.pictures < 1:
        parser.error("--pictures: expected 1 or more")
    if arguments.drawn and not arguments.drawn.is_dir():
        parser.error(f"--drawn: {arguments.drawn} is no folder")
    if chosen == {"drawn"} and not arguments.drawn:
        parser.error("--only drawn: name the folder with --drawn")
    arguments.chosen = chosen
    return arguments


def main() -> None:
    """Measure, and print the tables."""
    arguments = _arguments()
    with nullcontext(arguments.url.rstrip("/")) if arguments.url else started() as url:
        metadata = Service(url, arguments.model, arguments.version).metadata()
        service = Service(url, arguments.model, str(metadata["version"]))  # an alias might move meanwhile
        examples = originals.part(metadata, arguments.part)
        everything = originals.labelled(examples)
        chosen = kinds(everything, arguments.pictures, arguments.drawn, arguments.chosen)
        if arguments.samples:
            contact_sheet.write(chosen, arguments.samples)
            return
        print(f"{metadata['name']} version {metadata['version']}, {arguments.part} part of its recipe's split")
        _report([measure(kind, service) for kind in chosen], markdown=arguments.markdown)


def measure(kind: Kind, service: Service) -> Result:
    """Post all pictures of a kind."""
    print(f"{kind.section}: {kind.name} {kind.strength or ''}", file=sys.stderr)
    pairs = list(service.answers(kind.pictures()))
    return Result(kind, [picture for picture, _ in pairs], [answer for _, answer in pairs])


def _report(results: Sequence[Result], *, markdown: bool) -> None:
    for head, rows in (
        (table.DIGITS, table.digit_rows(results)),
        (table.CORRUPTED, table.corruption_rows(results)),
        (table.NOTHING, table.nothing_rows(results)),
    ):
        if rows:
            print("\n" + table.table(head, rows, markdown=markdown))
    _faults(results)
    for result in results:
        if result.kind.section == "mnist":
            print(f"\nexpected calibration error on MNIST as it is: {100 * table.calibration_error(result):.2f} %")
        elif result.kind.section == "fonts":
            _fonts()
        elif result.kind.section == "drawn":
            _drawings(result, markdown=markdown)


def _faults(results: Sequence[Result]) -> None:
    for result in results:
        if faults := [answer.refusal for answer in result.answers if answer.refusal.startswith("5")]:
            print(f"\n{result.kind.name}: on {len(faults)} of those refused the service failed, {faults[0]}")


def _fonts() -> None:
    families = {face.family for face in faces()}
    print(f"\n{len(faces())} faces of {len(families)} font families were found on this machine")
    if len(faces()) < FACES:
        print("that is few: install packages of fonts, as docs/accuracy.md lists them, for a figure that says more")


def _drawings(result: Result, *, markdown: bool) -> None:
    rights = by_writer([picture.source for picture in result.pictures], result.right.tolist())
    rows = [[writer, f"{sum(r)}", f"{len(r)}", f"{100 * sum(r) / len(r):.1f}"] for writer, r in rights.items()]
    print("\n" + table.table(table.WRITERS, rows, markdown=markdown))
    for picture, answer in zip(result.pictures, result.answers, strict=True):
        if picture.label != answer.label:
            print(f"{picture.source}: {answer.label or answer.refusal}")


if __name__ == "__main__":
    main()
