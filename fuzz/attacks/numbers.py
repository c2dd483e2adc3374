"""JSON, arrays, tables and tensors that say more than they hold, or hold more than anybody needs."""

import base64
import json
import struct
from functools import partial
from typing import Any, Final

from fuzz.attacks.attack import PREDICT, Attack, asked, refused

_JSON: Final = "application/json"

_BAD: Final = refused(400, 413, 422)


def _json(body: bytes, path: str = PREDICT) -> bytes:
    return asked(path, body, _JSON)


def _pixels(what: bytes, times: int, path: str = PREDICT, name: bytes = b"pixels") -> bytes:
    return _json(b'{"%s":[' % name + b",".join([what] * times) + b"]}", path)


def _npy(shape: str, kind: str = "<f4", behind: bytes = b"") -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-len(text) % 64) + b"\n"
    return asked(PREDICT, b"\x93NUMPY\x02\0" + struct.pack("<I", len(text)) + text + behind, "application/x-npy")


def _tensor(size: Any, shape: Any, behind: bytes, datatype: str = "BYTES", header: str | None = None) -> bytes:
    parameters = {"binary_data_size": size}
    tensor = {"name": "images", "shape": shape, "datatype": datatype, "parameters": parameters}
    text = json.dumps({"inputs": [tensor]}).encode()
    length = {"Inference-Header-Content-Length": str(len(text)) if header is None else header}
    return asked("/v2/models/digits/infer", text + behind, "application/octet-stream", headers=length)


def _csv(body: bytes) -> bytes:
    return asked("/invocations", body, "text/csv")


def _base64() -> bytes:
    return _json(b'{"image":"' + base64.b64encode(bytes(20_000_000)) + b'"}')


def _json_attack(name: str, body: bytes | Any, path: str = PREDICT, **how: Any) -> Attack:
    return Attack(name, lambda: _json(body() if callable(body) else body, path), _BAD, **how)


_LONG: Final[dict[str, Any]] = {
    "why": "a body of the largest size, each value of which is a Python object",
    "seconds": 8.0, "mb": 1200.0, "short": False,
}  # fmt: skip

ATTACKS: Final = (
    _json_attack("JSON nested 1,000,000 deep", b"[" * 1_000_000),
    _json_attack("JSON of pixels nested 1,000,000 deep", b'{"pixels":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}"),
    _json_attack(
        "the same to /v1", b'{"instances":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}", "/v1/models/digits:predict"
    ),
    _json_attack(
        "the same to /v2", b'{"inputs":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}", "/v2/models/digits/infer"
    ),
    _json_attack(
        "the same, objects to /invocations", b'{"inputs":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, "/invocations"
    ),
    Attack("list of 1,000,000 texts", partial(_pixels, b'"a"', 1_000_000), _BAD),
    Attack("list of 1,000,000 nulls", partial(_pixels, b"null", 1_000_000), _BAD),
    Attack("list of 1,000,000 empty objects", partial(_pixels, b"{}", 1_000_000), _BAD),
    Attack(
        "list of 1,000,000 empty lists", partial(_pixels, b"[]", 1_000_000), _BAD, seconds=2.0, why="1,000,000 lists"
    ),
    Attack("list of 1,000,000 numbers", partial(_pixels, b"1", 1_000_000), _BAD),
    Attack(
        "list of 16,000,000 numbers and a text",
        lambda: _json(b'{"pixels":[' + b"1," * 16_000_000 + b'""]}'),
        _BAD,
        **_LONG,
    ),
    Attack(
        "16,000,000 numbers to /v1",
        lambda: _json(b'{"instances":[' + b"1," * 16_000_000 + b"1]}", "/v1/models/digits:predict"),
        _BAD,
        **_LONG,
    ),
    Attack(
        "16,000,000 numbers in one row to /invocations",
        lambda: _json(b'{"inputs":[[' + b"1," * 16_000_000 + b"1]]}", "/invocations"),
        _BAD,
        **_LONG,
    ),
    Attack(
        "16,000,000 numbers to /v2, none named",
        lambda: _json(b'{"inputs":[' + b"1," * 16_000_000 + b"1]}", "/v2/models/digits/infer"),
        _BAD,
        **_LONG,
    ),
    Attack("numbers of 1e400", partial(_pixels, b"1e400", 784), _BAD),
    Attack("a number of 100,000 digits", partial(_pixels, b"9" * 100_000, 1), _BAD),
    Attack("784 numbers of 40,000 digits", partial(_pixels, b"9" * 40_000, 784), _BAD, short=False),
    Attack("a number of 1,000,000 decimals", partial(_pixels, b"0." + b"1" * 1_000_000, 784 // 28), _BAD),
    Attack("NaN and Infinity", partial(_pixels, b"NaN,Infinity,-Infinity", 262), _BAD),
    _json_attack("1,000,000 fields of one name", b"{" + b'"pixels":1,' * 1_000_000 + b'"pixels":1}'),
    _json_attack(
        "300,000 fields of other names",
        lambda: json.dumps(dict.fromkeys(map(str, range(300_000)), 0)).encode(),
        why="300,000 Python objects",
    ),
    _json_attack("a text of 30 MB", b'{"image":"' + b"a" * 30_000_000 + b'"}'),
    _json_attack("texts escaped 5,000,000 times", b'{"image":"' + b"\\u0000" * 5_000_000 + b'"}'),
    Attack("27 MB of base64", _base64, _BAD),
    _json_attack("500,000 empty pictures", b'{"images":[' + b'"",' * 500_000 + b'""]}'),
    Attack(".npy that says 10¹⁸ bytes", partial(_npy, "(500000000, 500000000)"), _BAD),
    Attack(".npy of negative lengths", partial(_npy, "(-1, -784)", "|u1", bytes(784)), _BAD),
    Attack(".npy of 10⁹⁹⁹ pictures", partial(_npy, "(" + "9" * 999 + ", 784)"), _BAD),
    Attack(".npy of 2,000 dimensions", partial(_npy, "(" + "1," * 2000 + ")"), _BAD),
    Attack(".npy of objects", partial(_npy, "(1,)", "|O", b"\x80\x04."), _BAD),
    Attack(".npy of texts of 2³¹ letters", partial(_npy, "(1,)", "<U536870911"), _BAD),
    Attack(
        ".npy whose header is 10 MB",
        lambda: asked(PREDICT, b"\x93NUMPY\x02\0" + struct.pack("<I", 10**7) + b"(" * 10**7, "application/x-npy"),
        _BAD,
    ),
    Attack(
        "raw bytes, one too many in 32 MB",
        lambda: asked(PREDICT, bytes(784 * 42_799 + 1), "application/octet-stream"),
        _BAD,
    ),
    Attack(
        "raw bytes of 42,799 pictures", lambda: asked(PREDICT, bytes(784 * 42_799), "application/octet-stream"), _BAD
    ),
    Attack("tensor whose texts say 4 GB", partial(_tensor, 8, [1], b"\xff\xff\xff\xffabcd"), _BAD),
    Attack("tensor of 5,000,000 empty texts", lambda: _tensor(20_000_000, [4096], bytes(20_000_000)), _BAD),
    Attack("tensor whose shape overflows", partial(_tensor, 784, [2**62, 784], bytes(784), "UINT8"), _BAD),
    Attack(
        "tensor whose shape has 10,000 digits",
        lambda: (
            _tensor(784, [], bytes(784), "UINT8")
            .replace(b"[]", b"[" + b"9" * 10_000 + b"]")
            .replace(b"Content-Length: ", b"X: ", 1)
        ),
        refused(400, 411, 422),
    ),
    Attack("tensor behind a length of 10¹⁷", partial(_tensor, 784, [1, 784], bytes(784), "UINT8", "9" * 17), _BAD),
    Attack("tensor behind a length of −1", partial(_tensor, 784, [1, 784], bytes(784), "UINT8", "-1"), _BAD),
    Attack("tensor of −1 bytes", partial(_tensor, -1, [1, 784], bytes(784), "UINT8"), _BAD),
    Attack(
        "table of 5,000,000 lines",
        lambda: _csv(b"image\n" * 5_000_000),
        _BAD,
        mb=600.0,
        why="5,000,000 lines, each a Python object",
    ),
    Attack("table of 10,000,000 cells in a line", lambda: _csv(b"a,b\n" + b"1," * 10_000_000 + b"1\n"), _BAD, **_LONG),
    Attack("table with a cell of 30 MB", lambda: _csv(b'a,b\n"' + b"x" * 30_000_000 + b'",1\n'), _BAD),
    Attack(
        "table of short cells beside one of 1 MB",
        lambda: _csv(b"a,b\n" + b"1," * 5000 + b"1" * 1_000_000 + b"\n"),
        _BAD,
    ),
)
