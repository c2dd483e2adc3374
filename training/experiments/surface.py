"""A slice of the loss around a minimum.

H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein, "Visualizing the Loss Landscape of Neural Nets", NeurIPS 2018.
"""

from collections.abc import Sequence

import numpy as np

from mlp.arrays import Float
from mlp.network import Layer
from training.measure import Examples, measure
from training.recipes import Recipe


def direction(layers: Sequence[Layer], rng: np.random.Generator) -> tuple[Float, ...]:
    """Draw weights of the layers' shapes, those into each unit as long as its own (section 4, "filter-wise").

    Biases stay where they are, as in the paper.
    """
    drawn = [rng.standard_normal(layer.weights.shape) for layer in layers]
    return tuple(
        d * (np.linalg.norm(layer.weights, axis=0) / np.linalg.norm(d, axis=0))
        for d, layer in zip(drawn, layers, strict=True)
    )


def slice_around(
    layers: Sequence[Layer], examples: Examples, recipe: Recipe, *, reach: float, points: int, rng: np.random.Generator
) -> tuple[Float, Float]:
    """Give steps (points,) from −reach to reach, and the losses (points, points) at W + step_i d_1 + step_j d_2.

    With an odd number of points, the middle one is the network itself.
    """
    steps = np.linspace(-reach, reach, points)
    first, second = direction(layers, rng), direction(layers, rng)
    losses = np.empty((points, points))
    for i, along in enumerate(steps):
        for j, across in enumerate(steps):
            moved = [
                Layer((layer.weights + along * a + across * b).astype(np.float32), layer.biases, layer.activation)
                for layer, a, b in zip(layers, first, second, strict=True)
            ]
            losses[i, j] = measure(moved, examples, recipe).loss
    return steps, losses
