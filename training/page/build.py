"""The report's content, in the order of the page, from a version and its answers to the test examples."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import ValidationError

from mlp.arrays import Float
from mlp.metadata import Metadata
from mlp.version import Version
from training.answers import Answers
from training.gate import Comparison
from training.measure import Epoch, Measure
from training.page import figures, out_of_distribution
from training.page.calibration import reliability
from training.page.drawing import shown
from training.page.per_class import ClassMeasure, most_confused, per_class
from training.page.pictures import png, weight_sheet
from training.recipes import Recipe

_MATRIX: Final = 20
"""Classes in the confusion matrix at most; with more, the most confused ones."""

_CLASSES: Final = 30
"""Rows of the table of classes that are shown at once at most; with more, the worst ones."""

_LABEL: Final = 40
"""Characters of a class's name."""

_MISTAKES: Final = 24
_CORRECTIONS: Final = 24


@dataclass(frozen=True, slots=True)
class _Kind:
    """A row of the table that sets test examples against what shows none of the classes."""

    name: str
    pictures: int
    example: str
    median: float
    below_half: float
    below_nine_tenths: float
    auroc: float | None


@dataclass(frozen=True, slots=True)
class _Correction:
    picture: str
    true: str
    old: str
    new: str
    held_out: bool


@dataclass(frozen=True, slots=True)
class _Mistake:
    picture: str
    true: str
    answered: str
    confidence: float


def html(
    version: Version,
    answers: Answers,
    dataset: str,
    epochs: Sequence[Epoch] = (),
    comparison: Comparison | None = None,
    *,
    corrections_shown: bool = False,
) -> str:
    """Give the report of a version as one HTML page that needs nothing else.

    `answers` are the version's to test examples of the data set of the name `dataset`, `epochs` how its training went,
    where that is known. `comparison` sets it beside the version before where it has learnt from corrections; these are
    pictures that people have sent, and none is in the page unless they may be shown.
    """
    metadata = version.metadata
    labels = [shown(label, _LABEL) for label in metadata.labels]
    confusion, confidence = answers.confusion, answers.confidence
    inside = bool(answers.scores.min() >= 0 and confidence.max() <= 1)
    calibration = reliability(confidence, answers.right) if inside else None
    unlike, histograms = _separation(version, answers)
    classes = per_class(confusion, labels)
    matrix = most_confused(confusion, _MATRIX)
    spec = metadata.input
    kept = int(metadata.metrics.get("epochs", 0))
    sheet = weight_sheet(version.layers[0].weights, spec.height, spec.width)
    different, defaults = _recipe(metadata)
    return _template().render(
        metadata=metadata,
        dataset=dataset,
        measure=_measure(metadata, answers),
        answers=answers,
        wrong=int((~answers.right).sum()),
        calibration=calibration,
        epochs=epochs,
        comparison=comparison,
        corrections=_corrections(comparison, labels) if comparison and corrections_shown else [],
        loss_curve=figures.loss_curve(epochs, kept) if epochs else None,
        accuracy_curve=figures.accuracy_curve(epochs, kept) if epochs else None,
        matrix=figures.confusion_matrix(confusion[np.ix_(matrix, matrix)], [labels[index] for index in matrix]),
        matrix_classes=len(matrix),
        classes=classes if len(classes) <= _CLASSES else sorted(classes, key=_worst_first)[:_CLASSES],
        all_classes=classes,
        reliability=figures.reliability_diagram(calibration) if calibration else None,
        separation=figures.separation(histograms),
        kinds=unlike,
        mistakes=_mistakes(answers, labels),
        weights=figures.weight_pictures(sheet[0]) if sheet else None,
        units=sheet[1] if sheet else 0,
        different=different,
        defaults=defaults,
    )


def _template() -> Any:
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["percent"] = lambda share: "–" if share is None else f"{share:.2%}"
    return environment.get_template("report.html")


def _measure(metadata: Metadata, answers: Answers) -> Measure | None:
    """Measure by the recipe's own loss; None where the version names no recipe, or one of another time."""
    try:
        return answers.measure(Recipe.model_validate(metadata.recipe)) if metadata.recipe else None
    except ValidationError:
        return None


def _recipe(metadata: Metadata) -> tuple[dict[str, Any], dict[str, Any]]:
    """Divide the recipe's fields into those that differ from a recipe's defaults, and those that do not."""
    usual = Recipe().model_dump(mode="json")
    different = {name: value for name, value in metadata.recipe.items() if name not in usual or usual[name] != value}
    return different, {name: value for name, value in metadata.recipe.items() if name not in different}


def _separation(version: Version, answers: Answers) -> tuple[list[_Kind], dict[str, Float]]:
    """Give the table's rows, and the confidence of each kind of picture by its name."""
    right, pixels = answers.right, answers.examples.pictures
    sure = answers.confidence[right]
    pictures = {"test, answered rightly": pixels[right], "test, answered wrongly": pixels[~right]}
    confidence = {"test, answered rightly": sure, "test, answered wrongly": answers.confidence[~right]}
    for name, unlike in out_of_distribution.kinds(version.metadata, pixels).items():
        pictures[name] = unlike
        confidence[name] = version.scores(unlike).max(axis=1).astype(np.float64)
    confidence = {name: values for name, values in confidence.items() if len(values)}
    rows = [
        _Kind(
            name,
            len(values),
            png(pictures[name][len(values) // 2]),
            float(np.median(values)),
            float((values < 0.5).mean()),
            float((values < 0.9).mean()),
            out_of_distribution.auroc(sure, values) if len(sure) and values is not sure else None,
        )
        for name, values in confidence.items()
    ]
    return rows, confidence


def _mistakes(answers: Answers, labels: Sequence[str]) -> list[_Mistake]:
    """Give the wrong answers of highest confidence, the surest first."""
    wrong = np.flatnonzero(~answers.right)
    surest = wrong[np.argsort(-answers.confidence[wrong], kind="stable")][:_MISTAKES]
    return [
        _Mistake(
            png(answers.examples.pixels[index]),
            labels[answers.examples.labels[index]],
            labels[answers.winners[index]],
            float(answers.confidence[index]),
        )
        for index in surest
    ]


def _corrections(comparison: Comparison, labels: Sequence[str]) -> list[_Correction]:
    """Give the corrections that the page shows: first those held out, of each kind first what is read wrong now."""
    found = []
    for part in (comparison.held_out, comparison.trained):
        for index in np.argsort(part.new_right, kind="stable"):
            picture, true = png(part.examples.pixels[index]), labels[part.examples.labels[index]]
            answers = labels[part.old[index]], labels[part.new[index]]
            found.append(_Correction(picture, true, *answers, held_out=part is comparison.held_out))
            if len(found) == _CORRECTIONS:
                return found
    return found


def _worst_first(measure: ClassMeasure) -> float:
    return 2.0 if measure.f1 is None else measure.f1
