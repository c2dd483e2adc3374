"""How good a stored version is, measured anew."""

from dataclasses import dataclass

from pydantic import ValidationError

from mlp.arrays import Ints
from mlp.version import Version
from training import datasets
from training.answers import Answers
from training.errors import DataError
from training.measure import Examples
from training.recipes import Recipe
from training.run import split


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A version's answers to the test examples."""

    version: Version
    dataset: str
    answers: Answers

    @property
    def confusion(self) -> Ints:
        """Counts of examples, shape (c, c): row the true class, column the answer."""
        return self.answers.confusion

    @property
    def accuracy(self) -> float:
        """Share of right answers, from 0 to 1."""
        return float(self.answers.right.mean())


def evaluate(version: Version, dataset: str | None = None) -> Evaluation:
    """Measure a version on the test part that its own recipe leaves out of training, or on that of another data set.

    Raises DataError when the data set is not the one that the version names: its split would then hold out other
    examples, and some of them might have been trained on. Raises it, too, for other classes or another picture size.
    """
    recipe, spec = _recipe(version), version.metadata.input
    source = dataset or (recipe.dataset if recipe else None)
    if source is None:
        raise DataError("the version does not say by which recipe it was trained; name a data set with --dataset")
    data = datasets.load(source, height=spec.height, width=spec.width, preparation=spec.preparation)
    if data.classes != version.metadata.labels:
        raise DataError(f"the version tells {', '.join(version.metadata.labels)} apart, not {', '.join(data.classes)}")
    height, width = data.train.images.shape[1:]
    if (height, width) != (spec.height, spec.width):
        raise DataError(f"{source} has pictures of {height}×{width}, the version takes {spec.height}×{spec.width}")
    trained_on = version.metadata.dataset
    same = trained_on is not None and trained_on.sha256 == data.sha256
    if dataset is None and not same:
        raise DataError(f"{source} has changed since the version was trained on it; name a data set with --dataset")
    test = split(data, recipe).test if same and recipe else _all(data)
    return Evaluation(version, data.name, Answers(test, version.scores(test.pixels)))


def _recipe(version: Version) -> Recipe | None:
    """Give the recipe that a version was trained by; None where it names none, or one of another time."""
    try:
        return Recipe.model_validate(version.metadata.recipe) if version.metadata.recipe else None
    except ValidationError:
        return None


def _all(data: datasets.DataSet) -> Examples:
    part = data.test or data.train
    return Examples(part.images, part.labels)
