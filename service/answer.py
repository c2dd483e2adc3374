"""Scores → the answer of POST /predict, as JSON text.

The text is put together from parts: those that are the same for every picture of a class are made once, the numbers of
all pictures in one go. A dictionary for each picture, and then their text, took twice as long as the network.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from pydantic_core import to_json

from mlp import network
from mlp.arrays import Float, Ints
from mlp.version import Version

_DECIMALS: Final = 7
"""Of a score in JSON; float32 has no more to give near 1."""


def body(version: Version, scores: Float, top_k: int) -> bytes:
    """Give the answer's JSON for scores (n, c)."""
    labels = version.metadata.labels
    heads, tails = _same_for_all(labels)
    indices = network.winners(scores)  # (n,)
    rounded = np.round(scores.astype(np.float64), _DECIMALS)  # (n, c)
    confidences = to_json(rounded[np.arange(len(indices)), indices].tolist())[1:-1].split(b",")
    rows = to_json(rounded.tolist())[2:-2].split(b"],[")
    best = _top(labels, scores, rounded, top_k) if top_k else [b""] * len(rows)
    predictions = b",".join(
        [
            b'%b%b,"scores":[%b%b%b}' % (heads[index], confidence, row, tails[index], top)
            for index, confidence, row, top in zip(indices.tolist(), confidences, rows, best, strict=True)
        ]
    )
    name = to_json(version.metadata.name)
    return b'{"model":%b,"version":%d,"predictions":[%b]}' % (name, version.metadata.version, predictions)


@lru_cache(maxsize=64)
def _same_for_all(labels: tuple[str, ...]) -> tuple[list[bytes], list[bytes]]:
    """Give by class what stands before and behind the numbers of a picture of that class."""
    heads = [b'{"label":%b,"index":%d,"confidence":' % (to_json(label), n) for n, label in enumerate(labels)]
    one_hot = network.one_hot(np.arange(len(labels)), len(labels)).tolist()
    return heads, [b'],"one_hot":%b' % to_json(row) for row in one_hot]


def _top(labels: tuple[str, ...], scores: Float, rounded: Float, top_k: int) -> list[bytes]:
    """Give for each picture its `top_k` best classes, the first of equals first."""
    order: Ints = np.argsort(-scores, axis=1, kind="stable")[:, :top_k]  # (n, top_k)
    best = np.take_along_axis(rounded, order, axis=1).tolist()
    return [
        b',"top_k":%b' % to_json([{"label": labels[i], "score": score} for i, score in zip(row, found, strict=True)])
        for row, found in zip(order.tolist(), best, strict=True)
    ]
