"""Back through a trained network: how one class's evidence changes with the features and with each unit.

This is for explaining an answer. The gradient with respect to the weights, which training descends, is in
training/backprop.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlp.arrays import Float, Ints
from mlp.derivatives import DERIVATIVES
from mlp.network import Layer, activations


@dataclass(frozen=True, slots=True)
class Gradient:
    """The evidence for one class an example, and what moves it."""

    evidence: Float
    """Shape (n,): z of the class less the mean z of the others, z the output layer's pre-activations."""
    inputs: tuple[Float, ...]
    """x (n, d) and a_1 … a_{L−1} (n, fan_out), what layer 1 … L was given."""
    of_inputs: tuple[Float, ...]
    """The evidence's derivatives with respect to each of `inputs`, in the same shapes."""


def of_evidence(layers: Sequence[Layer], x: Float, classes: Ints) -> Gradient:
    """Give the evidence for `classes` (n,) in features x (n, d), and its gradient, by one pass forward and one back.

    Not the score is followed back but what it is made of: a score that is nearly 1 hardly moves with anything. And z is
    taken less its mean over the other classes, because what raises all of them alike speaks for none; of a softmax it
    would not change the scores.
    """
    raw = (*layers[:-1], replace(layers[-1], activation="identity"))
    with np.errstate(over="ignore"):
        *hidden, z = activations(raw, x)  # z (n, c)
    inputs = (x, *hidden)
    n, c = z.shape
    delta = np.full((n, c), -1 / (c - 1), z.dtype)
    delta[np.arange(n), classes] = 1
    evidence = (delta * z).sum(axis=1)
    found = []
    for number in reversed(range(len(raw))):
        if number < len(raw) - 1:
            delta = delta.copy()  # dE/da is kept, dE/dz made of it
            DERIVATIVES[raw[number].activation](delta, inputs[number + 1].copy())
        delta = delta @ raw[number].weights.T  # (n, fan_in)
        found.append(delta)
    return Gradient(evidence, inputs, tuple(reversed(found)))
