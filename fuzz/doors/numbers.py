"""Numbers in all the forms that they may come in: JSON, .npy, raw, rows, tables, tensors."""

import io
import json
from typing import Any, Final

import numpy as np

from fuzz.door import REFUSALS, Door, Mutator
from fuzz.doors.reading import VERSION, reading
from fuzz.mutators import lines, plain, tree
from service import body, instances
from service.invocations import Invocation
from service.json_body import parsed
from service.v1 import PredictRequest
from service.v2 import images, message, outputs

_PIXELS: Final = [0, 255] * 392

_PICTURE: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAABwAAAAcCAAAAABXZoBIAAAAF0lEQVR4nGNgGAWjYBSMglEwCkbBKBgFABAAAAGjbkHnAAAAAElFTkSuQmCC"
)


def _text(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _scored(data: bytes, content_type: str) -> None:
    """Read a body as for /predict, and compute the scores: what was let in must be numbers."""
    pixels = body.read({"CONTENT_TYPE": content_type}, data, reading())
    if not np.isfinite(VERSION.scores(pixels)).all():
        raise AssertionError("scores that are not finite")


def _json(data: bytes) -> None:
    _scored(data, "application/json")


def _npy(data: bytes) -> None:
    _scored(data, "application/x-npy")


def _rows(data: bytes) -> None:
    """Read a body as for /invocations and for /v1."""
    for read in (_invocation, _instances):
        try:
            read(data)
        except REFUSALS:
            pass


def _invocation(data: bytes) -> None:
    parsed(Invocation, data).pixels(reading())


def _instances(data: bytes) -> None:
    asked = parsed(PredictRequest, data)
    instances.read(asked.instances if asked.inputs is None else asked.inputs, reading(), ("body",))


def _csv(data: bytes) -> None:
    instances.read_csv(data, reading())


def _v2(data: bytes) -> None:
    """Read a body as for /v2: its first line is the header that says how long its JSON is, or empty."""
    header, _, rest = data.partition(b"\n")
    asked = message.read(rest, header.decode("latin-1") or None)
    wanted = outputs.asked(asked)
    pixels = images.read(asked, reading(asked.prepare), "image/png" if rest[:4] == b"\x89PNG" else "")
    scores = VERSION.scores(pixels)
    outputs.answer(VERSION, scores, scores.argmax(axis=1), wanted, asked.id)


def _npys() -> list[bytes]:
    arrays: list[Any] = [np.zeros((28, 28), kind) for kind in ("u1", "<f4", ">f8", "<i8", "<f2", "?", "c8", "U1")]
    arrays += [np.zeros((2, 784), "u1"), np.asfortranarray(np.ones((2, 28, 28))), np.float32(1), np.zeros((0, 784))]
    found = []
    for array in arrays:
        file = io.BytesIO()
        np.save(file, array)
        found.append(file.getvalue())
    return found


def _tensor(datatype: str, data: Any = None, size: int | None = None, shape: tuple[int, ...] = (1, 784)) -> Any:
    tensor: dict[str, Any] = {"name": "images", "shape": shape, "datatype": datatype}
    if data is not None:
        tensor["data"] = data
    if size is not None:
        tensor["parameters"] = {"binary_data_size": size}
    return {"id": "1", "inputs": [tensor], "outputs": [{"name": "scores", "parameters": {"binary_data": True}}]}


def _v2s() -> list[bytes]:
    in_json = [_tensor("UINT8", _PIXELS), _tensor("FP32", [0.5] * 784), _tensor("BYTES", [_PICTURE], shape=(1,))]
    found = [b"\n" + _text(message) for message in in_json]
    for head, tail in (
        (_tensor("UINT8", size=784), bytes(784)),
        (_tensor("FP16", size=1568), bytes(1568)),
        (_tensor("BYTES", size=9, shape=(1,)), b"\x05\0\0\0hello"),
    ):
        text = _text(head)
        found.append(b"%d\n" % len(text) + text + tail)
    asking = {**_tensor("INT64", _PIXELS), "parameters": {"pixel_max": 255, "prepare": "auto"}}
    labels = {**asking, "outputs": [{"name": "label", "parameters": {"classification": 3}}]}
    return [*found, b"0\n" + bytes(784), b"\n" + _text(labels)]


_SHARED: Final = (b"[", b"]", b"{", b"}", b",", b":", b"null", b"1e400", b"-0", b"9" * 30, b"[" * 300, b'"\\ud800"')

_JSON: Final[Mutator] = plain.with_words(_SHARED, tree.mutator(("pixels", "pixel_max", "image", "images", "x")))

_ROWS: Final[Mutator] = plain.with_words(
    _SHARED,
    tree.mutator(
        ("instances", "inputs", "dataframe_split", "dataframe_records", "signature_name", "data", "b64", "images")
    ),
)

_MESSAGE: Final[Mutator] = tree.mutator(
    ("inputs", "outputs", "parameters", "name", "shape", "datatype", "data", "binary_data_size", "binary_data",
     "classification", "binary_data_output", "prepare", "pixel_max", "id", "shared_memory_region"),
)  # fmt: skip


def _v2_mutated(data: bytes, draw: Any) -> bytes:
    """Change the JSON, and mostly say its length right; or anything."""
    header, _, rest = data.partition(b"\n")
    length = int(header) if header.isdigit() and len(header) < 9 else len(rest)
    if draw.random() < 0.25:
        return plain.mutated(data, draw)
    text, behind = _MESSAGE(rest[:length], draw), rest[length:]
    if draw.random() < 0.2:
        behind = plain.mutated(behind, draw)
    return (b"%d" % len(text) if header else b"") + b"\n" + text + behind


_HEADER_WORDS: Final = (
    b"\x93NUMPY\x01\x00", b"\x93NUMPY\x02\x00", b"\x93NUMPY\x03\x00", b"'descr'", b"'|O'", b"'<f4'", b"'<M8[s]'", b"'|V0'",
    b"(-1,)", b"(2**99,)", b"(999999999999999999,)", b"((((", b"True", b"[('a','<f4')]", b"'<U99999999'", b"0, ", b"1L",
)  # fmt: skip

_CSV_WORDS: Final = (
    b",",
    b'"',
    b'""',
    b"\n",
    b"\r",
    b"\0",
    b"1e400",
    b"nan",
    b"inf",
    b"-1",
    b"256",
    b"\xff",
    b"0x1",
    b"1_0",
)

DOORS: Final = {
    "json": Door(
        _json,
        lambda: [
            _text({"pixels": _PIXELS}),
            _text({"pixels": [[[0] * 28] * 28], "pixel_max": 1}),
            _text({"image": _PICTURE}),
            _text({"images": ["data:image/png;base64," + _PICTURE]}),
        ],
        _JSON,
        120_000,
    ),
    "npy": Door(_npy, _npys, plain.with_words(_HEADER_WORDS), 120_000),
    "rows": Door(
        _rows,
        lambda: [
            _text({"instances": [_PIXELS]}),
            _text({"instances": [{"b64": _PICTURE}]}),
            _text({"inputs": {"images": [[[0.5] * 28] * 28]}}),
            _text({"dataframe_split": {"columns": ["a"], "data": [[_PICTURE]]}}),
            _text({"dataframe_records": [{"image": _PICTURE}]}),
        ],
        _ROWS,
        100_000,
    ),
    "csv": Door(
        _csv,
        lambda: [
            b"image\n" + _PICTURE.encode() + b"\n",
            b",".join([b"p"] * 784) + b"\n" + b",".join([b"7"] * 784) + b"\n",
            b",".join([b"p"] * 784) + b"\r\n" + b",".join([b"0.5"] * 784),
        ],
        lines.mutator(_CSV_WORDS, b","),
        100_000,
    ),
    "v2": Door(_v2, _v2s, _v2_mutated, 120_000),
}
