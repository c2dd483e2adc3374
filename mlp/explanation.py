"""Why a version names a class for one picture: which pixels speak for it and against it, and which hidden units."""

from dataclasses import dataclass

import numpy as np

from mlp import gradient, network
from mlp.arrays import Float, Pixels
from mlp.version import Version


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of the first hidden layer, for one picture and one class."""

    number: int
    activation: float
    contribution: float
    """Activation × how the class's evidence changes with it; of a network with one hidden layer all of them and the
    biases sum to the evidence."""
    weights: Float
    """Shape (height, width): what it is given by each pixel; it responds to pictures that look like this."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What speaks for and against one class."""

    index: int
    evidence: float
    """As in `mlp.gradient.Gradient`."""
    relevance: Float
    """Shape (height, width): how much each pixel's ink adds to the evidence, or takes from it; 0 where there is none.
    """
    units: tuple[Unit, ...]
    """Those that contribute most, for or against, the strongest first."""


def explain(version: Version, pixels: Pixels, index: int, most_units: int) -> Explanation:
    """Explain class `index` for one prepared picture (height, width), with up to `most_units` hidden units.

    A pixel's relevance is gradient × input (Shrikumar, Greenside, Shcherbina and Kundaje 2016, "Not just a black box:
    learning important features through propagating activation differences", arXiv 1605.01713), the input counted from
    an empty pixel: what the evidence would lose, to first order, if the pixel were empty. The gradient alone is as
    large where nothing is drawn, and shows more of the network's noise than of the picture.
    """
    spec, shape = version.metadata.input, pixels.shape
    x = network.features(pixels[np.newaxis], spec.low, spec.high)  # (1, d)
    found = gradient.of_evidence(version.layers, x, np.array([index]))
    relevance = found.of_inputs[0][0] * (x[0] - np.float32(spec.low))  # (d,)
    units = _units(version, found, most_units) if len(version.layers) > 1 else ()
    return Explanation(index, float(found.evidence[0]), relevance.reshape(shape), units)


def _units(version: Version, found: gradient.Gradient, most: int) -> tuple[Unit, ...]:
    activations = found.inputs[1][0]  # (fan_out,)
    contributions = activations * found.of_inputs[1][0]
    strongest = np.argsort(-np.abs(contributions), kind="stable")[:most]
    spec, weights = version.metadata.input, version.layers[0].weights
    return tuple(
        Unit(
            int(number),
            float(activations[number]),
            float(contributions[number]),
            weights[:, number].reshape(spec.height, spec.width),
        )
        for number in strongest
        if contributions[number]
    )
