"""Scores → the output tensors that a request asks for, in JSON or binary, and the classification extension."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydantic_core import to_json

from mlp import network
from mlp.arrays import Float, Ints, Uint8
from mlp.version import Version
from service.errors import InvalidField
from service.v2 import datatypes
from service.v2.message import Message, flag
from service.v2.schemas import RequestedOutput

DATATYPES: Final = {"scores": "FP32", "one_hot": "UINT8", "index": "INT64", "label": "BYTES"}
"""Every output, in the order in which they come when a request asks for none."""

_OF_EVERY_CLASS: Final = ("scores", "one_hot")
"""Those with one value for each class, shape (n, c), which can be sorted into classes; the others have shape (n,)."""

_DECIMALS: Final = 7
"""Of a score in JSON; float32 has no more to give near 1."""

_Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """One output that a request asks for."""

    name: str
    binary: bool
    top: int = 0
    """How many classes to name instead of giving values; 0: values."""


def shape(name: str, classes: int) -> list[int]:
    """Give the shape of an output of one picture."""
    return [classes] if name in _OF_EVERY_CLASS else []


def asked(message: Message) -> list[Asked]:
    """Give the outputs that a request asks for, in its order. Raises InvalidField."""
    if not message.outputs:
        return [Asked(name, message.binary_output) for name in DATATYPES]
    wanted = [_asked(output, index, message) for index, output in enumerate(message.outputs)]
    if len({output.name for output in wanted}) != len(wanted):
        raise InvalidField((("body", "outputs"), "an output is asked for twice"))
    return wanted


def _asked(output: RequestedOutput, index: int, message: Message) -> Asked:
    where = ("body", "outputs", index)
    if output.name not in DATATYPES:
        known = ", ".join(DATATYPES)
        raise InvalidField(((*where, "name"), f"there is no output {output.name[:40]!r}; there are: {known}"))
    parameters = output.parameters or {}
    binary, top = flag(parameters, "binary_data", (*where, "parameters")), parameters.get("classification")
    if top is not None and (type(top) is not int or top < 1):
        raise InvalidField(((*where, "parameters", "classification"), "a number of classes, at least 1, is expected"))
    if top and output.name not in _OF_EVERY_CLASS:
        possible = " and ".join(_OF_EVERY_CLASS)
        raise InvalidField(((*where, "parameters", "classification"), f"only {possible} have a value for each class"))
    return Asked(output.name, message.binary_output if binary is None else binary, top or 0)


def answer(
    version: Version, scores: Float, indices: Ints, wanted: Sequence[Asked], request_id: str | None
) -> tuple[bytes, int | None]:
    """Give the body for scores (n, c), of which `indices` (n,) are the highest.

    And the length of its JSON when tensors are behind that, else None.
    """
    labels = version.metadata.labels
    heads, tensors = list[dict[str, Any]](), list[bytes]()
    for output in wanted:
        datatype, dims, values = _values(output, labels, scores, indices)
        head: dict[str, Any] = {"name": output.name, "datatype": datatype, "shape": dims}
        if output.binary:
            tensors.append(_binary(values, labels, indices))
            head["parameters"] = {"binary_data_size": len(tensors[-1])}
        else:
            head["data"] = _listed(values, labels, indices)
        heads.append(head)
    named = {"model_name": version.metadata.name, "model_version": str(version.metadata.version)}
    if request_id is not None:
        named["id"] = request_id
    text = to_json({**named, "outputs": heads}, inf_nan_mode="null")
    return (b"".join([text, *tensors]), len(text)) if tensors else (text + b"\n", None)


def _values(
    output: Asked, labels: _Labels, scores: Float, indices: Ints
) -> tuple[str, list[int], npt.NDArray[Any] | list[str] | None]:
    """Give an output's datatype, shape and values; None for the labels, which `indices` says already."""
    n, classes = scores.shape
    if output.name == "label":
        return datatypes.BYTES, [n], None
    if output.name == "index":
        return DATATYPES["index"], [n], indices.astype("<i8")
    values: Float | Uint8 = scores if output.name == "scores" else network.one_hot(indices, classes)
    if output.top:
        return datatypes.BYTES, [n, min(output.top, classes)], _classes(values, labels, output.top)
    return DATATYPES[output.name], [n, classes], values


def _classes(values: Float | Uint8, labels: _Labels, top: int) -> list[str]:
    """Give the `top` best classes of each picture, as value:index:label, the first of equals first."""
    order = np.argsort(-values.astype(np.float32), axis=1, kind="stable")[:, :top]  # (n, top)
    best = np.take_along_axis(values, order, axis=1)
    return [
        f"{value:f}:{index}:{labels[index]}"
        for value, index in zip(best.ravel().tolist(), order.ravel().tolist(), strict=True)
    ]


def _listed(values: npt.NDArray[Any] | list[str] | None, labels: _Labels, indices: Ints) -> list[Any]:
    """Give the values for JSON, flat."""
    if values is None:
        return [labels[index] for index in indices.tolist()]
    if isinstance(values, list):
        return values
    if values.dtype.kind == "f":
        return np.round(values.astype(np.float64), _DECIMALS).ravel().tolist()
    return values.ravel().tolist()


def _binary(values: npt.NDArray[Any] | list[str] | None, labels: _Labels, indices: Ints) -> bytes:
    """Give the values as a binary tensor."""
    if isinstance(values, list):
        return b"".join(datatypes.packed(values))
    if values is not None:
        return values.tobytes()
    elements, rows = _elements(labels)
    return rows[indices].tobytes() if rows is not None else b"".join([elements[index] for index in indices.tolist()])


@lru_cache(maxsize=64)
def _elements(labels: _Labels) -> tuple[list[bytes], Uint8 | None]:
    """Give each label as an element of BYTES, and all as an array (c, bytes) where they are equally long."""
    elements = datatypes.packed(labels)
    if len(set(map(len, elements))) > 1:
        return elements, None
    return elements, np.frombuffer(b"".join(elements), np.uint8).reshape(len(labels), -1)
