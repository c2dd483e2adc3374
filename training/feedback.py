"""Corrections as examples: those that fit a run, in the part that is trained on and the part that is held out.

Where they are kept is mlp/corrections.py's matter; what a new version made of them is in training/gate.py.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np

from mlp.corrections import Correction, Corrections, Selection
from mlp.errors import MlpError
from mlp.store import Store
from training.errors import FeedbackError
from training.labelled import DataSet
from training.measure import Examples
from training.recipes import Recipe


@dataclass(frozen=True, slots=True, eq=False)
class Feedback:
    """Corrections of one model that fit its pictures and classes."""

    train: Examples
    """At least one."""
    held_out: Examples
    """Those that no version is ever trained on; often few, and none where no label was corrected five times."""
    left_out: dict[str, int]
    """How many do not fit, by the reason in words."""
    location: str
    """Where they were read from, without a password."""
    sha256: str
    """Hex digest over the pictures, labels and parts of all that fit, in the order in which they were stored."""


def feedback(url: str, store: Store, recipe: Recipe, data: DataSet) -> Feedback:
    """Read the corrections of the recipe's model at a database's URL.

    Those of another size, of a label that is no class of `data`, or prepared in another way by the version that
    answered, are left out. Raises FeedbackError where none is left to be trained on, InvalidLocation and
    CorrectionsUnavailable.
    """
    corrections = Corrections(url)
    reason_against = _judge(store, recipe, data)
    fitting, left_out = [], Counter[str]()
    for correction in corrections.read(Selection(model=recipe.model)):
        reason = reason_against(correction)
        if reason:
            left_out[reason] += 1
        else:
            fitting.append(correction)
    trained, held_out = ([c for c in fitting if c.part == part] for part in ("train", "validation"))
    if not trained:
        reasons = "".join(f"; {count} {reason}" for reason, count in left_out.items())
        held = f"; {len(held_out)} held out" if held_out else ""
        raise FeedbackError(
            f"{corrections.location} has no correction of {recipe.model} to be trained on{held}{reasons}"
        )
    return Feedback(
        _examples(trained, data), _examples(held_out, data), dict(left_out), corrections.location, digest(fitting)
    )


def digest(corrections: Iterable[Correction]) -> str:
    r"""Give the SHA-256, in hex, over corrections in their order.

    Each counts as the line "<part> <height>x<width> <label>\n" in UTF-8 and the bytes of its pixels.
    """
    sha = hashlib.sha256()
    for correction in corrections:
        height, width = correction.pixels.shape
        sha.update(f"{correction.part} {height}x{width} {correction.label}\n".encode())
        sha.update(np.ascontiguousarray(correction.pixels).data)
    return sha.hexdigest()


def _judge(store: Store, recipe: Recipe, data: DataSet) -> Callable[[Correction], str]:
    """Give a function that says why a correction does not fit, nothing where it does."""
    height, width = data.train.images.shape[1:]

    @cache
    def preparation(version: int) -> str:
        try:
            return store.metadata(recipe.model, version).input.preparation
        except MlpError:  # it is no longer there, so nothing speaks against what it was given
            return recipe.preparation

    def reason_against(correction: Correction) -> str:
        if correction.pixels.shape != (height, width):
            high, wide = correction.pixels.shape
            return f"of {high}×{wide} pixels, not {height}×{width}"
        if correction.label not in data.classes:
            return f"with the label {correction.label!r}, which is no class of {data.name}"
        if preparation(correction.version) != recipe.preparation:
            return f"prepared by {preparation(correction.version)!r}, not {recipe.preparation!r}"
        return ""

    return reason_against


def _examples(corrections: list[Correction], data: DataSet) -> Examples:
    labels = np.array([data.classes.index(correction.label) for correction in corrections], np.intp)
    shape = (len(corrections), *data.train.images.shape[1:])
    return Examples(np.array([correction.pixels for correction in corrections], np.uint8).reshape(shape), labels)
