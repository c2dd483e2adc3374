"""The array types of every signature; shapes are in the docstrings."""

from typing import Any

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.floating[Any]]
"""float32; float64 where the gradient check asks for it."""

Uint8 = npt.NDArray[np.uint8]

Ints = npt.NDArray[np.intp]

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.float32]
"""Values 0 … 255: uint8, or float32 where a client sent fractions."""
