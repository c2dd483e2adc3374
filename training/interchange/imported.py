"""A network that another library trained, as the model store's next version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isqrt

import numpy as np
from pydantic import ValidationError

from mlp.arrays import Float
from mlp.metadata import Input, Metadata
from mlp.network import Layer
from mlp.store import Store
from training.errors import ImportRefused

_GOLDEN = 16
"""Pictures that a version carries with the scores it must give them; a blank and a full one come on top."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file says of a network."""

    layers: tuple[Layer, ...]
    """Of float32, which is what is served."""
    labels: tuple[str, ...]
    libraries: dict[str, str]


def layers(arrays: Sequence[tuple[Float, Float]], activations: Sequence[str]) -> tuple[Layer, ...]:
    """Give layers of weights (fan_in, fan_out), biases (fan_out,) and activations. Raises ImportRefused."""
    found: list[Layer] = []
    for number, ((weights, biases), activation) in enumerate(zip(arrays, activations, strict=True), start=1):
        if weights.ndim != 2 or biases.shape != weights.shape[1:]:
            raise ImportRefused(f"layer {number}: weights {weights.shape} and biases {biases.shape} are no layer")
        if found and len(found[-1].biases) != len(weights):
            raise ImportRefused(f"layer {number} takes {len(weights)} values, and {len(found[-1].biases)} come to it")
        w, b = (np.ascontiguousarray(array, np.float32) for array in (weights, biases))
        found.append(Layer(w, b, activation))
    return tuple(found)


def publish(
    store: Store,
    network: Imported,
    model: str,
    *,
    height: int | None = None,
    width: int | None = None,
    low: float = 0.0,
    high: float = 1.0,
    preparation: str = "digit",
) -> int:
    """Store a network as the model's next version, and give its number; no alias moves.

    `height` and `width` are those of the pictures, by default the sides of a square; `low` and `high` the features
    that pixels 0 and 255 become. Raises ImportRefused, VersionFileError, StoreUnavailable.
    """
    d = len(network.layers[0].weights)
    if height is None and width is None:
        height = width = isqrt(d)
    height, width = height or d // (width or 1), width or d // (height or 1)
    if height * width != d:
        raise ImportRefused(f"{height}×{width} pixels are not the {d} that the network takes: give height and width")
    sizes = (d, *(len(layer.biases) for layer in network.layers))
    try:
        metadata = Metadata(
            name=model,
            version=1,
            created_at=datetime.now(UTC).replace(microsecond=0),
            sizes=sizes,
            activations=tuple(layer.activation for layer in network.layers),
            input=Input(height=height, width=width, low=low, high=high, preparation=preparation),
            labels=network.labels,
            libraries=network.libraries,
            sha256="0" * 64,
        )
    except ValidationError as error:
        raise ImportRefused("; ".join(e["msg"] for e in error.errors())) from error
    golden = np.random.default_rng(0).integers(0, 256, (_GOLDEN, height, width), np.uint8)
    blank = np.zeros((1, height, width), np.uint8)
    return store.publish(metadata, network.layers, np.concatenate([golden, blank, ~blank]))
