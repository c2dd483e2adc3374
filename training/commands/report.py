"""`python -m training report`: the HTML report of a version that is stored already."""

from pathlib import Path

import click

from mlp.aliases import PRODUCTION
from mlp.store import Store
from training.errors import ReportError
from training.evaluate import evaluate


@click.command()
@click.argument("model")
@click.argument("version", default=PRODUCTION)
@click.option("--dataset", help="Another data set than the one that the version was trained on, all of its test part.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write, also if it is there already; by default the version's own, beside its weights.",
)
@click.pass_obj
def report(store: Store, /, model: str, version: str, dataset: str | None, output: Path | None) -> None:
    """Write the HTML report of VERSION (a number or an alias) of MODEL, measured anew on its test examples.

    It has no learning curves: these are known at the end of a run alone, when `train` writes the report by itself.
    """
    from training.page import write  # matplotlib takes its time, and other commands do not need it

    number = store.resolve(model, version)
    path = output or write.path_of(store, model, number)
    if output is None and path.exists():
        raise ReportError(f"there is a report already, perhaps with learning curves: {path}; or choose an --output")
    found = evaluate(store.read(model, number), dataset)
    try:
        write.write(path, found.version, found.answers, found.dataset)
    except OSError as error:
        raise ReportError(f"the report cannot be written to {path}: {error.strerror or error}") from error
    click.echo(f"report: {path}")
