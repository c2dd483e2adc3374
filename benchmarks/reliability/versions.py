"""Versions to break things with: untrained networks, each with other scores, so that a wrong answer is seen."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from mlp.local_store import LocalStore
from mlp.metadata import Input, Metadata
from mlp.network import Layer

MODEL: Final = "digits"
_SIZES: Final = (784, 100, 10)
PICTURE: Final = np.random.default_rng(5).integers(0, 256, (1, 28, 28), dtype=np.uint8)
"""What is asked."""


def publish(store: LocalStore, seed: int) -> int:
    """Store a version, and give its number. Raises StoreUnavailable."""
    rng = np.random.default_rng(seed)
    first = Layer(rng.normal(0, 0.01, _SIZES[:2]).astype(np.float32), np.zeros(100, np.float32), "relu")
    last = Layer(rng.normal(0, 0.1, _SIZES[1:]).astype(np.float32), rng.normal(0, 1, 10).astype(np.float32), "softmax")
    metadata = Metadata(
        name=MODEL,
        version=1,
        created_at=datetime.now(UTC),
        sizes=_SIZES,
        activations=("relu", "softmax"),
        input=Input(height=28, width=28, low=0, high=1, preparation="digit"),
        labels=tuple("0123456789"),
        metrics={},
        sha256="0" * 64,
    )
    return store.publish(metadata, (first, last), PICTURE)


def filled(folder: Path, count: int = 4) -> LocalStore:
    """Give a store with some versions, the first in production."""
    store = LocalStore(folder)
    for seed in range(count):
        publish(store, seed)
    store.promote(MODEL, 1)
    return store


def numbers(store: LocalStore) -> list[int]:
    """Give the numbers of all versions, each of which can be read. Raises VersionFileError, StoreUnavailable."""
    found = sorted(int(path.stem) for path in (store.root / MODEL).glob("*.npz"))
    for number in found:
        store.read(MODEL, number)
    return found
