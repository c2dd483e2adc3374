"""The commands that delete versions."""

import click

from mlp.store import Store
from training.commands.aliases import noted


@click.command()
@click.argument("model")
@click.argument("version", type=click.IntRange(min=1))
@noted
@click.pass_obj
def delete(store: Store, /, model: str, version: int, by: str, why: str) -> None:
    """Delete VERSION of MODEL for good, with its report. Not while an alias names it or a rollback would go to it."""
    store.delete(model, version, by=by, why=why)
    click.echo(f"{model}: version {version} is deleted")


@click.command()
@click.argument("model")
@click.option("--keep", type=click.IntRange(min=0), required=True, help="How many of the last versions to keep.")
@noted
@click.pass_obj
def prune(store: Store, /, model: str, keep: int, by: str, why: str) -> None:
    """Delete all versions of MODEL but the last ones, those that an alias names, and those to roll back to."""
    numbers = store.prune(model, keep, by=by, why=why)
    click.echo(f"{model}: deleted {', '.join(map(str, numbers)) or 'none'}")
