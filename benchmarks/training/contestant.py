"""What everyone who is timed can do, and where each is found: a file each, which imports its own library alone."""

import importlib
from dataclasses import dataclass
from typing import Final, Protocol

from benchmarks.training.pictures import Pictures
from benchmarks.training.shapes import Shape


class Contestant(Protocol):
    """Trains one shape on some pictures. What it does when it is made, such as casting all pixels, is not timed."""

    def prepare(self) -> None:
        """Begin anew: draw the first weights, make what lasts, compile."""

    def epoch(self) -> None:
        """Take the steps of one more epoch, over all examples in a new order."""

    def accuracy(self) -> float | None:
        """Give the share of the test pictures that are classified rightly; None for one that does not learn."""

    def close(self) -> None:
        """End what it has started."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A contestant, before it is anywhere."""

    module: str
    """Of this package; `Trainer` in it makes the contestant of a shape, some pictures, and a number of cores."""
    peer: bool
    """Whether its library is in the benchmark's own environment alone."""
    one_hidden_layer: bool = False
    """Whether it knows no deeper network."""


ENTRIES: Final = {
    "products alone": Entry("products", peer=False),
    "ours": Entry("ours", peer=False),
    "JAX": Entry("jax_scan", peer=True),
    "PyTorch": Entry("pytorch", peer=True),
    "scikit-learn": Entry("scikit_learn", peer=True),
    "book's code": Entry("book", peer=False, one_hidden_layer=True),
}


def contestant(module: str, shape: Shape, pictures: Pictures, cores: int) -> Contestant:
    """Make a module's contestant. Raises ModuleNotFoundError where its library is not installed."""
    return importlib.import_module(f"benchmarks.training.{module}").Trainer(shape, pictures, cores)
