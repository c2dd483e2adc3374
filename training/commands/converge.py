"""`python -m training converge`: how the three kinds of gradient descent converge."""

from pathlib import Path

import click
import numpy as np
from tqdm import tqdm

from training import datasets, run
from training.fit import fit
from training.whole_file import whole


@click.command()
@click.option("--dataset", default="mnist", show_default=True, help="What to train on.")
@click.option("--examples", type=click.IntRange(min=20), default=5000, show_default=True, help="To train on.")
@click.option("--epochs", type=click.IntRange(min=1), default=30, show_default=True, help="Passes of the online runs.")
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Runs of each kind and rate.")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="Folder for figures.")
def converge(dataset: str, examples: int, epochs: int, seeds: int, output: Path | None) -> None:
    """Compare online, mini-batch and full-batch gradient descent from the same start.

    The book's network at three learning rates each; full batches pass nine times, mini-batches three times as often,
    since their passes take less time. Prints a table, and draws loss against passes and seconds, and a slice of the
    loss around the minimum that the best mini-batch run has found.
    """
    from training.experiments import converge as experiment
    from training.experiments import figures, surface

    recipe = experiment.CHAPTER
    data = datasets.load(dataset, height=recipe.height, width=recipe.width, preparation=recipe.preparation)
    parts = run.split(data, recipe)
    train, classes = parts.train.spread(examples), len(data.classes)
    total = seeds * sum(len(kind.rates) for kind in experiment.KINDS)
    with tqdm(total=total, unit="run", disable=None, leave=False) as bar:
        curves = experiment.converge(
            train, parts.validation, classes, epochs=epochs, seeds=range(1, seeds + 1), on_run=bar.update
        )
    click.echo(experiment.table(curves))
    if output is None:
        return
    chosen = experiment.best(curves, experiment.KINDS[1])
    settings = {"batch_size": 100, "learning_rate": chosen.rate, "epochs": epochs * chosen.kind.passes}
    minimum = fit(recipe.model_copy(update=settings), train, parts.validation, classes)
    steps, losses = surface.slice_around(
        minimum.layers, train.spread(1000), recipe, reach=1.0, points=31, rng=np.random.default_rng(0)
    )
    for name, content in (("converge", figures.curves(curves)), ("loss-surface", figures.surface(steps, losses))):
        with whole(output / f"{name}.svg") as file:
            file.write(content)
        click.echo(f"figure: {output / name}.svg")
