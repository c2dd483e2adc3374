"""A loaded version: layers, metadata, and its answer to a batch of pixels. Nothing edits it; a swap replaces it."""

from dataclasses import dataclass

import numpy as np

from mlp import network
from mlp.arrays import Float, Pixels, Uint8
from mlp.metadata import Metadata

_ROWS = 2048
"""Pictures that go through the network at a time, so that a large batch needs no large temporary arrays."""


@dataclass(frozen=True, slots=True)
class Version:
    """Arrays are read-only, so a slip cannot change what answers."""

    metadata: Metadata
    layers: tuple[network.Layer, ...]
    golden_inputs: Uint8
    """Shape (k, height, width)."""
    golden_scores: Float
    """Shape (k, c): what the network must answer to them."""

    def scores(self, pixels: Pixels) -> Float:
        """Give the scores (n, c) of prepared pixels (n, height, width), 0 … 255."""
        if len(pixels) <= _ROWS:
            return network.scores(self.layers, self.features(pixels))
        parts = [pixels[start : start + _ROWS] for start in range(0, len(pixels), _ROWS)]
        return np.concatenate([network.scores(self.layers, self.features(part)) for part in parts])

    def features(self, pixels: Pixels) -> Float:
        """Give pixels (n, height, width) as the network's features (n, d)."""
        return network.features(pixels, self.metadata.input.low, self.metadata.input.high)
