"""The limit for batches: the forward pass alone, over the same pictures again and again, a process for each worker."""

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from benchmarks.http.contestant import WORKERS
from mlp.arrays import Uint8
from mlp.version import Version


def rate(version: Version, pictures: Uint8, seconds: float) -> float:
    """Give the batches a second of all processes together."""
    with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        return sum(pool.map(_one, [version] * WORKERS, [pictures] * WORKERS, [seconds] * WORKERS))


def _one(version: Version, pictures: Uint8, seconds: float) -> float:
    version.scores(pictures)
    begun, count = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        version.scores(pictures)
        count += 1
    return count / (time.perf_counter() - begun)
