"""The command line: a group, and its commands; newer ones are in commands/. Tables are made in training/report.py."""

import sys
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from mlp.aliases import PRODUCTION
from mlp.errors import MlpError
from mlp.store import CACHE, Store, open_store
from training import batches, datasets, recipes, report, run
from training.augment import Augmentation
from training.commands.aliases import history, rollback, rule, traffic, user, withdraw
from training.commands.aliases import promote as promote_command
from training.commands.compare import compare
from training.commands.converge import converge
from training.commands.export import export
from training.commands.housekeeping import delete, prune
from training.commands.import_network import import_command
from training.commands.report import report as report_command
from training.evaluate import evaluate
from training.measure import Epoch
from training.recipes import Recipe

_INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it: what was reached is stored, but a script should not go on."""


_EXTRAS: Final = dict.fromkeys(("onnx", "safetensors", "skops"), "interchange") | {"sklearn": "compare"}
"""Packages that a command may do without, and the extra that they are in."""


class _Errors(click.Group):
    """A group whose commands say what is wrong in one line, and exit with 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except MlpError as error:
            raise click.ClickException(str(error)) from error
        except ModuleNotFoundError as error:
            extra = _EXTRAS.get((error.name or "").partition(".")[0])
            if extra is None:
                raise
            raise click.ClickException(f"{error.name} is not installed: pip install -e '.[{extra}]'") from error


@click.group(cls=_Errors, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--models",
    "store",
    default="models",
    show_default=True,
    envvar="MLP_MODELS",
    show_envvar=True,
    help="The model store: a folder, or s3://bucket/prefix.",
)
@click.option(
    "--cache",
    default=CACHE,
    show_default=True,
    envvar="MLP_CACHE",
    show_envvar=True,
    help="Folder in which what is read from a bucket is kept.",
)
@click.pass_context
def main(ctx: click.Context, store: str, cache: str) -> None:
    """Train networks, and say which version of a model is served.

    \b
    A first round:
      python -m training train book              train by a recipe; stored as the next version
      python -m training list                    what is in the store
      python -m training promote digits 2        serve version 2 from now on
      python -m training rollback digits         serve what was served before
    """  # noqa: D301 - click's mark for a paragraph that keeps its lines
    # One BLAS thread: with more, the result depends on their number, and on a busy machine they wait for each other.
    ctx.with_resource(threadpool_limits(1))
    ctx.obj = open_store(store, cache)


@main.result_callback()
@click.pass_obj
def _warn(store: Store, /, *_result: object, **_options: object) -> None:
    if store.stale:
        click.echo(f"warning: {store.location} does not answer; this is what was kept of it", err=True)


def _recipe_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each field of a recipe; what is given stays text, and the recipe validates it."""
    own_first = sorted(Recipe.model_fields.items(), key=lambda item: item[0] in Augmentation.model_fields)
    for name, info in reversed(own_first):
        flag = name.replace("_", "-")
        switch = info.annotation is bool
        choices = typing.get_args(info.annotation) if typing.get_origin(info.annotation) is typing.Literal else ()
        command = click.option(
            f"--{flag}/--no-{flag}" if switch else f"--{flag}",
            name,
            default=None,
            type=bool if switch else str,
            metavar=None if switch else "|".join(choices) or "VALUE",
            help=(info.description or "").replace("\n", " "),
        )(command)
    return command


@main.command()
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
@_recipe_options
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
    trained = run_with_progress(chosen, checkpoint)
    version = run.publish(trained, store)
    if checkpoint and not trained.fitted.interrupted:
        checkpoint.unlink(missing_ok=True)
    click.echo(report.outcome(trained, version))
    if promote and not trained.fitted.interrupted:
        store.promote(chosen.model, version, by=user(), why=f"trained by {recipe}")
        click.echo(f"{PRODUCTION} is now version {version}")
    elif not trained.fitted.interrupted and store.aliases(chosen.model).aliases.get(PRODUCTION) != version:
        click.echo(f"To serve it: python -m training promote {chosen.model} {version}")
    if reported:
        _write_report(trained, store, version)
    if trained.fitted.interrupted:
        sys.exit(_INTERRUPTED)


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


@main.command("evaluate")
@click.argument("model")
@click.argument("version", default=PRODUCTION)
@click.option("--dataset", help="Another data set than the one that the version was trained on, all of its test part.")
@click.pass_obj
def evaluate_command(store: Store, /, model: str, version: str, dataset: str | None) -> None:
    """Measure VERSION (a number or an alias) of MODEL on the test examples that its training never saw."""
    click.echo(report.evaluation(evaluate(store.read(model, store.resolve(model, version)), dataset)))


@main.command("list")
@click.argument("model", required=False)
@click.pass_obj
def list_command(store: Store, /, model: str | None) -> None:
    """List the versions of MODEL, or of every model: when and how they were made, how good they are, what is served."""
    for name in [model] if model else store.models():
        click.echo(report.versions(store, name))


@main.command()
def reproduce() -> None:
    """Train the book's network, and print our figures beside those that the book prints. Nothing is stored.

    Exits with 1 when the test accuracy is more than half a point from the book's.
    """
    trained = run_with_progress(recipes.load("book"))
    click.echo(report.beside_the_book(trained))
    if abs(trained.test.accuracy * 100 - report.BOOK_TEST) > report.BOOK_TOLERANCE:
        raise click.ClickException(f"not within {report.BOOK_TOLERANCE} points of the book's test accuracy")


for _command in (promote_command, rollback, withdraw, traffic, rule, history, delete, prune):
    main.add_command(_command)
for _command in (report_command, converge, compare, import_command, export):
    main.add_command(_command)
