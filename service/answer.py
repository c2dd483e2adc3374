"""Scores → the answer of POST /predict, as JSON text.

No Python object is made for the pictures and numbers of a batch. Scores from 0 to 1 have as many digits as each other,
so that each picture's text is of one length: a batch's is an array of bytes, into whose columns digits are copied from
a table. For a few pictures that takes longer than writing one after the other does.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Final

import numpy as np
from pydantic_core import to_json

from mlp.arrays import Float, Ints, Uint8
from mlp.version import Version

_DECIMALS: Final = 7
"""Of a score in JSON; float32 has no more to give near 1."""

_NUMBER: Final = np.dtype([("high", "S5"), ("low", "S4"), ("behind", "S1")])
"""A score's nine characters in two parts, and the one behind it."""

_FEW: Final = 4
"""Pictures up to which they are written one after the other."""


def body(version: Version, scores: Float, indices: Ints, top_k: int) -> bytes:
    """Give the answer's JSON for scores (n, c), of which `indices` (n,) are the highest."""
    labels = version.metadata.labels
    if len(scores) <= _FEW or top_k or not (scores.min() >= 0 and scores.max() <= 1):
        predictions = ",".join(_one_by_one(labels, scores, indices, top_k)).encode()
    else:
        predictions = _together(labels, scores, indices)
    name = to_json(version.metadata.name)
    return b'{"model":%b,"version":%d,"predictions":[%b]}' % (name, version.metadata.version, predictions)


@dataclass(frozen=True, slots=True)
class _Texts:
    """What stands around the numbers of a picture, by the class that it is; all of a kind have as many bytes."""

    before: list[str]
    """Before its confidence."""
    between: str
    """Between its confidence and its scores."""
    after: list[str]
    """Behind its scores, up to the last bracket."""


@lru_cache(maxsize=16)
def _texts(labels: tuple[str, ...]) -> _Texts:
    before = [f'{{"label":{_quoted(label)},"index":{index},' for index, label in enumerate(labels)]
    longest = max(len(text.encode()) for text in before)
    one_hot = [["1" if index == one else "0" for index in range(len(labels))] for one in range(len(labels))]
    return _Texts(
        [f'{text}{" " * (longest - len(text.encode()))}"confidence":' for text in before],
        ',"scores":[',
        [f'],"one_hot":[{",".join(row)}]' for row in one_hot],
    )


def _one_by_one(labels: tuple[str, ...], scores: Float, indices: Ints, top_k: int) -> list[str]:
    texts = _texts(labels)
    predictions = []
    for index, row in zip(indices.tolist(), scores.tolist(), strict=True):
        numbers = [f"{score:.{_DECIMALS}f}" if isfinite(score) else "null" for score in row]
        top = f',"top_k":{_top(labels, row, numbers, top_k)}' if top_k else ""
        text = f"{texts.before[index]}{numbers[index]}{texts.between}{','.join(numbers)}{texts.after[index]}{top}}}"
        predictions.append(text)
    return predictions


def _top(labels: tuple[str, ...], row: list[float], numbers: list[str], top_k: int) -> str:
    """Give the `top_k` best classes, the first of equals first."""
    order = sorted(range(len(row)), key=lambda index: -row[index])[:top_k]
    return "[" + ",".join(f'{{"label":{_quoted(labels[i])},"score":{numbers[i]}}}' for i in order) + "]"


def _quoted(label: str) -> str:
    return json.dumps(label, ensure_ascii=False)


def _together(labels: tuple[str, ...], scores: Float, indices: Ints) -> bytes:
    """Write predictions with scores 0 … 1, (n, c)."""
    frame = _frame(labels)
    n, classes = scores.shape
    every = np.arange(n)
    rows = np.empty((n, len(frame.row)), np.uint8)
    rows[:] = frame.row
    rows[:, : frame.before.shape[1]] = frame.before[indices]
    rows[every, frame.one_hot + 2 * indices] = ord("1")
    whole = np.rint(scores.astype(np.float64) * 10**_DECIMALS).astype(np.int32)
    high = whole // 10_000
    numbers = rows[:, frame.scores : frame.scores + classes * _NUMBER.itemsize].view(_NUMBER)  # (n, c)
    numbers["high"] = _HIGH.take(high)
    numbers["low"] = _LOW.take(whole - high * 10_000)
    confidence = rows[:, frame.before.shape[1] :][:, : _NUMBER.itemsize].view(_NUMBER)[:, 0]  # (n,)
    for part in ("high", "low"):
        confidence[part] = numbers[part][every, indices]
    return rows.tobytes()[:-1]


@dataclass(frozen=True, slots=True)
class _Frame:
    """The text of a picture as bytes, a comma at its end, and the columns in it."""

    row: Uint8
    """Of no class, all numbers 0."""
    before: Uint8
    """Shape (c, k): the first k bytes of a picture of each class."""
    scores: int
    """Where the first score begins."""
    one_hot: int
    """Where the first class's 0 or 1 is."""


@lru_cache(maxsize=16)
def _frame(labels: tuple[str, ...]) -> _Frame:
    texts, zero = _texts(labels), f"{0:.{_DECIMALS}f}"
    before = np.array([list(text.encode()) for text in texts.before], np.uint8)
    head = f"{texts.before[0]}{zero}{texts.between}"
    scores = f"{head}{','.join([zero] * len(labels))}"
    zeros = texts.after[0].replace("1", "0")
    row = f"{scores}{zeros}}},".encode()
    return _Frame(np.frombuffer(row, np.uint8), before, len(head.encode()), len(scores.encode()) + zeros.index("0"))


_HIGH: Final = np.array([f"{n / 1000:.3f}" for n in range(1001)], _NUMBER["high"])
"""The first characters of a score, by what they count in thousandths."""

_LOW: Final = np.array([f"{n:04}" for n in range(10_000)], _NUMBER["low"])
"""The other four."""
