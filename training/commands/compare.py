"""`python -m training compare`: the network beside simpler classifiers."""

from pathlib import Path

import click

from training import datasets, run
from training.recipes import Recipe
from training.whole_file import whole


@click.command()
@click.option("--dataset", default="mnist", show_default=True, help="What to train on and to test with.")
@click.option("--examples", type=click.IntRange(min=20), default=10_000, show_default=True, help="To train on.")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="Folder for a figure.")
def compare(dataset: str, examples: int, output: Path | None) -> None:
    """Compare the network with Adaline, logistic regression and support vector machines on the same split.

    Prints a table of test accuracy, time to train, time to predict and size. One core for all.
    """
    from training.experiments import compare as experiment
    from training.experiments import figures

    recipe = Recipe()
    data = datasets.load(dataset, height=recipe.height, width=recipe.width, preparation=recipe.preparation)
    parts = run.split(data, recipe)
    found = list(experiment.compare(parts.train.spread(examples), parts.validation, parts.test, len(data.classes)))
    click.echo(experiment.table(found))
    if output:
        with whole(output / "compare.svg") as file:
            file.write(figures.bars(found))
        click.echo(f"figure: {output / 'compare'}.svg")
