"""The version that a run goes on from: which one it is, and whether its weights and its past fit the run."""

from typing import Any, Final

from mlp.metadata import Metadata
from mlp.network import Layer
from mlp.store import Store
from training.errors import StartRefused
from training.labelled import DataSet
from training.recipes import Recipe

_PARTS: Final = ("seed", "validation", "pool")
"""Fields that decide which examples are in which part of a data set."""


def start(store: Store, recipe: Recipe, data: DataSet) -> tuple[Recipe, tuple[Layer, ...]]:
    """Give the recipe with the number of its `start` in place of an alias, and that version's layers.

    Raises StartRefused for a version of another shape, or one that may have been trained on what this run would
    measure with; ModelNotFound, VersionNotFound, VersionFileError.
    """
    number = store.resolve(recipe.model, recipe.start)
    version = store.read(recipe.model, number)
    reasons = _other_shape(version.metadata, recipe, data) or _other_past(version.metadata, recipe, data)
    if reasons:
        raise StartRefused(f"a run cannot go on from {recipe.model} version {number}: {'; '.join(reasons)}")
    return recipe.model_copy(update={"start": str(number)}), version.layers


def _other_shape(metadata: Metadata, recipe: Recipe, data: DataSet) -> list[str]:
    height, width = data.train.images.shape[1:]
    spec = metadata.input
    rows: list[tuple[str, Any, Any]] = [
        ("pictures", f"{spec.height}×{spec.width}", f"{height}×{width}"),
        ("hidden", list(metadata.sizes[1:-1]), list(recipe.hidden)),
        ("activations", list(metadata.activations), list(recipe.activations)),
        ("low", spec.low, recipe.low),
        ("high", spec.high, recipe.high),
        ("preparation", spec.preparation, recipe.preparation),
        ("classes", ", ".join(metadata.labels), ", ".join(data.classes)),
    ]
    return [f"{name} {its}, and the run has {ours}" for name, its, ours in rows if its != ours]


def _other_past(metadata: Metadata, recipe: Recipe, data: DataSet) -> list[str]:
    """Say why this run's validation and test part may hold what the version was trained on."""
    if metadata.dataset is None or not metadata.recipe:
        return ["it does not say what it was trained on, so no example could be kept from it"]
    if metadata.dataset.sha256 != data.sha256:
        return [f"{data.name} has changed since it was trained, so it may have seen what would be measured with"]
    decisive = _PARTS if data.test is not None and not recipe.pool else (*_PARTS, "test")
    ours = recipe.model_dump(mode="json")
    return [
        f"trained with {name} {metadata.recipe.get(name)}, and the run has {ours[name]}: other parts of the data"
        for name in decisive
        if metadata.recipe.get(name) != ours[name]
    ]
