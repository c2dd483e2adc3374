"""The network that everybody answers with: 784-100-10, sigmoids, as a version in a store and as arrays in a file."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from mlp.arrays import Uint8
from mlp.local_store import LocalStore
from mlp.metadata import Input, Metadata
from mlp.network import Layer
from mlp.version import Version

SIZES: Final = (784, 100, 10)
NAME: Final = "digits"


def make(folder: Path, pictures: Uint8) -> Version:
    """Put it into `folder`, as models/ and weights.npz, and give it; untrained, which costs the same."""
    rng = np.random.default_rng(0)
    layers = tuple(
        Layer(rng.normal(0, 0.1, (i, o)).astype(np.float32), rng.normal(0, 0.1, o).astype(np.float32), "sigmoid")
        for i, o in pairwise(SIZES)
    )
    metadata = Metadata(
        name=NAME,
        version=1,
        created_at=datetime.now(UTC),
        sizes=SIZES,
        activations=("sigmoid", "sigmoid"),
        input=Input(height=28, width=28, low=0, high=1, preparation="digit"),
        labels=tuple("0123456789"),
        metrics={},
        sha256="0" * 64,
    )
    store = LocalStore(folder / "models")
    store.promote(NAME, store.publish(metadata, layers, pictures[:4]))
    arrays = {
        f"{kind}{n}": array for n, x in enumerate(layers, 1) for kind, array in (("W", x.weights), ("b", x.biases))
    }
    np.savez(folder / "weights.npz", allow_pickle=False, **arrays)
    return store.read(NAME, 1)
