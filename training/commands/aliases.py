"""The commands that change a model's alias document: what is served, to how many, and by which rule it changes."""

import getpass
from collections.abc import Callable
from typing import Any, TypeVar

import click

from mlp.aliases import PRODUCTION, AliasDocument, Rule
from mlp.store import Store
from training import report

_Command = TypeVar("_Command", bound=Callable[..., Any])


def user() -> str:
    """Give the name of who runs the command, nothing if there is none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name; which error says so depends on the version
        return ""


def noted(command: _Command) -> _Command:
    """Give a command the options that say who and why."""
    command = click.option("--why", default="", help="What the history will say of it.")(command)
    return click.option("--by", default=user, show_default="your user's name", help="Who does it.")(command)


def _guarded(command: _Command) -> _Command:
    """Give a command the options of every change of the document."""
    text = "Do nothing if the alias document has another generation, since someone else has changed it."
    return click.option("--if-generation", type=click.IntRange(min=0), help=text)(noted(command))


_alias = click.option("--alias", default=PRODUCTION, show_default=True, help="Which alias to move.")
_off = click.option("--off", is_flag=True, help="End it.")


@click.command()
@click.argument("model")
@click.argument("version", type=click.IntRange(min=1))
@_alias
@click.option(
    "--force", is_flag=True, help="Also if the version answers with other classes than the one in production."
)
@_guarded
@click.pass_obj
def promote(store: Store, /, model: str, version: int, alias: str, **how: Any) -> None:
    """Let production mean VERSION of MODEL. A running service follows by itself."""
    _say_alias(model, alias, store.promote(model, version, alias, **how))


@click.command()
@click.argument("model")
@_alias
@_guarded
@click.pass_obj
def rollback(store: Store, /, model: str, alias: str, **how: Any) -> None:
    """Undo the last promote of MODEL: production means again what it meant before."""
    _say_alias(model, alias, store.rollback(model, alias, **how))


@click.command()
@click.argument("model")
@click.argument("alias")
@_guarded
@click.pass_obj
def withdraw(store: Store, /, model: str, alias: str, **how: Any) -> None:
    """Take ALIAS of MODEL away, and its share of the traffic: an end to shadow, say. Its version stays."""
    document = store.withdraw(model, alias, **how)
    click.echo(f"{model}: no {alias} any more, generation {document.generation}")


@click.command()
@click.argument("model")
@click.argument("shares", nargs=-1, metavar="[ALIAS=SHARE]...")
@_off
@_guarded
@click.pass_obj
def traffic(store: Store, /, model: str, shares: tuple[str, ...], off: bool, **how: Any) -> None:
    """Let other aliases answer a share, from 0 to 1, of the requests for production. Without shares: say what is so.

    \b
    Examples:
      python -m training traffic digits candidate=0.05     every twentieth, and production the others
      python -m training traffic digits --off              all to production again
    """  # noqa: D301
    if shares or off:
        document = store.set_traffic(model, dict(map(_share, shares)), **how)
    else:
        store.versions(model)
        document = store.aliases(model)
    rest = 1 - sum(document.traffic.values())
    for alias, share in {PRODUCTION: rest, **document.traffic}.items():
        click.echo(f"{model}: {alias} {share:.4g}")


@click.command()
@click.argument("model")
@click.option("--min-requests", type=click.IntRange(min=1), help="Requests that shadow and production have answered.")
@click.option("--min-agreement", type=click.FloatRange(0, 1), help="Share of these that got the same class from both.")
@click.option("--min-accuracy", type=click.FloatRange(0, 1), help="Test accuracy in the version's metadata.")
@_off
@_guarded
@click.pass_obj
def rule(
    store: Store,
    /,
    model: str,
    min_requests: int | None,
    min_agreement: float | None,
    min_accuracy: float | None,
    off: bool,
    **how: Any,
) -> None:
    """Let a running service promote shadow to production by itself, when it is good enough. Without options: say when.

    \b
    Example:
      python -m training rule digits --min-requests 1000 --min-agreement 0.98 --min-accuracy 0.98
    """  # noqa: D301
    if off:
        document = store.set_rule(model, None, **how)
    elif min_requests is not None and min_agreement is not None:
        wanted = Rule(min_requests=min_requests, min_agreement=min_agreement, min_accuracy=min_accuracy)
        document = store.set_rule(model, wanted, **how)
    elif (min_requests, min_agreement, min_accuracy) == (None, None, None):
        store.versions(model)
        document = store.aliases(model)
    else:
        raise click.UsageError("a rule needs --min-requests and --min-agreement")
    click.echo(f"{model}: {report.rule(document)}")


@click.command()
@click.argument("model")
@click.option("--last", type=click.IntRange(min=1), help="Only so many changes.")
@click.pass_obj
def history(store: Store, /, model: str, last: int | None) -> None:
    """List who changed what is served of MODEL, when, and why; the newest last."""
    store.versions(model)
    click.echo(report.history(store.aliases(model), last))


def _share(text: str) -> tuple[str, float]:
    alias, separator, share = text.partition("=")
    try:
        if separator:
            return alias, float(share)
    except ValueError:
        pass
    raise click.UsageError(f"{text!r} is not an alias and its share, as candidate=0.05 is")


def _say_alias(model: str, alias: str, document: AliasDocument) -> None:
    click.echo(f"{model}: {alias} is version {document.aliases[alias]}, generation {document.generation}")
