"""Clients that ask all the while and compare every answer with what its version must say."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np

from benchmarks.reliability.serving import Service
from benchmarks.reliability.versions import MODEL, PICTURE
from mlp.errors import MlpError
from mlp.store import Store

_CLIENTS: Final = 4
_PAUSE_SECONDS: Final = 0.01
_SMALL: Final = 1e-5


class Watch:
    """What these clients have seen."""

    def __init__(self, service: Service, store: Store) -> None:
        self._service, self._store = service, store
        self._expected: dict[int, list[float]] = {}
        self._over = threading.Event()
        self.asked = 0
        self.right = 0
        self.lost = 0
        """Connections that ended without an answer."""
        self.statuses: dict[int, int] = {}
        """Answers that were no 200."""
        self.wrong: list[str] = []
        """Answers with other scores than their version has, with a generation that fell, or with a 500."""
        self.last_failure = 0.0
        self.generation = 0
        """The highest that was seen."""
        self._threads = [threading.Thread(target=self._ask_on, daemon=True) for _ in range(_CLIENTS)]

    def know(self, *versions: int) -> None:
        """Compute what versions must answer."""
        for number in versions:
            scores = self._store.read(MODEL, number).scores(PICTURE.astype(np.uint8))
            self._expected[number] = scores[0].tolist()

    def begin(self) -> None:
        """Let the clients ask."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Let them end."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask_on(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._service.port, timeout=30)
        while not self._over.wait(_PAUSE_SECONDS):
            self.asked += 1
            seen = self.generation
            try:
                connection.request("POST", "/predict", PICTURE.tobytes(), {"Content-Type": "application/octet-stream"})
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException):
                self.lost += 1
                self.last_failure = time.monotonic()
                connection.close()
                continue
            self._take(answer, text, seen)
        connection.close()

    def _take(self, answer: http.client.HTTPResponse, text: bytes, seen: int) -> None:
        if answer.status != http.HTTPStatus.OK:
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            self.last_failure = time.monotonic()
            if answer.status == http.HTTPStatus.INTERNAL_SERVER_ERROR:
                self.wrong.append(text.decode(errors="replace"))
            return
        said, generation = json.loads(text), int(answer.headers["X-Model-Generation"])
        if generation < seen:
            self.wrong.append(f"generation {generation} after {seen}")
        self.generation = max(self.generation, generation)
        expected = self._of(said["version"])
        if expected is None or not np.allclose(said["predictions"][0]["scores"], expected, atol=_SMALL):
            self.wrong.append(f"version {said['version']}: {text[:200]!r}")
        else:
            self.right += 1

    def _of(self, version: int) -> list[float] | None:
        if version not in self._expected:
            try:
                self.know(version)
            except MlpError:
                return None
        return self._expected[version]


@contextmanager
def watching(service: Service, store: Store, *versions: int) -> Iterator[Watch]:
    """Have clients ask while the block lasts; what versions must answer is computed before."""
    watch = Watch(service, store)
    watch.know(*versions)
    watch.begin()
    try:
        yield watch
    finally:
        watch.end()
