"""The examples that a recipe adds to a data set's own. How each kind is made is in the file named after it."""

import numpy as np

from mlp.arrays import Ints, Uint8
from training import enlarged, outliers, written
from training.errors import DataError
from training.measure import Examples
from training.recipes import Recipe


def additions(train: Examples, classes: tuple[str, ...], recipe: Recipe) -> Examples | None:
    """Give the examples that a recipe adds to `train`, None for none; those of no class have the label len(classes).

    The same ones for the same seed. Raises DataError where digits are to be added to classes other than 0 … 9.
    """
    found = _found(train, classes, recipe)
    if not found:
        return None
    pixels, labels = zip(*found, strict=True)
    return Examples(np.concatenate(pixels), np.concatenate(labels))


def _found(train: Examples, classes: tuple[str, ...], recipe: Recipe) -> list[tuple[Uint8, Ints]]:
    rng = np.random.default_rng([recipe.seed, 0x0DD5])
    n, height, width = train.pixels.shape
    if (recipe.printed or recipe.written) and classes != tuple("0123456789"):
        what = "printed" if recipe.printed else "written"
        raise DataError(f"{what} digits go with the classes 0 to 9, and these are {', '.join(classes[:10])}")
    found: list[tuple[Uint8, Ints]] = []
    if recipe.printed:
        from training import printed  # Matplotlib takes its time, and other recipes do not need it

        found.append(printed.digits(round(recipe.printed * n), height, width, rng))
    if recipe.written:
        found.append(written.digits(round(recipe.written * n), height, width, rng))
    if recipe.enlarged:
        chosen = rng.permutation(n)[: round(recipe.enlarged * n)]
        found.append((enlarged.examples(train.pictures[chosen], rng), train.labels[chosen]))
    if recipe.outliers:
        found.append(_of_no_class(train, recipe, len(classes), rng))
    return found


def _of_no_class(train: Examples, recipe: Recipe, label: int, rng: np.random.Generator) -> tuple[Uint8, Ints]:
    n, height, width = train.pixels.shape
    count = round(recipe.outliers * n)
    if not recipe.printed:
        return outliers.pictures(count, train.pictures, rng), np.full(count, label)
    from training import printed

    shapes = outliers.pictures(count - count // 3, train.pictures, rng)
    none = np.concatenate([shapes, printed.letters(count // 3, height, width, rng)])
    return none, np.full(count, label)
