"""The state dict of a `torch.nn.Sequential` of linear layers, from a .safetensors file, which holds arrays alone."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mlp.arrays import Float
from training.errors import ImportRefused
from training.interchange.imported import Imported, layers

_NAME: Final = re.compile(r"(?:(?P<prefix>.*)\.)?(?P<number>\d+)\.(?P<kind>weight|bias)")


def read(path: Path, *, activation: str, output: str, labels: Sequence[str] = ()) -> Imported:
    """Read linear layers, `0.weight` (fan_out, fan_in), `0.bias`, `2.weight` and so on, in the order of their numbers.

    A state dict does not say which activations stood between them: `activation` is that of the hidden layers,
    `output` that of the last. `labels` are 0, 1, … by default. Raises ImportRefused.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(path)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ImportRefused(f"{path} cannot be read as a .safetensors file: {error}") from error
    pairs = _linear(arrays)
    found = layers(pairs, [activation] * (len(pairs) - 1) + [output])
    return Imported(found, tuple(labels) or tuple(map(str, range(len(found[-1].biases)))), {})


def _linear(arrays: Mapping[str, npt.NDArray[Any]]) -> list[tuple[Float, Float]]:
    parts: dict[tuple[str, int], dict[str, npt.NDArray[Any]]] = {}
    for name, array in arrays.items():
        match = _NAME.fullmatch(name)
        if not match or array.ndim != (2 if match["kind"] == "weight" else 1) or array.dtype.kind != "f":
            raise ImportRefused(
                f"{name}, {array.dtype} {array.shape}, is no part of a linear layer; a Sequential of Linear layers has "
                "0.weight, 0.bias, 2.weight, …"
            )
        parts.setdefault((match["prefix"] or "", int(match["number"])), {})[match["kind"]] = array
    if not parts or len({prefix for prefix, _number in parts}) > 1:
        raise ImportRefused("the file does not hold the layers of one Sequential")
    found = []
    for (_prefix, number), part in sorted(parts.items()):
        if "weight" not in part:
            raise ImportRefused(f"{number}.bias has no {number}.weight")
        weights = part["weight"].T
        found.append((weights, part.get("bias", np.zeros(weights.shape[1], np.float32))))
    return found
