"""What tests of scoring share: sources to score, the command in this process or its own, and what it has written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from click.testing import CliRunner, Result

from mlp.local_store import LocalStore
from tests import pictures
from tests.drafts import ROOT
from training.cli import main


def score(store: LocalStore, source: object, output: object, *more: object, status: int = 0) -> Result:
    """Run the command in this process; its jobs have processes of their own."""
    arguments = ["--models", store.root, "score", "digits", "1", source, "--output", output, *more]
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == status, result.output + str(result.exception)
    return result


def start(
    store: LocalStore, source: object, output: object, *more: object, stderr: int = subprocess.STDOUT
) -> subprocess.Popen:
    """Start the command as a process."""
    arguments = ["--models", store.root, "score", "digits", "1", source, "--output", output, *more]
    return subprocess.Popen(
        [sys.executable, "-m", "training", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


def parts(output: Path) -> dict[str, bytes]:
    """The files that have been written, by name, but the plan, which names the source."""
    return {path.name: path.read_bytes() for path in sorted(output.iterdir()) if path.name != "_plan.json"}


def table(output: Path) -> pa.Table:
    """All answers, in order; read as anybody would."""
    return pq.read_table(output, partitioning=None)


def scores(answers: pa.Table) -> np.ndarray:
    """The scores (k, c) of the pictures that were not bad."""
    column = answers["scores"].combine_chunks()
    return column.flatten().to_numpy().reshape(-1, column.type.list_size)


def bad(output: Path) -> dict[str, str]:
    """The listed pictures, and why they are bad."""
    lines = (output / "_errors.jsonl").read_text(encoding="utf-8").splitlines()
    return {entry["key"]: entry["error"] for entry in map(json.loads, lines)}


def pngs(folder: Path, images: np.ndarray, each: int = 100) -> list[Path]:
    """Write pictures as PNG files into sub-folders of so many, and give their paths in the order of their keys."""
    paths = []
    for number, image in enumerate(images):
        path = folder / f"{number // each:03d}" / f"{number:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pictures.encoded(image))
        paths.append(path)
    return paths


def large_pictures(folder: Path, count: int) -> None:
    """Write drawings on paper, which take some hundredths of a second each: without its grain they are read faster."""
    folder.mkdir(parents=True, exist_ok=True)
    sheet = pictures.a_stroke(2400, 2000) - np.random.default_rng(0).integers(0, 2, (2400, 2000), np.uint8)
    different = []
    for number in range(7):
        sheet[1400:1440, 200 + 20 * number : 600 + 20 * number] = 20
        different.append(pictures.encoded(sheet, compress_level=1))
    for number in range(count):
        (folder / f"{number:03d}.png").write_bytes(different[number % 7])


def children(pid: int) -> list[int]:
    """The processes that a process has started, and that have not ended."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


def processor_seconds(pid: int) -> float:
    """How long a process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
