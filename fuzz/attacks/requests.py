"""Requests that are wrong as HTTP is concerned, or have more of a part than anybody needs, or names that lead astray."""

from collections.abc import Callable
from typing import Any, Final

from fuzz.attacks.attack import PREDICT, TOKEN, Attack, asked, refused

_BAD: Final = refused(0, 400, 413, 431)

_FORM: Final = "multipart/form-data; boundary="


def _multipart(body: bytes, boundary: str = "b") -> bytes:
    return asked(PREDICT, body, _FORM + boundary)


def _parts(count: int) -> bytes:
    return _multipart(b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n' * count + b"--b--\r\n")


def _raw(*lines: bytes, body: bytes = b"") -> Callable[[], bytes]:
    return lambda: b"\r\n".join([b"POST /predict HTTP/1.1", b"Host: x", *lines]) + b"\r\n\r\n" + body


def _headers(count: int, size: int = 1) -> bytes:
    lines = b"".join(b"X-%d: %s\r\n" % (number, b"x" * size) for number in range(count))
    return b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n"


def _query(count: int, path: str = PREDICT) -> bytes:
    return asked(f"{path}?" + "&".join(f"a{number}" for number in range(count)), bytes(784), "application/octet-stream")


_ADMIN: Final = {"Authorization": f"Bearer {TOKEN}"}

NAMES: Final = (
    "..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "....//", "%00", "digits%00", "digits%2f..%2fdigits", "%5c..%5c", "%c0%ae%c0%ae",
    "%ff", "%ef%bc%8e%ef%bc%8e", "d%c3%adgits", "%e2%80%ae", "DIGITS", "digits%20", "digits%0d%0aX:%20y", "~", "-", ".npz",
    "aliases.json", "con", "x" * 300, "%25%32%65", "1%2f1.npz", "*", "$(id)", "{{7*7}}", "'%20or%201=1",
)  # fmt: skip
"""What is no model's name, and no version's."""

ROUTES: Final = (
    ("GET", "/models/{}"), ("GET", "/models/{}/versions/1"), ("GET", "/models/digits/versions/{}"),
    ("GET", "/models/{}/versions/1/report"), ("GET", "/models/digits/versions/{}/report"), ("POST", "/models/{}/versions"),
    ("PUT", "/models/{}/aliases/production"), ("PUT", "/models/digits/aliases/{}"), ("POST", "/models/{}/rollback"),
    ("DELETE", "/models/{}/versions/1"), ("DELETE", "/models/digits/versions/{}"), ("GET", "/page/{}"),
    ("DELETE", "/feedback/{}"), ("POST", "/predict?model={}"), ("POST", "/predict?version={}"), ("POST", "/explain?model={}"),
    ("POST", "/feedback?label=7&model={}"), ("POST", "/feedback?label=7&version={}"), ("GET", "/v2/models/{}"),
    ("GET", "/v2/models/{}/config"), ("GET", "/v2/models/{}/stats"), ("GET", "/v2/models/{}/ready"),
    ("GET", "/v2/models/{}/versions/1"), ("GET", "/v2/models/digits/versions/{}"), ("POST", "/v2/models/{}/infer"),
    ("POST", "/v2/models/digits/versions/{}/infer"), ("POST", "/v2/repository/models/{}/load"),
    ("POST", "/v2/repository/models/{}/unload"), ("GET", "/v1/models/{}"), ("POST", "/v1/models/{}:predict"),
    ("POST", "/v1/models/digits/versions/{}:predict"), ("GET", "/v1/models/digits/labels/{}"),
    ("POST", "/invocations?model={}"), ("POST", "/invocations?version={}"),
)  # fmt: skip
"""Every route with a name in it."""


def _all_names() -> bytes:
    """Every name on every route, with an admin's token, one behind the other on one connection."""
    asking = [
        asked(route.format(name), b'{"version": 1}' if method == "PUT" else b"", "application/json", method=method,
              headers={**_ADMIN, "Connection": "keep-alive"})
        for method, route in ROUTES
        for name in NAMES
    ]  # fmt: skip
    return b"".join(asking) + asked("/healthz", method="GET")


def _attack(name: str, written: Callable[[], bytes], statuses: frozenset[int] = _BAD, **how: Any) -> Attack:
    return Attack(name, written, statuses, **how)


_NUMBERS: Final = b"Content-Type: application/octet-stream"

ATTACKS: Final = (
    _attack("form of 500,000 parts", lambda: _parts(500_000)),
    _attack("form of 6,000,000 boundaries", lambda: _multipart(b"--b\r\n" * 6_000_000)),
    _attack("form of line breaks alone, 32 MB", lambda: _multipart(b"\r\n" * 16_000_000)),
    _attack("form of almost boundaries, 32 MB", lambda: _multipart(b"\r\n--" * 8_000_000, "-" * 60)),
    _attack("form whose boundary is 60,000 long", lambda: _multipart(b"x" * 10**6, "b" * 60_000)),
    _attack("form whose boundary is a pattern", lambda: _multipart(b"a" * 10**6, '"(a*)*$"')),
    _attack(
        "form with a header of 30 MB", lambda: _multipart(b"--b\r\nX: " + b"x" * 30_000_000 + b"\r\n\r\n\r\n--b--")
    ),
    _attack("form with 5,000,000 headers", lambda: _multipart(b"--b\r\n" + b"X:\r\n" * 5_000_000 + b"\r\n\r\n--b--")),
    _attack(
        "form that never ends its part, 32 MB",
        lambda: _multipart(
            b'--b\r\nContent-Disposition: form-data; name="x"; filename="x"\r\n\r\n' + b"\r" * 32_000_000
        ),
        seconds=2.0,
        mb=250.0,
        why="a body of the largest size, copied, each byte of which may begin a line before a boundary",
    ),
    _attack("10,000 headers", lambda: _headers(10_000), refused(200, 431)),
    _attack("a header of 10 MB", lambda: _headers(1, 10_000_000)),
    _attack("a path of 10 MB", lambda: b"GET /" + b"a" * 10_000_000 + b" HTTP/1.1\r\n\r\n"),
    _attack("a header that goes on in the next line", _raw(b"X: a", b" b", b"Content-Length: 0"), refused(400, 415)),
    _attack("a header with a null byte", _raw(b"X: a\0b", b"Content-Length: 0")),
    _attack("a header without a name", _raw(b": x", b"Content-Length: 0")),
    _attack("two lengths", _raw(b"Content-Length: 1", b"Content-Length: 2", body=b"xx")),
    _attack(
        "a length and chunks",
        _raw(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
    ),
    _attack("a length of −1", _raw(b"Content-Length: -1")),
    _attack("a length of 10³⁰", _raw(b"Content-Length: 1" + b"0" * 30)),
    _attack("a length of 10¹⁵", _raw(_NUMBERS, b"Content-Length: 1" + b"0" * 15)),
    _attack("a chunk of 2⁶⁴ bytes", _raw(b"Transfer-Encoding: chunked", body=b"f" * 17 + b"\r\n")),
    _attack(
        "1,000,000 chunks of a byte",
        _raw(
            _NUMBERS, b"Transfer-Encoding: chunked", b"Connection: close", body=b"1\r\nx\r\n" * 1_000_000 + b"0\r\n\r\n"
        ),
        refused(422),
        seconds=3.0,
        why="each is a call of ours; 6 MB",
    ),
    _attack(
        "a chunk with an extension of 10 MB",
        _raw(
            _NUMBERS,
            b"Transfer-Encoding: chunked",
            b"Connection: close",
            body=b"1;" + b"x" * 10_000_000 + b"\r\nx\r\n0\r\n\r\n",
        ),
        refused(0, 400, 413, 422, 431),
    ),
    _attack(
        "trailers without end", _raw(_NUMBERS, b"Transfer-Encoding: chunked", body=b"0\r\n" + b"X: y\r\n" * 1_000_000)
    ),
    _attack("bytes of no protocol, 10 MB", lambda: b"\x16\x03\x01" * 3_000_000),
    _attack(
        "10,000 requests at once",
        lambda: b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" * 10_000 + asked("/healthz", method="GET"),
        refused(200, 404),
        seconds=12.0,
        why="10,000 answers",
        short=False,
    ),
    _attack("a query of 5,000 names", lambda: _query(5_000), refused(422)),
    _attack("a query of 10,000 names to /explain", lambda: _query(10_000, "/explain"), refused(422)),
    _attack("a query of 100,000 names", lambda: _query(100_000)),
    _attack(
        "an Accept of 20,000 kinds",
        lambda: asked("/models", method="GET", headers={"Accept": ",".join(["a/b;q=0.1"] * 6_000)}),
        refused(406),
    ),
    _attack(
        "an Accept-Encoding of 20,000 kinds",
        lambda: asked(
            "/v1/models/digits:predict",
            b'{"instances":[[' + b"0," * 783 + b"0]]}",
            "application/json",
            headers={"Accept-Encoding": ",".join(["a;q=0.1"] * 8_000)},
        ),
        refused(200),
    ),
    _attack(
        "a Content-Type of 60 KB of options",
        lambda: asked(PREDICT, b"x", "multipart/form-data" + ";a=b" * 15_000),
        refused(400),
    ),
    _attack(
        "a Content-Type of 60 KB of quotes",
        lambda: asked(PREDICT, b"x", 'multipart/form-data;a="' + "\\\\" * 30_000),
        refused(400),
    ),
    _attack(
        "a Cookie of 60 KB", lambda: asked("/models", method="GET", headers={"Cookie": "a=b;" * 15_000}), refused(200)
    ),
    _attack(
        f"{len(NAMES)} names that lead astray, on {len(ROUTES)} routes",
        _all_names,
        refused(0, 200, 308, 400, 403, 404, 405, 406, 409, 413, 415, 422, 431),
        seconds=8.0,
        why=f"{len(NAMES) * len(ROUTES)} requests",
    ),
)
