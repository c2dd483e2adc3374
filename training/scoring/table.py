"""A shard's answers as one Parquet file: what its columns are, and that the same answers give the same bytes."""

import json
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from mlp.arrays import Float
from mlp.metadata import Metadata
from mlp.model import Predictions

CLASSES: Final = b"classes"
"""Key in the schema's metadata: the labels as JSON, in the order of the scores."""


def schema(about: Metadata) -> pa.Schema:
    """Give the columns. A bad picture has an `error`, and no label, confidence or scores."""
    return pa.schema(
        [
            pa.field("key", pa.string(), nullable=False),
            pa.field("index", pa.int64(), nullable=False),
            pa.field("label", pa.string()),
            pa.field("confidence", pa.float32()),
            pa.field("scores", pa.list_(pa.float32(), len(about.labels))),
            pa.field("model", pa.string(), nullable=False),
            pa.field("version", pa.int32(), nullable=False),
            pa.field("sha256", pa.string(), nullable=False),
            pa.field("error", pa.string()),
        ],
        metadata={CLASSES: json.dumps(about.labels).encode()},
    )


def parquet(about: Metadata, keys: Sequence[str], first: int, scores: Float, errors: Sequence[str | None]) -> bytes:
    """Give the file of n pictures, of which the first is the source's picture `first`.

    scores is (k, c), of the k pictures that have no error, in their order.
    """
    n = len(keys)
    good = np.array([error is None for error in errors], bool)  # (n,)
    said = Predictions.of(scores, about.labels)
    labels = np.full(n, None, object)
    labels[good] = said.labels
    columns = [
        pa.array([_text(key) for key in keys], pa.string()),
        pa.array(np.arange(first, first + n), pa.int64()),
        pa.array(labels, pa.string()),
        pa.array(_spread(said.confidences, good), pa.float32(), mask=~good),
        pa.FixedSizeListArray.from_arrays(_spread(scores, good).ravel(), scores.shape[1], mask=pa.array(~good)),
        pa.array([about.name] * n, pa.string()),
        pa.array(np.full(n, about.version), pa.int32()),
        pa.array([about.sha256] * n, pa.string()),
        pa.array([error and _text(error) for error in errors], pa.string()),
    ]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(columns, schema=schema(about)), sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def _spread(values: Float, good: npt.NDArray[np.bool_]) -> Float:
    """Give values (k, …) at the places of the good pictures, and 0 elsewhere, (n, …)."""
    spread = np.zeros((len(good), *values.shape[1:]), np.float32)
    spread[good] = values
    return spread


def _text(text: str) -> str:
    r"""Give a text that UTF-8 can hold: the bytes of a file's name that are none as \xff."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
