"""What a second process gives batch scoring: the time of one process, divided by twice the time of two.

python -m benchmarks.scoring: the whole command, from its start to its summary, on MNIST's pictures as PNG files and as
.npy arrays, in rounds in which all take turns, who begins changing, because machines are shared. An efficiency is that
of one round; the median of all is the result. Two commands at once, each with half of the pictures and a process of its
own, show what the machine gives two processes that share nothing: it cannot be far from 1 on two quiet cores.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from benchmarks import machine
from benchmarks.columns import columns
from mlp.arrays import Uint8
from training import datasets

ROOT: Final = Path(__file__).parent.parent
TARGET: Final = 0.85
HALVES: Final = ("a", "b")
ONE, TWO, APART = "one process", "two processes", "two commands, half each"
HEAD: Final = ["pictures", "", "seconds", "on a processor", "pictures/s", "efficiency", "of the rounds"]


@dataclass(frozen=True, slots=True)
class Turn:
    """What one way took in one round."""

    seconds: float
    processor: float
    """Seconds on a processor, all processes together."""


def as_files(images: Uint8, folder: Path) -> None:
    """Write pictures as PNG files, a thousand a folder."""
    for number, image in enumerate(images):
        path = folder / f"{number // 1000:03d}" / f"{number:06d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path, "PNG")


def as_array(images: Uint8, folder: Path) -> None:
    """Write pictures as one .npy file."""
    folder.mkdir(parents=True)
    np.save(folder / "pictures.npy", images)


def timed(*jobs: tuple[Path, int]) -> Turn:
    """Run the command for each source and number of processes, all at once, and give what they took together."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        running = [
            subprocess.Popen(
                [
                    *(sys.executable, "-m", "training", "score", "digits", "production", str(source)),
                    *("--output", f"{folder}/{number}", "--workers", str(workers)),
                ],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
            )
            for number, (source, workers) in enumerate(jobs)
        ]
        spent = 0.0
        for process in running:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            spent += usage.ru_utime + usage.ru_stime
        seconds = time.perf_counter() - begin
    if any(process.returncode for process in running):
        sys.exit("a command failed")
    return Turn(seconds, spent)


def rounds(ways: Mapping[str, Callable[[], Turn]], count: int) -> dict[str, list[Turn]]:
    """Let each way take its turn in each round; who begins changes."""
    found: dict[str, list[Turn]] = {name: [] for name in ways}
    names = list(ways)
    for number in range(count):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            found[name].append(ways[name]())
    return found


def rows(kind: str, pictures: int, found: Mapping[str, list[Turn]]) -> list[list[str]]:
    """Give the table's rows of one kind of source."""
    lines = []
    for name, turns in found.items():
        seconds = statistics.median(turn.seconds for turn in turns)
        ratios = sorted(one.seconds / (2 * turn.seconds) for one, turn in zip(found[ONE], turns, strict=True))
        spread = [] if name == ONE else [f"{statistics.median(ratios):.2f}", f"{ratios[0]:.2f} … {ratios[-1]:.2f}"]
        processor = statistics.median(turn.processor for turn in turns)
        measured = [f"{seconds:.1f}", f"{processor:.1f}", f"{pictures / seconds:.0f}"]
        lines.append([kind, name, *measured, *(spread or ["", ""])])
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scoring", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="in which all take turns (5)")
    parser.add_argument("--files", type=int, default=60_000, help="pictures as PNG files (60000)")
    parser.add_argument("--rows", type=int, default=240_000, help="pictures in .npy arrays (240000)")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    options = parser.parse_args()
    images = datasets.load("mnist").train.images
    lines: list[list[str]] = []
    with tempfile.TemporaryDirectory() as place:
        for kind, write, count in (("PNG files", as_files, options.files), (".npy arrays", as_array, options.rows)):
            folder, chosen = Path(place, kind.split()[0]), np.resize(images, (count, *images.shape[1:]))
            for half, some in zip(HALVES, np.array_split(chosen, 2), strict=True):
                write(some, folder / half)
            ways = {
                ONE: lambda folder=folder: timed((folder, 1)),
                TWO: lambda folder=folder: timed((folder, 2)),
                APART: lambda folder=folder: timed(*((folder / half, 1) for half in HALVES)),
            }
            timed((folder, 2))  # so that all files are in memory; not counted
            lines += rows(f"{count} {kind}", count, rounds(ways, options.rounds))
    print(columns(HEAD, lines, words=("pictures", ""), markdown=options.markdown))
    print(f"\nefficiency of two processes: target {TARGET}; medians of {options.rounds} rounds")
    print(machine.described((sys.executable, {"numpy": "NumPy", "pyarrow": "pyarrow"})))


if __name__ == "__main__":
    main()
