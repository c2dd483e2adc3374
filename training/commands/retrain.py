"""`retrain`: a new version beside the one that is served, to take its place when it has proved good."""

import sys
from typing import Final

import click

from mlp.aliases import PRODUCTION, SHADOW, Rule
from mlp.errors import VersionFileError, VersionNotFound
from mlp.store import Store
from training import recipes, report, running
from training.commands.aliases import user
from training.commands.recipe_options import recipe_options
from training.commands.train import INTERRUPTED, trained_and_stored
from training.errors import NotFollowed

_FOLLOWED_SECONDS: Final = 60.0
"""Within which a service has to have loaded what the store says."""

_REQUESTS: Final = 100
_AGREEMENT: Final = 0.95


@click.command()
@click.argument("recipe", metavar="RECIPE")
@click.option("--url", help="A running service over the same store, to be watched until it has the new version loaded.")
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0,
    metavar="SECONDS",
    help="With --url: wait so long for the promotion, and exit with 1 if it does not come.",
)
@click.option("--min-requests", type=click.IntRange(min=1), help="As in `rule`; 100 where the model has no rule.")
@click.option("--min-agreement", type=click.FloatRange(0, 1), help="As in `rule`; 0.95 where the model has no rule.")
@click.option(
    "--min-accuracy",
    type=click.FloatRange(0, 1),
    help="As in `rule`; the test accuracy of the version in production where the model has no rule.",
)
@recipe_options()
@click.pass_obj
def retrain(
    store: Store,
    /,
    recipe: str,
    url: str | None,
    wait: float,
    min_requests: int | None,
    min_agreement: float | None,
    min_accuracy: float | None,
    **fields: object,
) -> None:
    """Train by RECIPE, store the version, and let it answer in the shadow until it is good enough to be served.

    A running service then answers each request for production, asks the new version the same, compares, and promotes
    it by the model's rule; nobody has to wait for that. Where nothing is in production yet, it is served at once.

    \b
    Example:
      python -m training retrain fast --url http://127.0.0.1:8000 --min-requests 500
    """  # noqa: D301
    chosen = recipes.load(recipe, {name: value for name, value in fields.items() if value is not None})
    if url:
        running.state(url, chosen.model)  # better now than after the training
    trained, version = trained_and_stored(store, chosen)
    if trained.fitted.interrupted:
        sys.exit(INTERRUPTED)
    by, why = user(), f"retrained by {recipe}"
    document = store.aliases(chosen.model)
    if PRODUCTION not in document.aliases:
        document = store.promote(chosen.model, version, by=by, why=why)
        click.echo(f"nothing was in {PRODUCTION}: it is version {version} now")
        if url:
            _loaded(url, store, chosen.model, document.generation, version)
        return
    now = document.rule or Rule(
        min_requests=_REQUESTS,
        min_agreement=_AGREEMENT,
        min_accuracy=_accuracy(store, chosen.model, document.aliases[PRODUCTION]),
    )
    rule = Rule(
        min_requests=min_requests or now.min_requests,
        min_agreement=now.min_agreement if min_agreement is None else min_agreement,
        min_accuracy=now.min_accuracy if min_accuracy is None else min_accuracy,
    )
    store.promote(chosen.model, version, SHADOW, by=by, why=why)  # first: the rule may fit the shadow of before
    document = store.set_rule(chosen.model, rule, by=by, why=why)
    click.echo(f"version {version} answers in the shadow now; {report.rule(document)}")
    if url:
        _follow(url, store, chosen.model, document.generation, version, wait)


def _accuracy(store: Store, model: str, version: int) -> float | None:
    try:
        return store.metadata(model, version).metrics.get("accuracy")
    except (VersionNotFound, VersionFileError):  # what cannot be served is no measure
        return None


def _loaded(url: str, store: Store, model: str, generation: int, version: int) -> None:
    """Wait until the service at `url` has the version loaded: this one, not another store's of the same number."""
    digest = store.metadata(model, version).sha256

    def reached(state: running.State) -> bool:
        rows = [row for row in state["versions"] if row["version"] == version]
        return any(row.get("sha256") == digest and row["aliases"] and row["state"] == "ready" for row in rows)

    if not running.until(url, model, generation, _FOLLOWED_SECONDS, reached):
        raise NotFollowed(f"the service at {url} has not taken version {version} up: is it over another store?")
    click.echo(f"{url} has it loaded")


def _follow(url: str, store: Store, model: str, generation: int, version: int, wait: float) -> None:
    _loaded(url, store, model, generation, version)
    if not wait:
        click.echo(f"How it does: curl {url.rstrip('/')}/models/{model}")
        return

    def promoted(state: running.State) -> bool:
        return bool(state["aliases"].get(PRODUCTION) == version)

    state = running.until(url, model, generation, wait, promoted)
    if not state:
        lacks = (running.state(url, model) or {}).get("shadow", {}).get("lacks", [])
        raise click.ClickException(f"not promoted within {wait:g} seconds: {'; '.join(lacks) or 'the log says why'}")
    click.echo(f"{url} serves version {version}, generation {state['generation']}")
