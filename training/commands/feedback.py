"""`python -m training feedback`: what people have said is wrong, listed, exported and erased. docs/feedback.md."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import click

from mlp import corrections
from mlp.corrections import Corrections, Selection
from mlp.store import Store
from training import exported, report


@click.group()
def feedback() -> None:
    """List, export or erase the corrections that people have sent to the service.

    \b
    Examples:
      python -m training feedback list --last 20
      python -m training feedback export corrections.npz --model digits
      python -m training feedback erase --before 2027-01-01
    """  # noqa: D301


def _selecting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options by which corrections are chosen, and where they are kept."""
    for option in reversed(
        (
            click.option(
                "--feedback",
                "url",
                default=corrections.DEFAULT,
                show_default=True,
                envvar="MLP_FEEDBACK",
                show_envvar=True,
                help="The database: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE.",
            ),
            click.option("--model", help="Only those of this model."),
            click.option("--label", help="Only those that people gave this label."),
            click.option("--version", type=click.IntRange(min=1), help="Only those of this version's answers."),
            click.option("--id", "ids", multiple=True, help="Only this one; may be given several times."),
            click.option(
                "--before",
                type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
                help="Only those that were kept before this moment (UTC).",
            ),
        )
    ):
        command = option(command)
    return command


def _selection(
    model: str | None, label: str | None, version: int | None, ids: tuple[str, ...], before: datetime | None
) -> Selection:
    moment = before.replace(tzinfo=UTC).timestamp() if before else None
    return Selection(model, label, version, ids or None, moment)


@feedback.command("list")
@_selecting
@click.option("--last", type=click.IntRange(min=1), help="Only the newest so many.")
def list_corrections(url: str, last: int | None, **which: Any) -> None:
    """List corrections, the newest last: what was answered, by which version, and what is right."""
    chosen = _selection(**which)
    with closing(Corrections(url)) as kept:
        skipped = max(0, kept.count(chosen) - last) if last else 0
        click.echo(report.corrections(list(islice(kept.read(chosen), skipped, None))))


@feedback.command()
@click.argument("output", type=click.Path(path_type=Path))
@_selecting
@click.pass_obj
def export(store: Store, /, output: Path, url: str, **which: Any) -> None:
    """Write corrections to OUTPUT: an .npz file, or else a folder.

    The .npz is what `train --dataset` and `evaluate --dataset` read: the pixels that the network was given, and the
    labels that people gave. The folder has the pictures as PNG in one sub-folder a label, and all the rest in
    corrections.jsonl, one a line. Either can be read by you alone, and is not written over what is there already.
    """
    with closing(Corrections(url)) as kept:
        number = exported.write(kept.read(_selection(**which)), output, store)
    click.echo(f"{output}: {number} corrections")


@feedback.command()
@_selecting
@click.option("--all", "everything", is_flag=True, help="All that there are.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(url: str, everything: bool, yes: bool, **which: Any) -> None:
    """Erase corrections for good. A version that was trained with them keeps what it has learnt."""
    chosen = _selection(**which)
    if everything == (chosen != corrections.ALL):
        raise click.UsageError("say which: by --id, --before, --label, --version or --model, or --all of them")
    with closing(Corrections(url)) as kept:
        number = kept.count(chosen)
        if number and not yes:
            click.confirm(f"Erase {number} corrections in {kept.location}?", abort=True)
        click.echo(f"erased {kept.erase(chosen) if number else 0} corrections")
