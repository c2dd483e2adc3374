"""Scores → the answer of POST /predict."""

from typing import Any

import numpy as np

from mlp import network
from mlp.arrays import Float
from mlp.version import Version

_DECIMALS = 7
"""Of a score in JSON; float32 has no more to give near 1."""


def body(version: Version, scores: Float, top_k: int) -> dict[str, Any]:
    """Give the answer's JSON object for scores (n, c)."""
    labels = version.metadata.labels
    indices = network.winners(scores)  # (n,)
    rounded = np.round(scores.astype(np.float64), _DECIMALS).tolist()
    one_hot = network.one_hot(indices, len(labels)).tolist()
    predictions: list[dict[str, Any]] = [
        {"label": labels[index], "index": index, "confidence": row[index], "scores": row, "one_hot": hot}
        for index, row, hot in zip(indices.tolist(), rounded, one_hot, strict=True)
    ]
    if top_k:
        order = np.argsort(-scores, axis=1, kind="stable")[:, :top_k].tolist()  # (n, top_k)
        for prediction, best, row in zip(predictions, order, rounded, strict=True):
            prediction["top_k"] = [{"label": labels[index], "score": row[index]} for index in best]
    return {"model": version.metadata.name, "version": version.metadata.version, "predictions": predictions}
