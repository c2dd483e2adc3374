"""What the doors read bodies for: the network's input, and limits small enough that each input takes little time."""

from pathlib import Path
from typing import Final

from mlp import version_file
from mlp.version import Version
from service.body import Reading

ROOT: Final = Path(__file__).parents[2]

SHIPPED: Final = ROOT / "models/digits/1.npz"
"""The smallest version that there is."""

VERSION: Final[Version] = version_file.read(SHIPPED)

MAX_PIXELS: Final = 100_000

MAX_BATCH: Final = 64


def reading(prepare: str = "none") -> Reading:
    """Give what a request for one picture or several is read for; pictures are not prepared, unless that is said."""
    return Reading(VERSION.metadata.input, prepare, MAX_PIXELS, MAX_BATCH)
