"""The pictures that everything made from MNIST begins with: a part that the version's training has not seen."""

import sys
from typing import Any, Final

from mlp.arrays import Uint8
from training import datasets
from training.measure import Examples
from training.recipes import Recipe
from training.run import split

PARTS: Final = ("validation", "test")


def part(metadata: dict[str, Any], name: str) -> Examples:
    """Give a part of the split that a version's own recipe makes; metadata is what the service says of the version.

    Ends when the version is none of MNIST's digits, or the files have changed since it was trained.
    """
    if metadata["labels"] != list("0123456789") or not metadata.get("recipe"):
        sys.exit("this benchmark measures versions that tell the digits 0 to 9 apart and say by which recipe")
    recipe = Recipe.model_validate(metadata["recipe"])
    data = datasets.load(recipe.dataset, height=recipe.height, width=recipe.width, preparation=recipe.preparation)
    if data.sha256 != metadata["dataset"]["sha256"]:
        sys.exit(f"{recipe.dataset} has changed since the version was trained on it")
    if data.train.images.shape[1:] != (28, 28):
        sys.exit("this benchmark begins with pictures of 28 × 28 pixels")
    parts = split(data, recipe)
    return parts.test if name == "test" else parts.validation


Originals = list[tuple[Uint8, str]]
"""Pictures (28, 28), light on dark, each with its label."""


def labelled(examples: Examples, count: int | None = None) -> Originals:
    """Give the first `count` examples, or all; a part's order is random."""
    pairs = zip(examples.pixels[:count], examples.labels[:count], strict=True)
    return [(pixels, str(label)) for pixels, label in pairs]
