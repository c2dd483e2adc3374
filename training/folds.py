"""Cross-validation: how well a recipe does on examples that it was not trained on, each of them left out once."""

import time
from dataclasses import dataclass

import numpy as np

from mlp.arrays import Ints
from training import run
from training.jobs.place import Say
from training.measure import Examples, measure
from training.recipes import Recipe
from training.split import stratified


@dataclass(frozen=True, slots=True)
class Folds:
    """What is the same for all folds: the examples without the test part, and how many folds they make."""

    examples: Examples
    classes: tuple[str, ...]
    recipe: Recipe
    count: int


@dataclass(frozen=True, slots=True)
class Measured:
    """How good a network is on the fold that it has not seen; from which epoch it is, and what it took."""

    accuracy: float
    loss: float
    epoch: int
    seconds: float


def parts(labels: Ints, count: int, seed: int) -> list[Ints]:
    """Give the indices of each fold: sizes that differ by one at most, each class in proportion, no index twice.

    Raises DataError when a class has fewer examples than there are folds.
    """
    each, more = divmod(len(labels), count)
    sizes = [each + (number < more) for number in range(count)]
    return stratified(labels, sizes, np.random.default_rng([seed, 0xF01D5]))


def attempt(folds: Folds, number: int, say: Say) -> Measured:
    """Train on all folds but one, saying the number of each epoch, and measure on that one.

    Which epoch's weights are kept is decided on examples of the other folds, as many as the recipe keeps for
    validation: the fold that is left out has no part in any choice. On one process, whatever the recipe says.
    Raises DataError, Diverged.
    """
    start = time.perf_counter()
    recipe, examples = folds.recipe.model_copy(update={"workers": 1}), folds.examples
    indices = parts(examples.labels, folds.count, recipe.seed)
    held = indices.pop(number)
    rest = np.concatenate(indices)
    validation = run.count(recipe.validation, len(rest))
    rng = np.random.default_rng([recipe.seed, 0xF01D5, number])
    trained_on, chosen_by = (
        _some(examples, rest[part])
        for part in stratified(examples.labels[rest], [len(rest) - validation, validation], rng)
    )
    fitted = run.fit(recipe, trained_on, chosen_by, folds.classes, on_epoch=lambda epoch: say(epoch.number))
    found = measure(fitted.layers, _some(examples, held), recipe)
    return Measured(found.accuracy, found.loss, fitted.kept.number, time.perf_counter() - start)


def _some(examples: Examples, indices: Ints) -> Examples:
    return Examples(examples.pixels[indices], examples.labels[indices])
