"""`python -m training crossvalidate`: how well a recipe does, and how much of that is luck."""

import click
import numpy as np
from tqdm import tqdm

from training import datasets, folds, interrupt, recipes, report, run
from training.commands.recipe_options import recipe_options
from training.commands.where import where_options
from training.errors import WorkerLost
from training.folds import Folds, Measured
from training.jobs import run as jobs
from training.jobs.place import Done, Place
from training.jobs.run import place


@click.command(context_settings={"show_default": True})
@click.argument("recipe", metavar="RECIPE")
@click.option(
    "--folds",
    "count",
    type=click.IntRange(min=2, max=1000),
    default=5,
    help="In how many parts the examples are divided; as many networks are trained, each without one part.",
)
@where_options
@recipe_options(without=["workers"])
def crossvalidate(recipe: str, count: int, workers: int | None, cluster: str | None, **fields: object) -> None:
    """Train RECIPE several times, each time without another part of the examples, and measure on that part.

    RECIPE is the name of one of training/recipes/*.toml, or the path of a .toml file of your own; the last options
    below replace its fields. Training and validation part are divided anew; the test part is not read. Nothing is
    stored.

    \b
    Examples:
      python -m training crossvalidate fast
      python -m training crossvalidate digits --epochs 20 --folds 10 --cluster tcp://10.0.0.7:8786
    """  # noqa: D301
    chosen = recipes.load(recipe, {name: value for name, value in fields.items() if value is not None})
    data = datasets.load(chosen.dataset, height=chosen.height, width=chosen.width, preparation=chosen.preparation)
    split = run.split(data, chosen)
    task = Folds(split.train + split.validation, data.classes, chosen, count)
    folds.parts(task.examples.labels, count, chosen.seed)  # says what is wrong before anything is started
    with place(folds.attempt, task, size=workers, cluster=cluster) as where:
        on = f"on the cluster at {cluster}" if cluster else "on this machine"
        click.echo(f"{recipe}: {len(task.examples)} examples in {count} folds, {where.size} at a time {on}\n")
        found = _run(task, where)
    rows = [
        (str(number), f"{of.accuracy:.2%}", f"{of.loss:.4f}", str(of.epoch), f"{of.seconds:.1f}")
        for number, of in sorted(found.items())
    ]
    click.echo(report.table(("fold", "accuracy", "loss", "epoch", "seconds"), rows))
    accuracies = np.array([of.accuracy for of in found.values()])
    click.echo(f"\naccuracy {accuracies.mean():.2%} ± {accuracies.std(ddof=1):.2%} (mean and standard deviation)")


def _run(task: Folds, where: Place[int, Measured]) -> dict[int, Measured]:
    """Give what was measured of each fold, with a bar for the epochs. Raises WorkerLost."""
    reached: dict[int, int] = {}
    found: dict[int, Measured] = {}
    with tqdm(total=task.count * task.recipe.epochs, unit="epoch", disable=None, leave=False) as bar:

        def reach(number: int, epoch: int) -> bool:
            bar.update(epoch - reached.get(number, 0))
            reached[number] = epoch
            return True

        def again(number: int, why: str) -> None:
            reach(number, 0)
            interrupt.write(f"fold {number} begins again: {why}")

        for number, outcome in jobs.run(where, range(task.count), heard=reach, again=again):
            if not isinstance(outcome, Done):
                raise WorkerLost(f"fold {number} was lost: {outcome}")
            reach(number, task.recipe.epochs)
            found[number] = outcome.result
    return found
