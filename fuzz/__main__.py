"""python -m fuzz: try a machine's bytes on each door, and print what came of it as a table.

Each door's run is a process of its own (fuzz/run.py). What finds new ways through the code is kept in fuzz/corpus/DOOR;
an input that should not have gone wrong is written beside it as `crash-…`, and the run fails.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.columns import columns
from fuzz import keep
from fuzz.door import CORPUS, corpus
from fuzz.doors import DOORS

HEAD: Final = ["door", "inputs", "a second", "edges covered", "worst input, ms", "memory grew, MB", "kept"]

_GROWTH_BYTES: Final = 64 * 2**20
"""Most by which a process may have grown in the second half of a run; libFuzzer keeps inputs in memory, too."""

_SECONDS: Final = 3600.0

_COVERED: Final = re.compile(r"\bcov: (\d+)")


@contextmanager
def _seeded(name: str) -> Iterator[tuple[Path, Path]]:
    """Give a folder for what is found, and one with what is known, each until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        found, known = Path(folder, "found"), Path(folder, "known")
        found.mkdir()
        known.mkdir()
        for number, data in enumerate(corpus(name, DOORS[name])):
            (known / str(number)).write_bytes(data)
        yield found, known


def tried(name: str, runs: int, seconds: float, seed: int, *, keeping: bool) -> tuple[list[str], bool]:
    """Run one door; give its row, and whether nothing went wrong."""
    with _seeded(name) as (found, known):
        crash = CORPUS / name
        crash.mkdir(parents=True, exist_ok=True)
        options = [
            f"-artifact_prefix={crash}/",
            f"-seed={seed}",
            "-max_len=65536",
            "-len_control=20",
            "-detect_leaks=0",
        ]
        done = subprocess.run(
            [sys.executable, "-m", "fuzz.run", name, str(runs), str(seconds), str(found), str(known), *options],
            capture_output=True,
            check=False,
        )
        said = done.stderr.decode(errors="replace")
        if done.returncode:
            print(said[-6000:], file=sys.stderr)
            return [name, *["–"] * (len(HEAD) - 1)], False
        new = _keep(name, found) if keeping else 0
    result = json.loads(done.stdout.splitlines()[-1])
    return _row(name, result, max(map(int, _COVERED.findall(said)), default=0), new), _bounded(name, result)


def _keep(name: str, found: Path) -> int:
    door = DOORS[name]
    new = keep.worth_keeping(door, corpus(name, door), (file.read_bytes() for file in found.iterdir()))
    room = max(0, keep.MOST_FILES - len(list((CORPUS / name).iterdir())))
    for data in new[:room]:
        (CORPUS / name / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    return len(new[:room])


def _row(name: str, result: dict[str, Any], covered: int, new: int) -> list[str]:
    inputs, seconds = result["inputs"], max(result["seconds"], 1e-3)
    worst, growth = result["worst_seconds"] * 1e3, result["growth_bytes"] / 2**20
    return [name, f"{inputs:,}", f"{inputs / seconds:,.0f}", f"{covered:,}", f"{worst:.0f}", f"{growth:.1f}", str(new)]


def _bounded(name: str, result: dict[str, Any]) -> bool:
    if result["growth_bytes"] <= _GROWTH_BYTES:
        return True
    print(f"{name}: memory grew by {result['growth_bytes'] / 2**20:.0f} MB", file=sys.stderr)
    return False


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the doors that are named, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("doors", nargs="*", metavar="DOOR", help=f"of {', '.join(DOORS)} [all]")
    parser.add_argument("--runs", type=int, help="inputs of each door [a nightly run's, which the doors say]")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help=f"at most, for each door [{_SECONDS:.0f}]")
    parser.add_argument("--seed", type=int, default=1, help="of libFuzzer's draws [1]")
    parser.add_argument("--keep", action="store_true", help="put what finds new ways through the code into the corpus")
    parser.add_argument("--markdown", action="store_true", help="the table as Markdown")
    options = parser.parse_args(arguments)
    if unknown := set(options.doors) - set(DOORS):
        parser.error(f"no such door: {', '.join(sorted(unknown))}")
    rows, right = [], True
    for name in options.doors or DOORS:
        print(name, file=sys.stderr)
        row, fine = tried(name, options.runs or DOORS[name].runs, options.seconds, options.seed, keeping=options.keep)
        rows.append(row)
        print("  ".join(row), file=sys.stderr)
        right &= fine
    total = sum(int(row[1].replace(",", "")) for row in rows if row[1] != "–")
    rows.append(["all", f"{total:,}", *[""] * (len(HEAD) - 2)])
    print(columns(HEAD, rows, words={HEAD[0]}, markdown=options.markdown))
    sys.exit(not right)


if __name__ == "__main__":
    main()
