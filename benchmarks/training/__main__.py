"""How fast networks are trained, beside the book's code, scikit-learn, PyTorch, JAX and the matrix products alone.

`make bench-training` installs the peers in an environment of their own and runs this; docs/training-speed.md says how
it is measured. MNIST's training examples without the validation part are trained on.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks import machine
from benchmarks.training import goals, table
from benchmarks.training.contestant import ENTRIES
from benchmarks.training.field import Field, LearnsNothing, Place, Result
from benchmarks.training.goals import Run
from benchmarks.training.pictures import Pictures
from benchmarks.training.process import Ended
from benchmarks.training.rounds import share
from benchmarks.training.shapes import FAST, GOALS, LARGE, SHARED, SMALL, Shape
from training import datasets, run
from training.recipes import Recipe

_TWO, _ONE = "ours, two processes", "ours, one process"
_LIBRARIES: Final = {"jax": "JAX", "torch": "PyTorch", "scikit-learn": "scikit-learn"}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    """Of small networks."""
    large_rounds: int
    large_examples: int | None
    """Of an epoch of large networks; None for all."""
    runs: int
    """To an accuracy, each with a seed of its own."""
    epochs: int
    """After which a run to an accuracy is given up."""


FULL: Final = Plan(rounds=9, large_rounds=3, large_examples=None, runs=3, epochs=20)
QUICK: Final = Plan(rounds=3, large_rounds=2, large_examples=11_000, runs=1, epochs=4)


@dataclass(frozen=True, slots=True)
class Bench:
    """What all parts need."""

    plan: Plan
    folder: Path
    """Of the pictures."""
    peers: str
    markdown: bool

    def measured(self, places: dict[str, Place], shapes: tuple[Shape, ...]) -> dict[str, dict[str, Result]]:
        """Measure shapes, large ones with fewer rounds; give the results by shape and contestant."""
        found = {}
        with Field(places, self.folder, self.peers) as field:
            for shape in shapes:
                large = max(shape.hidden) >= 512
                examples = self.plan.large_examples if large else None
                title = f"{shape}, {examples:,} examples" if examples else f"{shape}"
                rounds = self.plan.large_rounds if large else self.plan.rounds
                found[title] = field.measure(shape, rounds, examples)
        return found

    def show(self, head: list[str], rows: list[list[str]]) -> None:
        """Print a table."""
        print("\n" + table.table(head, rows, markdown=self.markdown), flush=True)


def one_core(bench: Bench) -> None:
    """Everyone on the same core with one thread."""
    core = machine.cores()[-1:]
    results = bench.measured({name: Place(name, core) for name in ENTRIES}, SMALL + LARGE)
    print("\nOne core, one thread: seconds an epoch")
    bench.show(table.EPOCHS + table.PROCESSOR, table.epoch_rows(results, "ours", processor=True))
    rows = table.ratio_rows(results, "ours", "products alone", processor=True)
    bench.show(["network", "ours s", "products s", *table.RATIOS], rows)
    had = share({f"{shape} {name}": r.times for shape, found in results.items() for name, r in found.items()})
    print(f"\nThey had their core for {had:.0%} of that time.")


def two_cores(bench: Bench) -> None:
    """Everyone with two cores, in the form that uses them."""
    cores = machine.cores()[-2:]
    if len(cores) < 2:
        print("\nTwo cores: left out, there is one")
        return
    # Ours has a process on each core; two BLAS threads in each of them would be two too many.
    places = {_TWO: Place("ours", cores), _ONE: Place("ours", cores[-1:])}
    places |= {name: Place(name, cores, threads=2) for name in ENTRIES if name not in ("ours", "products alone")}
    results = bench.measured(places, SHARED)
    print("\nTwo cores: seconds an epoch")
    bench.show(table.EPOCHS, table.epoch_rows(results, _TWO, processor=False))
    bench.show(
        ["network", "two processes s", "one s", *table.RATIOS[:2]],
        table.ratio_rows(results, _TWO, _ONE, processor=False),
    )


def to_accuracy(bench: Bench) -> None:
    """Everyone to 97 and 98 % on one core, as soon as they can with 256 hidden units."""
    core = machine.cores()[-1:]
    shapes = {name: GOALS.get(name, FAST) for name in ENTRIES if name != "products alone"}
    found: dict[str, list[Run]] = {}
    with Field({name: Place(name, core) for name in shapes}, bench.folder, bench.peers) as field:
        for number in range(bench.plan.runs):
            for name in field.names():
                print(f"{name}: run {number + 1} of {bench.plan.runs}", file=sys.stderr)
                shape = replace(shapes[name], seed=number + 1)
                process = field.loaded(name, shape)
                if process:
                    epochs = min(shape.epochs, bench.plan.epochs)
                    found.setdefault(name, []).append(goals.run(process, epochs))
    networks = {name: f"{shape}" for name, shape in shapes.items()}
    print("\nOne core: seconds to an accuracy on the test set, compiling included")
    bench.show(table.GOALS, table.goal_rows(found, networks))


PARTS: Final[dict[str, Callable[[Bench], None]]] = {
    "one-core": one_core,
    "two-cores": two_cores,
    "to-accuracy": to_accuracy,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="few rounds, and a fifth of the examples of large networks"
    )
    parser.add_argument("--rounds", type=int, help="of small networks [9, with --quick 3]")
    parser.add_argument("--only", help=f"some of the parts, with commas between: {', '.join(PARTS)}")
    parser.add_argument("--peers", default=sys.executable, metavar="PYTHON", help="of the peers' environment")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    arguments = parser.parse_args()
    arguments.parts = arguments.only.split(",") if arguments.only else list(PARTS)
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"--only: {', '.join(sorted(unknown))} is none of {', '.join(PARTS)}")
    if arguments.rounds is not None and arguments.rounds < 1:
        parser.error("--rounds: expected 1 or more")
    return arguments


def _write_pictures(folder: Path) -> None:
    parts = run.split(datasets.load("mnist"), Recipe())
    Pictures(parts.train.pictures, parts.train.labels, parts.test.pictures, parts.test.labels).write(folder)


def main() -> None:
    """Measure, and print the tables."""
    arguments = _arguments()
    plan = QUICK if arguments.quick else FULL
    if arguments.rounds:
        plan = replace(plan, rounds=arguments.rounds)
    print(machine.described((sys.executable, {"numpy": "NumPy"}), (arguments.peers, _LIBRARIES)), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        _write_pictures(Path(folder))
        bench = Bench(plan, Path(folder), arguments.peers, arguments.markdown)
        try:
            for part in arguments.parts:
                PARTS[part](bench)
        except (Ended, LearnsNothing) as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
