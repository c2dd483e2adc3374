"""`train`: from a recipe to a stored version and its report."""

import sys
from pathlib import Path
from typing import Final

import click
from tqdm import tqdm

from mlp.aliases import PRODUCTION
from mlp.errors import MlpError
from mlp.store import Store
from training import batches, datasets, recipes, report, run
from training.commands.aliases import user
from training.commands.recipe_options import recipe_options
from training.measure import Epoch
from training.recipes import Recipe

INTERRUPTED: Final = 130
"""Exit status after Ctrl-C, as shells have it: what was reached is stored, but a script should not go on."""


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
@recipe_options()
@click.pass_obj
def train(
    store: Store, /, recipe: str, promote: bool, reported: bool, checkpoint: Path | None, **fields: object
) -> None:
    """Train a network by RECIPE and store it as the model's next version.

    RECIPE is the name of one of training/recipes/*.toml, or the path of a .toml file of your own. Each option below
    replaces one of its fields. Ctrl-C ends the run and stores what it has reached.

    \b
    Examples:
      python -m training train book
      python -m training train book --hidden 100,50 --epochs 10 --seed 2
      python -m training train pictures --dataset ~/leaves --model leaves
    """  # noqa: D301
    chosen = recipes.load(recipe, {name: value for name, value in fields.items() if value is not None})
    trained, version = trained_and_stored(store, chosen, checkpoint=checkpoint, reported=reported)
    if trained.fitted.interrupted:
        sys.exit(INTERRUPTED)
    if promote:
        store.promote(chosen.model, version, by=user(), why=f"trained by {recipe}")
        click.echo(f"{PRODUCTION} is now version {version}")
    elif store.aliases(chosen.model).aliases.get(PRODUCTION) != version:
        click.echo(f"To serve it: python -m training promote {chosen.model} {version}")


def trained_and_stored(
    store: Store, recipe: Recipe, *, checkpoint: Path | None = None, reported: bool = True
) -> tuple[run.Trained, int]:
    """Train by a recipe, store the result as the next version and write its report; give the run and the number."""
    trained = run_with_progress(recipe, checkpoint)
    version = run.publish(trained, store)
    if checkpoint and not trained.fitted.interrupted:
        checkpoint.unlink(missing_ok=True)
    click.echo(report.outcome(trained, version))
    if reported:
        _write_report(trained, store, version)
    return trained, version


def _write_report(trained: run.Trained, store: Store, version: int) -> None:
    """Write a run's report; where that fails, say so: the version is stored and as good without."""
    from training.page import write  # matplotlib takes its time, and other commands do not need it

    name = trained.recipe.model
    path = write.path_of(store, name, version)
    try:
        write.write(path, store.read(name, version), trained.answers, trained.data.name, trained.fitted.epochs)
    except (OSError, MlpError) as error:
        click.echo(f"warning: version {version} is stored, but its report {path} cannot be written: {error}", err=True)
    else:
        click.echo(f"report: {path}")


def run_with_progress(recipe: Recipe, checkpoint: Path | None = None) -> run.Trained:
    """Load a recipe's data and train, with a bar for the batches and a line for each epoch."""
    data = datasets.load(recipe.dataset, height=recipe.height, width=recipe.width, preparation=recipe.preparation)
    click.echo(report.plan(recipe, data, parts := run.split(data, recipe)))
    if checkpoint and checkpoint.exists():
        click.echo(f"going on from {checkpoint}\n")
    click.echo(report.EPOCH_HEADER)
    steps = batches.count(recipe.examples(len(parts.train)), recipe.batch_size)
    with tqdm(total=recipe.epochs * steps, unit="batch", disable=None, leave=False) as bar:

        def on_epoch(epoch: Epoch) -> None:
            bar.set_postfix(loss=f"{epoch.train.loss:.4f}", validation=f"{epoch.validation.accuracy:.2%}")
            bar.n = epoch.number * steps  # a run that goes on has not counted all of them
            tqdm.write(report.epoch_line(epoch))

        def on_batch() -> None:
            bar.update()

        return run.train(recipe, data, parts, checkpoint=checkpoint, on_epoch=on_epoch, on_batch=on_batch)
