"""A whole run: data set → split → fit → one look at the test set → a version in the store."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import PIL
import pydantic

from mlp.arrays import Ints, Uint8
from mlp.metadata import Input, Metadata, TrainedOn
from mlp.network import Layer
from mlp.store import Store
from training import fit as fitting
from training.additions import additions
from training.answers import Answers, answers
from training.checkpoint import Checkpoint
from training.datasets import DataSet
from training.errors import DataError, StartRefused
from training.feedback import Feedback
from training.fit import Fitted
from training.measure import Epoch, Examples, Measure, measure
from training.recipes import Part, Recipe
from training.split import stratified
from training.temperature import cooled, temperature

_GOLDEN = 16
"""Test pictures that a version carries with the scores it must give them; a blank and a full one come on top."""


_LAYOUT = 2
"""Of a checkpoint's arrays: what lies where in them, and what an optimiser's state means."""


@dataclass(frozen=True, slots=True)
class Split:
    """The three parts of a data set, and nothing in two of them."""

    train: Examples
    validation: Examples
    test: Examples


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run, before anything is stored."""

    recipe: Recipe
    data: DataSet
    fitted: Fitted
    test: Measure
    golden_inputs: Uint8
    answers: Answers
    """To the test examples; `test` is measured from these."""
    feedback: Feedback | None = None
    """The corrections that were mixed in, and those that were held out."""


def split(data: DataSet, recipe: Recipe) -> Split:
    """Give the parts that a recipe makes of a data set: the same ones for the same seed, each class in proportion.

    The data set's own test part, where it has one, stays the test part unless the recipe pools it with the rest.
    Raises DataError when there are too few examples.
    """
    # A generator of its own: the parts do not depend on what else the seed is used for.
    rng = np.random.default_rng([recipe.seed, 0x5B117])
    if data.test is not None and not recipe.pool:
        total = len(data.train.labels)
        validation = count(recipe.validation, total)
        parts = stratified(data.train.labels, [total - validation, validation], rng)
        train, held = (_examples(data.train.images, data.train.labels, part) for part in parts)
        return Split(train, held, _examples(data.test.images, data.test.labels, slice(None)))
    images, labels = data.train.images, data.train.labels
    if data.test is not None:
        images, labels = np.concatenate([images, data.test.images]), np.concatenate([labels, data.test.labels])
    validation, test = count(recipe.validation, len(labels)), count(recipe.test, len(labels))
    parts = stratified(labels, [len(labels) - validation - test, validation, test], rng)
    return Split(*(_examples(images, labels, part) for part in parts))


def train(
    recipe: Recipe,
    data: DataSet,
    parts: Split,
    *,
    first: Sequence[Layer] = (),
    feedback: Feedback | None = None,
    checkpoint: Path | None = None,
    on_epoch: Callable[[Epoch], None] = lambda _epoch: None,
    on_batch: Callable[[], None] = lambda: None,
) -> Trained:
    """Train by a recipe on the parts that `split` gave, and look at the test set once, with the weights that are kept.

    `first` are the layers of the recipe's `start`, `feedback` has the corrections that are mixed in. `checkpoint` is a
    file to go on from, if it is there, and to be replaced after each epoch. Raises DataError, StartRefused, Diverged,
    WorkerLost, CheckpointError; KeyboardInterrupt when stopped before the first epoch was over.
    """
    fitted = fit(
        recipe,
        parts.train,
        parts.validation,
        data.classes,
        first=first,
        corrections=feedback.train if feedback else None,
        checkpoint=checkpoint_of(checkpoint, recipe, data) if checkpoint else None,
        on_epoch=on_epoch,
        on_batch=on_batch,
    )
    fitted = replace(fitted, layers=calibrated(fitted.layers, parts.validation, recipe))
    found = answers(fitted.layers, parts.test, recipe)
    return Trained(recipe, data, fitted, found.measure(recipe), _golden(parts.test), found, feedback)


def fit(
    recipe: Recipe,
    train: Examples,
    validation: Examples,
    classes: tuple[str, ...],
    *,
    first: Sequence[Layer] = (),
    corrections: Examples | None = None,
    checkpoint: Checkpoint | None = None,
    on_epoch: Callable[[Epoch], None] = lambda _epoch: None,
    on_batch: Callable[[], None] = lambda: None,
) -> Fitted:
    """Train by a recipe on `train`, the examples that it adds and corrections; the test part is not needed.

    Raises DataError, StartRefused, and what training/fit.py raises.
    """
    if bool(recipe.start) != bool(first):
        raise StartRefused("start is for train and retrain, which have a store in which that version is")
    train = train.spread(recipe.replay)
    more = additions(train, classes, recipe)
    if corrections is not None:
        repeated = corrections * recipe.copies(len(train) + (len(more) if more else 0), len(corrections))
        more = more + repeated if more else repeated
    return fitting.fit(
        recipe,
        train,
        validation,
        len(classes),
        first=first,
        more=more,
        checkpoint=checkpoint,
        on_epoch=on_epoch,
        on_batch=on_batch,
    )


def calibrated(layers: tuple[Layer, ...], validation: Examples, recipe: Recipe) -> tuple[Layer, ...]:
    """Give the network with scores that are right on validation, if the recipe says so and it ends in softmax."""
    if not recipe.calibrate or recipe.output != "softmax":
        return layers
    return cooled(layers, temperature(answers(layers, validation, recipe).scores, validation.labels))


def checkpoint_of(path: Path, recipe: Recipe, data: DataSet) -> Checkpoint:
    """Give the checkpoint of the run by this recipe on this data."""
    return Checkpoint(path, {**recipe.model_dump(mode="json"), "data": data.sha256, "layout": _LAYOUT})


def publish(trained: Trained, store: Store) -> int:
    """Store what a run has given as the model's next version, and give its number; no alias moves.

    Raises VersionFileError, StoreUnavailable.
    """
    recipe, fitted, data = trained.recipe, trained.fitted, trained.data
    height, width = data.train.images.shape[1:]
    metadata = Metadata(
        name=recipe.model,
        version=1,
        created_at=datetime.now(UTC).replace(microsecond=0),
        sizes=(height * width, *recipe.hidden, len(data.classes)),
        activations=recipe.activations,
        input=Input(height=height, width=width, low=recipe.low, high=recipe.high, preparation=recipe.preparation),
        labels=data.classes,
        recipe=recipe.model_dump(mode="json"),
        seed=recipe.seed,
        dataset=TrainedOn(name=data.name, sha256=data.sha256),
        metrics={
            "accuracy": trained.test.accuracy,
            "loss": trained.test.loss,
            "validation_accuracy": fitted.kept.validation.accuracy,
            "train_accuracy": fitted.kept.train.accuracy,
            "epochs": float(fitted.kept.number),
            **_on_corrections(trained),
        },
        libraries={
            "python": platform.python_version(),
            "numpy": np.__version__,
            "pillow": PIL.__version__,
            "pydantic": pydantic.VERSION,
        },
        sha256="0" * 64,
    )
    return store.publish(metadata, fitted.layers, trained.golden_inputs)


def _on_corrections(trained: Trained) -> dict[str, float]:
    """Give how many corrections were trained on and how many held out, and the accuracy on each of the two."""
    if (feedback := trained.feedback) is None:
        return {}
    found = {"corrections": float(len(feedback.train)), "corrections_held_out": float(len(feedback.held_out))}
    for name, part in (("corrections_train", feedback.train), ("corrections", feedback.held_out)):
        if len(part):
            found[f"{name}_accuracy"] = measure(trained.fitted.layers, part, trained.recipe).accuracy
    return found


def count(part: Part, total: int) -> int:
    """Give the examples of a part of so many, at least one. Raises DataError when none are left for training."""
    found = part if isinstance(part, int) else max(1, round(part * total))
    if found >= total:
        raise DataError(f"{found} examples are to be kept from training, and there are {total} in all")
    return found


def _examples(images: Uint8, labels: Ints, chosen: Ints | slice) -> Examples:
    return Examples(images[chosen], labels[chosen])


def _golden(test: Examples) -> Uint8:
    chosen = np.linspace(0, len(test) - 1, min(_GOLDEN, len(test))).astype(np.intp)
    blank = np.zeros_like(test.pictures[:1])  # (1, height, width)
    return np.concatenate([test.pictures[chosen], blank, ~blank])
