"""`train`: from a recipe to a stored version and its report."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
from tqdm import tqdm

from mlp.aliases import PRODUCTION
from mlp.errors import MlpError, in_full
from mlp.network import Layer
from mlp.store import Store
from mlp.version import Version
from training import batches, datasets, gate, interrupt, recipes, report, run
from training.commands.aliases import user
from training.commands.feedback_options import Learning, feedback_options
from training.commands.recipe_options import recipe_options
from training.errors import FeedbackError
from training.feedback import Feedback, feedback
from training.gate import Comparison
from training.labelled import DataSet
from training.measure import Epoch
from training.recipes import Recipe
from training.start import start

INTERRUPTED: Final = 130
"""Exit status after Ctrl-C, as shells have it: what was reached is stored, but a script should not go on."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A run whose version is in the store."""

    version: int
    interrupted: bool
    comparison: Comparison | None
    """With the version in production: where corrections were mixed in, there is one, and the run came to its end."""
    objections: Sequence[str]
    """What speaks against promoting it."""


@click.command()
@click.argument("recipe", metavar="RECIPE")
@click.option("--promote", is_flag=True, help="Serve the new version at once: move the alias production to it.")
@click.option(
    "--report/--no-report",
    "reported",
    default=True,
    show_default=True,
    help="Write an HTML report of the run beside the version's file.",
)
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Save the run's state to this file after each epoch, and go on from it if it is there: after a crash, give "
    "the same command again. Removed when the version is stored.",
)
@feedback_options
@recipe_options(without=["corrections"])
@click.pass_obj
def train(
    store: Store,
    /,
    recipe: str,
    promote: bool,
    reported: bool,
    checkpoint: Path | None,
    learning: Learning | None,
    **fields: object,
) -> None:
    """Train a network by RECIPE and store it as the model's next version.

    RECIPE is the name of one of training/recipes/*.toml, or the path of a .toml file of your own. Each option below
    replaces one of its fields. Ctrl-C ends the run and stores what it has reached. With corrections, --promote serves
    the new version only if nothing has fallen.

    \b
    Examples:
      python -m training train book
      python -m training train book --hidden 100,50 --epochs 10 --seed 2
      python -m training train pictures --dataset ~/leaves --model leaves
      python -m training train learn --with-feedback
    """  # noqa: D301
    chosen = recipes.load(recipe, {name: value for name, value in fields.items() if value is not None})
    stored = trained_and_stored(
        store, chosen, checkpoint=checkpoint, reported=reported, learning=learning, judged=promote
    )
    version = stored.version
    if stored.interrupted:
        sys.exit(INTERRUPTED)
    if promote:
        refuse(stored)
        store.promote(chosen.model, version, by=user(), why=f"trained by {recipe}")
        click.echo(f"{PRODUCTION} is now version {version}")
    elif store.aliases(chosen.model).aliases.get(PRODUCTION) != version:
        click.echo(f"To serve it: python -m training promote {chosen.model} {version}")


def refuse(stored: Stored) -> None:
    """Raise ClickException where something speaks against promoting a version."""
    if stored.objections:
        raise click.ClickException(
            f"version {stored.version} is stored, and not promoted: {'; '.join(stored.objections)}"
        )


def trained_and_stored(
    store: Store,
    recipe: Recipe,
    *,
    checkpoint: Path | None = None,
    reported: bool = True,
    learning: Learning | None = None,
    judged: bool = False,
) -> Stored:
    """Train by a recipe, store the result as the next version and write its report.

    With corrections, set it beside the version in production; where it is to be `judged` by that, nothing is trained
    if that could not be done.
    """
    data = _loaded(recipe)
    recipe, first = start(store, recipe, data) if recipe.start else (recipe, ())
    found = feedback(learning.url, store, recipe, data) if learning else None
    old = None
    if learning and found:
        recipe = recipe.model_copy(update={"corrections": found.sha256})
        old = _in_production(store, recipe, data)
        click.echo(report.feedback(found))
        if judged and old and not (len(found.held_out) or learning.by_trained):
            raise FeedbackError(
                "none of the corrections is held out, so nothing can tell whether a version has learnt from them: "
                "every fifth of a label is; correct more, or let those that are trained on decide (--judge-by-trained)"
            )
    trained = run_with_progress(recipe, checkpoint, data=data, first=first, corrections=found)
    number = run.publish(trained, store)
    if checkpoint and not trained.fitted.interrupted:
        checkpoint.unlink(missing_ok=True)
    click.echo(report.outcome(trained, number))
    comparison, objections = None, []
    if learning and found and old and not trained.fitted.interrupted:
        new = store.read(recipe.model, number)
        comparison = gate.compare(store, old, new, trained.answers.examples, found)
        objections = gate.objections(comparison, learning.max_fall, by_trained=learning.by_trained)
        click.echo(report.comparison(comparison, objections))
    if reported:
        _write_report(trained, store, number, comparison, shown=bool(learning and learning.shown))
    return Stored(number, trained.fitted.interrupted, comparison, objections)


def _in_production(store: Store, recipe: Recipe, data: DataSet) -> Version | None:
    """Give the version in production, if there is one; it must be one that can be compared with."""
    number = store.aliases(recipe.model).aliases.get(PRODUCTION)
    if number is None:
        return None
    old = store.read(recipe.model, number)
    gate.check(old, data.classes, data.train.images.shape[1:])
    return old


def _write_report(
    trained: run.Trained, store: Store, version: int, comparison: Comparison | None, *, shown: bool
) -> None:
    """Write a run's report; where that fails, say so: the version is stored and as good without."""
    from training.page import write  # matplotlib takes its time, and other commands do not need it

    name = trained.recipe.model
    path = write.path_of(store, name, version)
    try:
        write.write(
            path,
            store.read(name, version),
            trained.answers,
            trained.data.name,
            trained.fitted.epochs,
            comparison,
            corrections_shown=shown,
        )
    except (OSError, MlpError) as error:
        click.echo(
            f"warning: version {version} is stored, but its report {path} cannot be written: {in_full(error)}", err=True
        )
    else:
        click.echo(f"report: {path}")


def _loaded(recipe: Recipe) -> DataSet:
    return datasets.load(recipe.dataset, height=recipe.height, width=recipe.width, preparation=recipe.preparation)


def run_with_progress(
    recipe: Recipe,
    checkpoint: Path | None = None,
    *,
    data: DataSet | None = None,
    first: Sequence[Layer] = (),
    corrections: Feedback | None = None,
) -> run.Trained:
    """Train on a recipe's data, loaded if it is not given, with a bar for the batches and a line for each epoch."""
    data = data or _loaded(recipe)
    click.echo(report.plan(recipe, data, parts := run.split(data, recipe)))
    if checkpoint and checkpoint.exists():
        click.echo(f"going on from {checkpoint}\n")
    click.echo(report.EPOCH_HEADER)
    examples = recipe.examples(len(parts.train), len(corrections.train) if corrections else 0)
    steps = batches.count(examples, recipe.batch_size)
    with tqdm(total=recipe.epochs * steps, unit="batch", disable=None, leave=False) as bar:

        def on_epoch(epoch: Epoch) -> None:
            bar.set_postfix(loss=f"{epoch.train.loss:.4f}", validation=f"{epoch.validation.accuracy:.2%}")
            bar.n = epoch.number * steps  # a run that goes on has not counted all of them
            interrupt.write(report.epoch_line(epoch))

        def on_batch() -> None:
            bar.update()

        return run.train(
            recipe,
            data,
            parts,
            first=first,
            feedback=corrections,
            checkpoint=checkpoint,
            on_epoch=on_epoch,
            on_batch=on_batch,
        )
