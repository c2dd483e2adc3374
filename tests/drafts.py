"""Small versions to test with: untrained networks of the shape of real ones; and a look at a store that has some."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from mlp import version_file
from mlp.metadata import Input, Metadata
from mlp.network import Layer
from mlp.store import Store
from mlp.version import Version

ROOT = Path(__file__).parent.parent


@dataclasses.dataclass(frozen=True)
class Draft:
    """What a version file is made of."""

    metadata: Metadata
    layers: tuple[Layer, ...]
    golden_inputs: np.ndarray

    def pack(self) -> bytes:
        return version_file.pack(self.metadata, self.layers, self.golden_inputs)

    def publish(self, store: Store) -> int:
        return store.publish(self.metadata, self.layers, self.golden_inputs)


def make_draft(name="digits", *, seed=0, labels="0123456789", hidden=(12,), height=28, width=28) -> Draft:
    """An untrained network with the shape of a real one."""
    rng = np.random.default_rng(seed)
    sizes = (height * width, *hidden, len(labels))
    activations = (*["relu"] * len(hidden), "softmax")
    layers = tuple(
        Layer(rng.normal(0, 0.1, (i, o)).astype(np.float32), rng.normal(0, 0.1, o).astype(np.float32), activation)
        for i, o, activation in zip(sizes[:-1], sizes[1:], activations, strict=True)
    )
    metadata = Metadata(
        name=name,
        version=1,
        created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        sizes=sizes,
        activations=activations,
        input=Input(height=height, width=width, low=0, high=1, preparation="digit"),
        labels=tuple(labels),
        metrics={"accuracy": 0.5},
        sha256="0" * 64,
    )
    return Draft(metadata, layers, rng.integers(0, 256, (4, height, width), dtype=np.uint8))


def looked_at(store: Store) -> dict[tuple[str, int], Version]:
    """What a service asks of a store at its start: the versions that the aliases of each model name."""
    found = {}
    for name in store.models():
        assert store.fingerprint(name)
        found |= {(name, number): store.read(name, number) for number in set(store.aliases(name).aliases.values())}
    return found
