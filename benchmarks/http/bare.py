"""The limit for batches: the forward pass alone, over the same pictures again and again, a process for each worker.

It is measured twice: as `Version.scores`, which the service calls, and as a few lines of NumPy, which anyone would
write. Both begin with the bytes that a client sends, and so with making float32 of them.
"""

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from threading import BrokenBarrierError
from types import TracebackType
from typing import Any, Final

import numpy as np

from benchmarks.http.contestant import WORKERS
from benchmarks.http.wrk import Load
from mlp.arrays import Float, Uint8
from mlp.version import Version

ALONE: Final = "forward pass alone"
PLAIN: Final = "forward pass alone, plain NumPy"

_BEGIN_SECONDS: Final = 60.0


def plain(version: Version, pixels: Uint8) -> Float:
    """Give the scores (n, c) of pixels (n, 28, 28) as NumPy's users write it; the network's features go from 0 to 1."""
    x: Float = pixels.reshape(len(pixels), -1).astype(np.float32) / 255  # (n, d)
    for layer in version.layers:
        x = _ACTIVATIONS[layer.activation](x @ layer.weights + layer.biases)
    return x


def _softmax(z: Float) -> Float:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


_ACTIVATIONS: Final[dict[str, Callable[[Float], Float]]] = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: np.maximum(z, 0),
    "softmax": _softmax,
}
_PASSES: Final[dict[str, Callable[[Version, Uint8], Float]]] = {ALONE: Version.scores, PLAIN: plain}

_together: Any = None
"""In a process of the pool: where all wait for each other, so that they compute at the same time."""


def _join(barrier: Any) -> None:
    """Take the barrier; a pool has no other way to hand one to its processes."""
    global _together
    _together = barrier


class Bare:
    """The processes, idle while it is another's turn."""

    def __init__(self) -> None:
        spawn = get_context("spawn")
        self._pool = ProcessPoolExecutor(WORKERS, spawn, _join, (spawn.Barrier(WORKERS),))

    def __enter__(self) -> "Bare":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown()

    def load(self, name: str, version: Version, pictures: Uint8, seconds: float) -> Load:
        """Give the batches a second of all processes together, by one of the two passes."""
        jobs = [self._pool.submit(_one, name, version, pictures, seconds) for _ in range(WORKERS)]
        return Load(sum(job.result() for job in jobs))


def _one(name: str, version: Version, pictures: Uint8, seconds: float) -> float:
    forward = _PASSES[name]
    forward(version, pictures)
    try:
        _together.wait(_BEGIN_SECONDS)
    except BrokenBarrierError as error:
        raise TimeoutError("the other processes of the forward pass do not begin") from error
    begun, count = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        forward(version, pictures)
        count += 1
    return count / (time.perf_counter() - begun)
