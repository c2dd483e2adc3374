"""Online, mini-batch and full-batch gradient descent from the same start: loss against epochs and against seconds."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from mlp.arrays import Float
from training.errors import Diverged
from training.fit import fit
from training.measure import Epoch, Examples
from training.recipes import Recipe

CHAPTER: Final = Recipe(
    low=-1, high=1, hidden=(50,), activation="sigmoid", output="sigmoid", loss="mse", init="normal", init_scale=0.1,
    train_sample=0, keep="last",
)  # fmt: skip
"""The book's network; the first weights depend on the seed alone, so that all kinds begin at the same place."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A size of batches, the learning rates to try with it, and passes over the examples."""

    name: str
    batch_size: int | Literal["full"]
    rates: tuple[float, ...]
    passes: int
    """Times the number that is asked for: a pass of few large steps takes less time than one of many small ones."""


KINDS: Final = (
    Kind("online", 1, (0.1, 0.5, 2.5), 1),
    Kind("mini-batch of 100", 100, (1, 5, 25), 3),
    Kind("full batch", "full", (2, 7, 25), 9),
)


@dataclass(frozen=True, slots=True)
class Curve:
    """Runs of one kind at one rate, one for each seed; shape (seeds, epochs)."""

    kind: Kind
    rate: float
    losses: Float
    seconds: Float
    """Since the beginning, of training alone."""
    validation: Float
    """Accuracy after the last epoch, shape (seeds,)."""

    @property
    def final(self) -> float:
        """Loss after the last epoch: the mean over the seeds, infinite where one has diverged."""
        return float(self.losses[:, -1].mean())


def converge(
    train: Examples,
    validation: Examples,
    classes: int,
    *,
    epochs: int,
    seeds: Sequence[int],
    on_run: Callable[[], object] = lambda: None,
) -> list[Curve]:
    """Train every kind at every rate with every seed, `epochs` passes times the kind's own factor."""
    curves = []
    for kind in KINDS:
        for rate in kind.rates:
            runs = []
            for seed in seeds:
                runs.append(_run(kind, rate, seed, train, validation, classes, epochs * kind.passes))
                on_run()
            losses, seconds, accuracies = zip(*runs, strict=True)
            curves.append(Curve(kind, rate, np.array(losses), np.array(seconds), np.array(accuracies)))
    return curves


def _run(
    kind: Kind, rate: float, seed: int, train: Examples, validation: Examples, classes: int, epochs: int
) -> tuple[Float, Float, float]:
    settings = {"batch_size": kind.batch_size, "learning_rate": rate, "seed": seed, "epochs": epochs}
    reached: list[Epoch] = []
    with contextlib.suppress(Diverged):
        fit(CHAPTER.model_copy(update=settings), train, validation, classes, on_epoch=reached.append)
    losses, seconds = np.full((2, epochs), np.inf)
    losses[: len(reached)] = [epoch.train.loss for epoch in reached]
    seconds[: len(reached)] = np.cumsum([epoch.seconds for epoch in reached])
    return losses, seconds, reached[-1].validation.accuracy if len(reached) == epochs else 0.0


def best(curves: Sequence[Curve], kind: Kind) -> Curve:
    """Give the rate of a kind whose loss is least at the end."""
    return min((curve for curve in curves if curve.kind == kind), key=lambda curve: curve.final)


def table(curves: Sequence[Curve]) -> str:
    """Give a Markdown table: a line for each kind and rate, mean ± standard deviation over the seeds."""
    lines = [
        "| batches | learning rate | passes | seconds | training loss | validation accuracy |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for curve in curves:
        last = curve.losses[:, -1]
        loss = f"{last.mean():.4f} ± {last.std():.4f}" if np.isfinite(last).all() else "diverged"
        accuracy = f"{curve.validation.mean():.2%} ± {curve.validation.std():.2%}"
        seconds = f"{np.median(curve.seconds[:, -1]):.1f}"
        lines.append(
            f"| {curve.kind.name} | {curve.rate:g} | {curve.losses.shape[1]} | {seconds} | {loss} | {accuracy} |"
        )
    return "\n".join(lines)
