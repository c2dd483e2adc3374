"""`python -m training sweep`: search a recipe's fields for the values that do best."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from tqdm import tqdm

from training import datasets, interrupt, recipes, run
from training.commands.recipe_options import recipe_options
from training.commands.where import where_options
from training.errors import SweepError
from training.jobs import run as jobs
from training.jobs.place import Place
from training.jobs.run import place
from training.sweep.space import Space
from training.sweep.space import space as read_space
from training.sweep.trial import Hopeless, Parts, Reached, Trial, attempt
from training.whole_file import whole

if TYPE_CHECKING:  # Optuna takes its time, and other commands do not need it
    from training.sweep.study import Study

_INTERRUPTED: Final = 130
"""Exit status after Ctrl-C, as shells have it."""


@click.command(context_settings={"show_default": True})
@click.argument("recipe", metavar="RECIPE")
@click.option(
    "--search",
    "searched",
    multiple=True,
    required=True,
    metavar="FIELD=VALUES",
    help="A field of the recipe, and the values to search: low..high, low..high:log for one that matters by its "
    "magnitude, or choices as a|b|c. To be given once for each field.",
)
@click.option("--trials", type=click.IntRange(min=1), default=30, help="How many values to try, in all.")
@click.option(
    "--journal",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("sweep.log"),
    help="File of all that was tried. The same command goes on from it, and with more --trials beyond its end.",
)
@click.option(
    "--pruner",
    type=click.Choice(["median", "halving", "none"]),
    default="median",
    help="Which trials are given up on their way: those worse than half of the others at their epoch, all but the best "
    "third each time that their epochs triple, or none.",
)
@click.option(
    "--winner",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.toml",
    help="Write the best trial to this file, as a recipe.",
)
@where_options
@recipe_options(without=["workers", "start", "feedback_weight", "corrections"])
def sweep(
    recipe: str,
    searched: tuple[str, ...],
    trials: int,
    journal: Path,
    pruner: str,
    winner: Path | None,
    workers: int | None,
    cluster: str | None,
    **fields: object,
) -> None:
    """Search fields of RECIPE for the values with the best accuracy on the validation part.

    RECIPE is the name of one of training/recipes/*.toml, or the path of a .toml file of your own; the last options
    below replace fields that are not searched. The test part is not read. Nothing is stored but the journal: the last
    line is the command that trains the winner. Ctrl-C, or a crash, and the same command goes on.

    \b
    Examples:
      python -m training sweep fast --search learning_rate=0.01..1:log --search dropout=0..0.3
      python -m training sweep digits --epochs 20 --search 'hidden=256|512|1024,512' --trials 50
      python -m training sweep digits --search warmup=0..5 --cluster tcp://10.0.0.7:8786
    """  # noqa: D301
    from training.sweep import journal as journals
    from training.sweep import study as studies
    from training.sweep import table

    space = read_space(searched)
    given = {name: value for name, value in fields.items() if value is not None}
    _check(given, space, winner)
    base = recipes.load(recipe, given)
    data = datasets.load(base.dataset, height=base.height, width=base.width, preparation=base.preparation)
    split = run.split(data, base)
    parts = Parts(split.train, split.validation, data.classes)
    identity = studies.identity(base, space, pruner, data.sha256)
    with journals.opened(journal, identity, studies.pruner(pruner, base.epochs)) as opened:
        study = studies.Study(opened, base, space)
        interrupted = False
        try:
            with place(attempt, parts, size=workers, cluster=cluster) as where:
                click.echo(table.plan(space, recipe, trials, len(study.trials()), where.size, cluster))
                _run(study, trials, where)
        except KeyboardInterrupt:
            interrupted = True
            click.echo(f"\ninterrupted; the same command goes on from {journal}", err=True)
        if not (finished := study.finished()):
            click.echo(f"no trial was trained to its end, of {len(study.trials())}", err=True)
            sys.exit(_INTERRUPTED if interrupted else 1)
        values = study.values(finished[0])
        click.echo(f"\n{table.best(study, space)}\n\nTo train the winner: {table.command(recipe, given, values)}")
        if winner:
            _write(winner, table.toml(recipes.load(recipe, {**given, **values})))
    if interrupted:
        sys.exit(_INTERRUPTED)


def _check(given: dict[str, object], space: Space, winner: Path | None) -> None:
    for name in given:
        if name in space:
            raise SweepError(f"{name} is searched, and given as an option; leave out one of them")
    if winner and winner.suffix != ".toml":
        raise SweepError(f"--winner {winner}: expected a name that ends in .toml")


def _run(study: "Study", total: int, where: Place[Trial, Reached | Hopeless]) -> None:
    """Try until `total` trials are over, with a bar for them and a line for each."""
    from training.sweep import table

    def heard(trial: Trial, message: tuple[int, float]) -> bool:
        return study.report(trial, *message)

    def again(trial: Trial, why: str) -> None:
        interrupt.write(f"{trial.number:5d} begins again: {why}")

    click.echo(table.HEADER)
    done = len(study.trials())
    with tqdm(total=max(total, done), initial=done, unit="trial", disable=None, leave=False) as bar:
        for trial, outcome in jobs.run(where, study.ask(total), heard=heard, again=again):
            ended = study.tell(trial, outcome)
            interrupt.write(table.line(ended, study.values(ended)))
            bar.update()
            if finished := study.finished():
                bar.set_postfix(best=f"{finished[0].value:.2%}")


def _write(path: Path, text: str) -> None:
    try:
        with whole(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise SweepError(f"the recipe {path} cannot be written: {error}") from error
    click.echo(f"as a recipe: {path}")
