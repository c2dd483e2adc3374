"""A network's first weights, by the name that a recipe uses. Biases begin at 0."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from mlp.arrays import Float
from mlp.network import Layer


def _normal(rng: np.random.Generator, fan_in: int, fan_out: int, scale: float) -> Float:
    """N(0, scale): the chapter's, with scale 0.1."""
    return rng.normal(0.0, scale, (fan_in, fan_out))


def _glorot(rng: np.random.Generator, fan_in: int, fan_out: int, scale: float) -> Float:
    """Uniform in ± scale √(6 / (fan_in + fan_out)); Glorot and Bengio 2010, eq. 16. For sigmoid, tanh, softmax."""
    limit = scale * np.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, (fan_in, fan_out))


def _he(rng: np.random.Generator, fan_in: int, fan_out: int, scale: float) -> Float:
    """N(0, scale √(2 / fan_in)); He, Zhang, Ren and Sun 2015, eq. 10. For relu."""
    return rng.normal(0.0, scale * np.sqrt(2.0 / fan_in), (fan_in, fan_out))


INITIALISERS: Final[dict[str, Callable[[np.random.Generator, int, int, float], Float]]] = {
    "normal": _normal,
    "glorot": _glorot,
    "he": _he,
}


def layers(
    sizes: Sequence[int],
    activations: Sequence[str],
    rng: np.random.Generator,
    *,
    init: str = "he",
    scale: float = 1.0,
    dtype: type[np.floating] = np.float32,
) -> list[Layer]:
    """Give new layers: sizes d, h1, …, c, and one activation for each of the len(sizes) − 1 layers."""
    draw = INITIALISERS[init]
    return [
        Layer(draw(rng, fan_in, fan_out, scale).astype(dtype), np.zeros(fan_out, dtype), activation)
        for fan_in, fan_out, activation in zip(sizes[:-1], sizes[1:], activations, strict=True)
    ]
