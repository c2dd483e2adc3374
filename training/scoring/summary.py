"""What all files of a run say together: counted from them, so that it is the same however often a run was ended."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from mlp.metadata import Metadata
from training import report
from training.errors import ScoringError
from training.scoring import output
from training.scoring.output import Output

_SHOWN: Final = 5
"""Bad pictures that are printed; all are in the file."""
_WIDEST: Final = 30
"""Classes in the printed table; those that most pictures are taken for."""


@dataclass(slots=True)
class Summary:
    """Counts over a run's pictures."""

    pictures: int = 0
    bad: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    confidence: Counter[str] = field(default_factory=Counter)
    """Sum of the confidences, by label."""
    first_bad: list[tuple[str, str]] = field(default_factory=list)
    """Key and reason."""


def summarise(where: Output, shards: int, about: Metadata) -> Summary:
    """Read the files of all shards one by one, write the list of bad pictures and the summary, and give that.

    Raises ScoringError when a file is missing or damaged.
    """
    if missing := set(range(shards)) - output.finished(where.names()):
        raise ScoringError(
            f"{output.part(min(missing))} is not in {where.location}, although it was written; on a cluster, give a "
            "folder that all workers have in common, or s3://bucket/prefix"
        )
    found = Summary()
    where.write(output.ERRORS, _counted(found, where, shards))
    document = json.dumps(_document(found, about), indent=2, ensure_ascii=False)
    where.write(output.SUMMARY, [document.encode(), b"\n"])
    return found


def printed(summary: Summary, about: Metadata, where: Output) -> str:
    """Give the summary as text: what the pictures are taken for, and the first of the bad ones."""
    labels = [label for label in about.labels if summary.labels[label]]
    if len(labels) > _WIDEST:
        labels = [label for label, _ in summary.labels.most_common(_WIDEST)]
    rows = [
        (label, str(summary.labels[label]), f"{summary.confidence[label] / summary.labels[label]:.4f}")
        for label in labels
    ]
    lines = [report.table(("label", "pictures", "mean confidence"), rows)] if rows else []
    if summary.bad:
        first = [f"  {key}: {why}" for key, why in summary.first_bad]
        more = [f"  … and {summary.bad - len(first)} more"] if summary.bad > len(first) else []
        lines += ["", f"bad pictures, all of them in {where.location}/{output.ERRORS}:", *first, *more]
    return "\n".join(lines)


def _counted(found: Summary, where: Output, shards: int) -> Iterator[bytes]:
    """Count all files into `found`, giving a line for each bad picture on the way."""
    for number in range(shards):
        table = _table(where, output.part(number))
        _count(found, table)
        for key, error in _bad(table):
            yield json.dumps({"key": key, "error": error}, ensure_ascii=False).encode() + b"\n"


def _table(where: Output, name: str) -> pa.Table:
    try:
        data = pa.BufferReader(where.read(name))
        return pq.read_table(data, columns=["key", "label", "confidence", "error"], use_threads=False)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise ScoringError(
            f"{name} in {where.location} is damaged: remove it and give the same command again ({error})"
        ) from error


def _count(found: Summary, table: pa.Table) -> None:
    found.pictures += table.num_rows
    totals = table.group_by("label", use_threads=False).aggregate([([], "count_all"), ("confidence", "sum")])
    for row in totals.to_pylist():
        if row["label"] is not None:
            found.labels[row["label"]] += row["count_all"]
            found.confidence[row["label"]] += row["confidence_sum"]
    for key, error in _bad(table):
        found.bad += 1
        if len(found.first_bad) < _SHOWN:
            found.first_bad.append((key, error))


def _bad(table: pa.Table) -> Iterator[tuple[str, str]]:
    rows = table.filter(table["error"].is_valid())
    yield from zip(rows["key"].to_pylist(), rows["error"].to_pylist(), strict=True)


def _document(found: Summary, about: Metadata) -> dict[str, Any]:
    labels = {label: found.labels[label] for label in about.labels if found.labels[label]}
    return {
        "model": about.name,
        "version": about.version,
        "pictures": found.pictures,
        "bad": found.bad,
        "labels": labels,
    }
