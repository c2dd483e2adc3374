"""Mutation testing: how many small mistakes in `mlp/` and in the swap the tests notice.

`make mutation ARGS=…` changes one thing at a time in a copy of the tree, runs the tests of the area, and counts; mutmut
makes the changes and runs the tests. What was found, and what to make of it, is in docs/mutation.md.
"""

import argparse
import contextlib
import json
import math
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent

COPIED: Final = ("mlp", "service", "tests", "fuzz", "examples", "models", "data/mnist")


@dataclass(frozen=True)
class Area:
    """Modules, and the tests that are run for each change in them."""

    folder: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    """Tests that take long and notice nothing that others do not, or that mutmut itself would fail."""


AREAS: Final[Mapping[str, Area]] = {
    "swap": Area(
        "service",
        (
            *("board", "candidate", "layout", "live", "look", "move", "pinned", "proposal", "refusal", "rule"),
            *("shadow", "shared", "traffic", "watch", "workers"),
        ),
        tuple(
            f"tests/service/test_{name}.py"
            for name in (
                *("admin", "board", "layout", "models", "refusal", "shadow", "shared", "swap_steps", "traffic"),
                *("v2_repository", "watch"),
            )
        ),
        ("tests/service/test_shadow.py::test_never_more_agree_than_were_compared_however_a_worker_counts_meanwhile",),
    ),
    "network": Area(
        "mlp",
        (
            *("activations", "derivatives", "explanation", "gradient", "model", "network", "npy", "pixels", "version"),
            "version_file",
        ),
        tuple(
            f"tests/unit/test_{name}.py"
            for name in ("activations", "explanation", "model", "network", "npy", "numerics", "pixels", "version_file")
        ),
        ("tests/unit/test_model.py::test_a_prediction_needs_no_more_than_the_three_dependencies",),
    ),
    "pictures": Area(
        "mlp",
        (
            *("components", "ground", "ink", "marks", "outline", "parts", "picture", "placing", "prepare", "shrinking"),
            *("threshold", "transparency", "windows"),
        ),
        tuple(f"tests/unit/test_{name}.py" for name in ("model", "parts", "picture", "prepare", "scenes")),
        (
            "tests/unit/test_model.py::test_a_prediction_needs_no_more_than_the_three_dependencies",
            "tests/unit/test_prepare.py::test_every_mnist_picture_passes_unchanged",
        ),
    ),
    "store": Area(
        "mlp",
        ("aliases", "errors", "local_store", "store", "store_names", "whole_file"),
        ("tests/unit/test_aliases.py", "tests/unit/test_local_store.py", "tests/unit/test_store.py"),
    ),
    "bucket": Area("mlp", ("bucket", "s3_store", "store_cache"), ("tests/unit/test_s3_store.py",)),
    "corrections": Area("mlp", ("corrections", "database"), ("tests/unit/test_corrections.py",)),
}

OUTCOMES: Final = {1: "killed", 3: "killed", 0: "survived", 5: "no test", 33: "no test"}
"""By the exit status of pytest, as mutmut keeps it; any other is a run that took too long or died."""


def main() -> None:
    """Make the mutants, run the tests and print the table."""
    options = _options()
    rows: list[tuple[str, Counter[str]]] = []
    survivors: list[tuple[Path, str]] = []
    for name in options.areas or AREAS:
        area = AREAS[name]
        tree = Path(sys.prefix) / "trees" / name
        _lay_out(tree, area)
        names = _chosen(tree, area, options.share, options.seed)
        if options.again:
            known = _outcomes(tree, names)
            _run(tree, [name for name in names if known.get(name) != "killed"], options.processes)
        elif not options.table:
            _run(tree, names, options.processes)
        outcomes = _outcomes(tree, names)
        rows += [(f"{area.folder}/{it}.py", _count(outcomes, f"{area.folder}.{it}.")) for it in area.modules]
        survivors += [(tree, name) for name, outcome in outcomes.items() if outcome in ("survived", "no test")]
    _print_table(rows)
    if options.show:
        _show(survivors)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutation", description=__doc__)
    parser.add_argument("areas", nargs="*", choices=[*AREAS, []], help="by default all")
    parser.add_argument("--share", type=float, default=1.0, help="of each area's mutants, drawn at random; 1: all")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--processes", type=int, default=2, help="mutants that are tried side by side")
    parser.add_argument("--table", action="store_true", help="run nothing, print what the last run with these gave")
    parser.add_argument("--again", action="store_true", help="run only those that the last run did not see killed")
    parser.add_argument("--show", action="store_true", help="print each survivor as a difference")
    return parser.parse_args()


def _lay_out(tree: Path, area: Area) -> None:
    """Copy what the tests need into `tree`; mutmut puts its own copy, with the mutants, into a folder in it."""
    for name in COPIED:
        shutil.copytree(ROOT / name, tree / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    settings = {
        "source_paths": ["mlp", "service"],
        "only_mutate": [f"{area.folder}/{module}.py" for module in area.modules],
        "also_copy": [name for name in COPIED if name not in ("mlp", "service", "tests")],
        "pytest_add_cli_args_test_selection": [name for name in area.tests if (ROOT / name).exists()],
        "pytest_add_cli_args": [f"--deselect={name}" for name in area.left_out],
        "use_git_change_detection": False,
        "timeout_constant": 10.0,
        "timeout_multiplier": 5.0,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    project = (ROOT / "pyproject.toml").read_text() + "\n[tool.mutmut]\n" + "\n".join(lines) + "\n"
    (tree / "pyproject.toml").write_text(project)


def _chosen(tree: Path, area: Area, share: float, seed: int) -> list[str]:
    """Give the names of the mutants to try: all of the area, or a draw without replacement."""
    from mutmut.mutation.file_mutation import mutate_file_contents
    from mutmut.utils.format_utils import get_mutant_name

    names = []
    with contextlib.chdir(tree):
        for module in area.modules:
            path = Path(area.folder) / f"{module}.py"
            mutated = mutate_file_contents(str(path), path.read_text())
            names += [get_mutant_name(path, name) for name in mutated.mutant_names]
    draw = random.Random(seed)  # noqa: S311 - the same mutants again for the same seed
    return sorted(draw.sample(names, min(len(names), round(share * len(names)))))


def _run(tree: Path, names: Sequence[str], processes: int) -> None:
    environment = {
        **os.environ,
        "CI": "1",  # hypothesis then draws the same examples in each run, and has no deadline
        "OPENBLAS_NUM_THREADS": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    command = ["nice", "-n", "2", "mutmut", "run", "--max-children", str(processes), *names]
    with (tree / "mutmut.log").open("w") as log:
        done = subprocess.run(command, cwd=tree, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise SystemExit(f"mutmut ended with {done.returncode}; {tree}/mutmut.log says why")


def _outcomes(tree: Path, names: Sequence[str]) -> dict[str, str]:
    codes: dict[str, int | None] = {}
    for path in tree.glob("mutants/*/*.meta"):
        codes |= json.loads(path.read_text())["exit_code_by_key"]
    return {name: OUTCOMES.get(code, "timeout") for name in names if (code := codes.get(name)) is not None}


def _count(outcomes: Mapping[str, str], prefix: str) -> Counter[str]:
    return Counter(outcome for name, outcome in outcomes.items() if name.startswith(prefix))


def _print_table(rows: Sequence[tuple[str, Counter[str]]]) -> None:
    print("| module | mutants | killed | timeout | survived | no test | noticed, % |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for folder in ("mlp", "service"):
        own = [(name, counts) for name, counts in rows if name.startswith(folder) and counts.total()]
        for name, counts in [*own, (f"{folder}, all", sum((counts for _, counts in own), Counter()))]:
            if counts.total():
                print(_row(name, counts))


def _row(name: str, counts: Counter[str]) -> str:
    n, noticed = counts.total(), counts["killed"] + counts["timeout"]
    low, high = _interval(noticed, n)
    share = f"{100 * noticed / n:.1f} ({100 * low:.0f} … {100 * high:.0f})"
    return f"| {name} | {n} | " + " | ".join(str(counts[key]) for key in _COLUMNS) + f" | {share} |"


_COLUMNS: Final = ("killed", "timeout", "survived", "no test")


def _interval(hits: int, n: int) -> tuple[float, float]:
    """Give the 95 % interval of a share (Wilson 1927), of a draw from many more."""
    z, share = 1.96, hits / n
    centre, half = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)


def _show(survivors: Sequence[tuple[Path, str]]) -> None:
    for tree, name in survivors:
        print()
        for line in _difference(tree, name):
            print(line)


def _difference(tree: Path, name: str) -> Iterator[str]:
    mutmut = Path(sys.executable).parent / "mutmut"
    done = subprocess.run([mutmut, "show", name], cwd=tree, capture_output=True, text=True, check=True)
    yield from done.stdout.splitlines()


if __name__ == "__main__":
    main()
