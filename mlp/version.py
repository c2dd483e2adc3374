"""A loaded version: layers, metadata, and its answer to a batch of pixels. Nothing edits it; a swap replaces it."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from mlp import network
from mlp.arrays import Float, Pixels, Uint8
from mlp.metadata import Metadata
from mlp.network import Layer

_ROWS: Final = 512
"""Pictures that go through the network at a time: their features and activations stay in the processor's cache."""

_LARGE_BYTES: Final = 2**20
"""First layer's weights from which on reading them takes a single picture longer than leaving out blank pixels does."""


@dataclass(frozen=True, slots=True)
class Version:
    """Arrays are read-only, so a slip cannot change what answers."""

    metadata: Metadata
    layers: tuple[Layer, ...]
    golden_inputs: Uint8
    """Shape (k, height, width)."""
    golden_scores: Float
    """Shape (k, c): what the network must answer to them."""
    _layers: tuple[Layer, ...] = field(init=False, repr=False, compare=False)
    """`layers` for pixels 0 … 255 instead of features: their scale is in the weights, their shift in the biases."""

    def __post_init__(self) -> None:
        low, high = self.metadata.input.low, self.metadata.input.high
        first = self.layers[0]
        weights = first.weights * np.float32((high - low) / 255)
        with np.errstate(over="ignore"):
            biases = (first.biases + np.float64(low) * first.weights.sum(axis=0, dtype=np.float64)).astype(np.float32)
        object.__setattr__(self, "_layers", (Layer(weights, biases, first.activation), *self.layers[1:]))

    def scores(self, pixels: Pixels) -> Float:
        """Give the scores (n, c) of prepared pixels (n, height, width), 0 … 255."""
        flat = pixels.reshape(len(pixels), -1)  # (n, d)
        if len(flat) == 1 and self._layers[0].weights.nbytes > _LARGE_BYTES:
            return self._scores_of_ink(flat)
        if len(flat) <= _ROWS:
            return network.scores(self._layers, flat.astype(np.float32))
        parts = [flat[start : start + _ROWS] for start in range(0, len(flat), _ROWS)]
        return np.concatenate([network.scores(self._layers, part.astype(np.float32)) for part in parts])

    def _scores_of_ink(self, flat: Pixels) -> Float:
        """Give the scores (1, c) of one picture (1, d) by its pixels that are not 0, and the weights of those."""
        first, ink = self._layers[0], np.flatnonzero(flat)
        of_ink = Layer(first.weights.take(ink, axis=0), first.biases, first.activation)
        return network.scores((of_ink, *self._layers[1:]), flat[:, ink].astype(np.float32))
