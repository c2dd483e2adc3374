"""A running service: starting one for the time of a measurement, and asking it."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from benchmarks.accuracy.encoded import Picture

_ROOT: Final = Path(__file__).parent.parent.parent
_START_SECONDS: Final = 60
_REQUEST: Final = 25
"""Pictures in one request."""
_CLIENTS: Final = 4
"""Requests at a time."""
_BOUNDARY: Final = "picture-boundary-7d1f0a"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service says of one picture."""

    label: str
    """"" where it refuses the picture."""
    confidence: float
    """0 … 1; 0 where it refuses the picture."""
    refusal: str = ""
    """Why it refuses it."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service at an address, and the version of a model that is asked there."""

    url: str
    model: str
    version: str
    """A number or an alias."""

    def metadata(self) -> dict[str, Any]:
        """Give what the version says of itself. Ends where there is no such version."""
        try:
            address = f"{self.url}/models/{self.model}/versions/{self.version}"
            with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - the user's own address
                return json.load(answer)
        except urllib.error.HTTPError as error:
            sys.exit(f"{self.url}: {json.load(error)['detail']}")
        except urllib.error.URLError as error:
            sys.exit(f"nothing answers at {self.url}: {error.reason}")

    def answers(self, pictures: Iterable[Picture]) -> Iterator[tuple[Picture, Answer]]:
        """Post pictures, some in a request and some requests at a time; give each with its answer, in order."""
        with ThreadPoolExecutor(_CLIENTS) as clients:
            tasks = [
                (several, clients.submit(self._several, [picture.data for picture in several]))
                for several in _portions(iter(pictures))
            ]
            for several, task in tasks:
                yield from zip(several, task.result(), strict=True)

    def _several(self, pictures: Sequence[bytes]) -> list[Answer]:
        try:
            return self._post(*_form(pictures))
        except urllib.error.HTTPError as error:
            if error.code != 422 and error.code < 500:
                raise
            if len(pictures) == 1:
                return [Answer("", 0, f"{error.code}: {json.load(error)['detail']}")]
        # One that is refused makes the whole request fail, and names itself alone.
        return [answer for picture in pictures for answer in self._several([picture])]

    def _post(self, body: bytes, content_type: str) -> list[Answer]:
        query = urllib.parse.urlencode({"model": self.model, "version": self.version, "prepare": "auto"})
        request = urllib.request.Request(f"{self.url}/predict?{query}", body, {"Content-Type": content_type})  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - the user's own address
            predictions = json.load(answer)["predictions"]
        return [Answer(prediction["label"], prediction["confidence"]) for prediction in predictions]


def _portions(pictures: Iterator[Picture]) -> Iterator[list[Picture]]:
    while several := list(islice(pictures, _REQUEST)):
        yield several


def _form(pictures: Sequence[bytes]) -> tuple[bytes, str]:
    """Give a multipart/form-data body with a file for each picture, and its content type."""
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="image"\r\n\r\n'.encode()
    body = b"".join(head + picture + b"\r\n" for picture in pictures) + f"--{_BOUNDARY}--\r\n".encode()
    return body, f"multipart/form-data; boundary={_BOUNDARY}"


@contextmanager
def started() -> Iterator[str]:
    """Run the service as `make run` does, but on a free port of 127.0.0.1, until the block ends; give its address.

    Its settings are those of the environment, MLP_MODELS among them. Ends with its log when it does not start.
    """
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "service/gunicorn.conf.py"],
            cwd=_ROOT,
            env={**os.environ, "HOST": "127.0.0.1", "PORT": "0", "MLP_LOG_LEVEL": "info"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield _address(process, log.fileno())
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _address(process: "subprocess.Popen[bytes]", log: int) -> str:
    end = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        written = os.pread(log, 1 << 20, 0).decode()
        if found := re.search(r"Listening at: (http://127\.0\.0\.1:\d+)", written):
            return found[1]
        time.sleep(0.05)
    sys.exit("the service does not start; its log:\n" + os.pread(log, 1 << 20, 0).decode())
