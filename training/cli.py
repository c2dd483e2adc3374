"""The command line: a group, and its commands; newer ones are in commands/. Tables are made in training/report.py."""

from typing import Any, Final

import click
from threadpoolctl import threadpool_limits

from mlp.aliases import PRODUCTION
from mlp.errors import MlpError, in_full
from mlp.store import CACHE, Store, open_store
from training import recipes, report
from training.commands.aliases import history, rollback, rule, traffic, withdraw
from training.commands.aliases import promote as promote_command
from training.commands.compare import compare
from training.commands.converge import converge
from training.commands.crossvalidate import crossvalidate
from training.commands.export import export
from training.commands.feedback import feedback
from training.commands.housekeeping import delete, prune
from training.commands.import_network import import_command
from training.commands.report import report as report_command
from training.commands.retrain import retrain
from training.commands.score import score
from training.commands.sweep import sweep
from training.commands.train import run_with_progress, train
from training.evaluate import evaluate

_EXTRAS: Final = dict.fromkeys(("onnx", "safetensors", "skops"), "interchange") | {
    "sklearn": "compare",
    "optuna": "sweep",
    "distributed": "scale",
    "pyarrow": "scale",
}
"""Packages that a command may do without, and the extra that they are in."""


class _Errors(click.Group):
    """A group whose commands say what is wrong in one line, and exit with 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except MlpError as error:
            raise click.ClickException(in_full(error)) from error
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
for _command in (train, retrain, report_command, converge, compare, sweep, crossvalidate):
    main.add_command(_command)
for _command in (score, import_command, export, feedback):
    main.add_command(_command)
