"""POST …/infer: body → message → pixels → scores → output tensors."""

import re
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from mlp.arrays import Float, Ints, Pixels
from mlp.version import Version
from service import answering, content_encoding, each_request
from service.answering import Body, Environ
from service.body import Reading
from service.inference import Found, Inference, key_of
from service.v2 import images, message, outputs

_HEADER: Final = f"HTTP_{message.HEADER.upper().replace('-', '_')}"

_PATH: Final = re.compile(r"/v2/models/([\w.-]+)(?:/versions/([\w.-]+))?/infer/?", re.ASCII)


_ROUTE: Final = "/v2/models/<name>/infer"
_ROUTE_OF_VERSION: Final = "/v2/models/<name>/versions/<version>/infer"


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of an answer, and the headers that say what it is."""

    body: bytes
    headers: list[tuple[str, str]]


class Infer:
    """Answers requests by their headers in `environ` and their bodies; may be called from any thread."""

    def __init__(self, inference: Inference, max_body_bytes: int) -> None:
        self.inference = inference
        """What answers, and has the shadow asked."""
        self._limit = max_body_bytes

    def __call__(
        self, environ: Environ, body: Body, name: str, reference: str | None, request_id: str
    ) -> Found[Answer]:
        """Answer for a model, and a version's number or alias. Raises what service/errors.py knows."""
        begun = perf_counter()
        plain = content_encoding.decoded(body, environ.get("HTTP_CONTENT_ENCODING", ""), self._limit)
        asked = message.read(plain, environ.get(_HEADER))
        wanted = outputs.asked(asked)

        def read(reading: Reading) -> Pixels:
            return images.read(asked, reading, environ.get("CONTENT_TYPE", ""))

        def write(version: Version, scores: Float, indices: Ints) -> Answer:
            text, length = outputs.answer(version, scores, indices, wanted, asked.id)
            return _answer(text, length, environ.get("HTTP_ACCEPT_ENCODING", ""))

        return self.inference(name, reference, key_of(environ, request_id), asked.prepare, read, write, begun)

    def direct(self, environ: Environ, body: Body) -> answering.Answer | None:
        """Give the answer that Flask's route would give, without Flask's dispatch; None for any other request.

        Raises what service/errors.py knows.
        """
        path = _PATH.fullmatch(environ["PATH_INFO"])
        if path is None or environ["REQUEST_METHOD"] != "POST":
            return None
        begun = each_request.begin(environ, only_json=False)
        found = self(environ, body, path[1], path[2], begun.id)
        route = _ROUTE if path[2] is None else _ROUTE_OF_VERSION
        return self.inference.answered(found, begun, environ, route, found.written.headers, found.written.body)


def _answer(body: bytes, json_length: int | None, accepted: str) -> Answer:
    body, headers = content_encoding.encoded(body, accepted)
    if json_length is None:
        return Answer(body, [("Content-Type", "application/json"), *headers])
    said = [("Content-Type", "application/octet-stream"), (message.HEADER, str(json_length))]
    return Answer(body, said + headers)
