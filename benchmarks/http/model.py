"""The networks that everybody answers with, as versions in a store and as arrays in a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.http.question import LARGE
from benchmarks.http.serving import ROOT
from mlp.arrays import Uint8
from mlp.local_store import LocalStore
from mlp.metadata import Input, Metadata
from mlp.network import Layer
from mlp.version import Version

_SIZES: Final = (784, 100, 10)
_NAME: Final = "digits"


@dataclass(frozen=True, slots=True)
class Network:
    """One of them, where servers find it."""

    version: Version
    models: Path
    """Its store."""
    weights: Path
    """W1, b1, W2 … and the activations' names, for the peers."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What tells a server of it; none of the peers logs its requests, so ours does not."""
        return {"MLP_MODELS": str(self.models), "MLP_LOG_LEVEL": "warning", "BENCH_WEIGHTS": str(self.weights)}


def make(name: str, folder: Path, pictures: Uint8) -> Network:
    """Put the small network (untrained, which costs the same) or the largest one that ships into `folder`."""
    models = ROOT / "models" if name == LARGE else folder / "models"
    store = LocalStore(models)
    number = store.resolve(_NAME) if name == LARGE else _small(store, pictures)
    version = store.read(_NAME, number)
    weights = folder / f"{name}.npz"
    arrays = {
        f"{kind}{n}": array
        for n, layer in enumerate(version.layers, 1)
        for kind, array in (("W", layer.weights), ("b", layer.biases))
    }
    activations = np.array([layer.activation for layer in version.layers])
    np.savez(weights, allow_pickle=False, activations=activations, **arrays)
    return Network(version, models, weights)


def _small(store: LocalStore, pictures: Uint8) -> int:
    rng = np.random.default_rng(0)
    layers = tuple(
        Layer(rng.normal(0, 0.1, (i, o)).astype(np.float32), rng.normal(0, 0.1, o).astype(np.float32), "sigmoid")
        for i, o in pairwise(_SIZES)
    )
    metadata = Metadata(
        name=_NAME,
        version=1,
        created_at=datetime.now(UTC),
        sizes=_SIZES,
        activations=("sigmoid", "sigmoid"),
        input=Input(height=28, width=28, low=0, high=1, preparation="digit"),
        labels=tuple("0123456789"),
        metrics={},
        sha256="0" * 64,
    )
    number = store.publish(metadata, layers, pictures[:4])
    store.promote(_NAME, number)
    return number
