"""`retrain`: a new version beside the one that is served, to take its place when it has proved good."""

import sys
from dataclasses import dataclass
from typing import Final

import click

from mlp.aliases import PRODUCTION, SHADOW, AliasDocument, Rule
from mlp.errors import VersionFileError, VersionNotFound
from mlp.store import Store
from training import recipes, report, running
from training.commands.aliases import user
from training.commands.feedback_options import Learning, feedback_options
from training.commands.recipe_options import recipe_options
from training.commands.train import INTERRUPTED, refuse, trained_and_stored
from training.errors import NotFollowed

_FOLLOWED_SECONDS: Final = 60.0
"""Within which a service has to have loaded what the store says."""

_REQUESTS: Final = 100
_AGREEMENT: Final = 0.95
_AGREEMENT_OF_LEARNERS: Final = 0.8
"""What was corrected is what people send, and on that the two must disagree."""


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
@click.option(
    "--min-requests",
    type=click.IntRange(min=0),
    help="As in `rule`; 100 where the model has no rule. With corrections also 0: promote at once what has not fallen.",
)
@click.option(
    "--min-agreement",
    type=click.FloatRange(0, 1),
    help="As in `rule`; where the model has no rule 0.95, with corrections 0.8.",
)
@click.option(
    "--min-accuracy",
    type=click.FloatRange(0, 1),
    help="As in `rule`; where the model has no rule the test accuracy of the version in production, with corrections "
    "less what it may fall.",
)
@feedback_options
@recipe_options(without=["corrections"])
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
    learning: Learning | None,
    **fields: object,
) -> None:
    """Train by RECIPE, store the version, and let it answer in the shadow until it is good enough to be served.

    A running service then answers each request for production, asks the new version the same, compares, and promotes
    it by the model's rule; nobody has to wait for that. Where nothing is in production yet, it is served at once. With
    corrections it goes no further than the store if it has fallen on the test set or on corrections held out.

    \b
    Examples:
      python -m training retrain fast --url http://127.0.0.1:8000 --min-requests 500
      python -m training retrain learn --with-feedback --url http://127.0.0.1:8000 --min-requests 0 --wait 60
    """  # noqa: D301
    if min_requests == 0 and not learning:
        raise click.UsageError("--min-requests 0 goes with --with-feedback: otherwise nothing has been compared")
    chosen = recipes.load(recipe, {name: value for name, value in fields.items() if value is not None})
    if url:
        running.state(url, chosen.model)  # better now than after the training
    stored = trained_and_stored(store, chosen, learning=learning, judged=True)
    if stored.interrupted:
        sys.exit(INTERRUPTED)
    refuse(stored)
    why = f"retrained by {recipe}" + (", with corrections" if learning else "")
    place = _Place(store, chosen.model, stored.version, url, wait, why)
    document = store.aliases(chosen.model)
    if PRODUCTION not in document.aliases:
        place.first()
        return
    if stored.comparison and document.aliases[PRODUCTION] != stored.comparison.old:
        raise click.ClickException(
            f"version {stored.version} is stored, and not promoted: {PRODUCTION} has moved meanwhile from version "
            f"{stored.comparison.old}, which it was compared with"
        )
    if min_requests == 0:
        place.at_once()
        return
    now = document.rule or _usual_rule(store, chosen.model, document.aliases[PRODUCTION], learning)
    rule = Rule(
        min_requests=min_requests or now.min_requests,
        min_agreement=now.min_agreement if min_agreement is None else min_agreement,
        min_accuracy=now.min_accuracy if min_accuracy is None else min_accuracy,
    )
    if learning:
        _reachable(store, chosen.model, stored.version, rule)
    place.by_rule(rule)


@dataclass(frozen=True, slots=True)
class _Place:
    """The ways of a version that is stored into production."""

    store: Store
    model: str
    version: int
    url: str | None
    wait: float
    why: str

    def first(self) -> None:
        """Put it where nothing was."""
        document = self.store.promote(self.model, self.version, by=user(), why=self.why)
        click.echo(f"nothing was in {PRODUCTION}: it is version {self.version} now")
        if self.url:
            self._loaded(document.generation)

    def by_rule(self, rule: Rule) -> None:
        """Let the service decide, and wait for that if so asked."""
        self._into_shadow()  # first: the rule may fit the shadow of before
        document = self.store.set_rule(self.model, rule, by=user(), why=self.why)
        click.echo(f"version {self.version} answers in the shadow now; {report.rule(document)}")
        if self.url:
            self._loaded(document.generation)
            if self.wait:
                self._promoted(document.generation, self.wait)
            else:
                click.echo(f"How it does: curl {self.url.rstrip('/')}/models/{self.model}")

    def at_once(self) -> None:
        """Put it in production; where a service is watched, when all of its workers have it loaded in the shadow."""
        if self.url:
            self._loaded(self._into_shadow().generation)
        document = self.store.promote(self.model, self.version, by=user(), why=self.why)
        click.echo(f"{PRODUCTION} is now version {self.version}")
        if self.url:
            self._promoted(document.generation, max(self.wait, _FOLLOWED_SECONDS))

    def _into_shadow(self) -> AliasDocument:
        return self.store.promote(self.model, self.version, SHADOW, by=user(), why=self.why)

    def _loaded(self, generation: int) -> None:
        """Wait until the service has the version loaded: this one, not another store's of the same number."""
        digest = self.store.metadata(self.model, self.version).sha256

        def reached(state: running.State) -> bool:
            rows = [row for row in state["versions"] if row["version"] == self.version]
            return any(row.get("sha256") == digest and row["aliases"] and row["state"] == "ready" for row in rows)

        url = self.url or ""
        if not running.until(url, self.model, generation, _FOLLOWED_SECONDS, reached):
            raise NotFollowed(
                f"the service at {url} has not taken version {self.version} up: is it over another store?"
            )
        click.echo(f"{url} has it loaded")

    def _promoted(self, generation: int, wait: float) -> None:
        def reached(state: running.State) -> bool:
            return bool(state["aliases"].get(PRODUCTION) == self.version)

        url = self.url or ""
        state = running.until(url, self.model, generation, wait, reached)
        if not state:
            lacks = (running.state(url, self.model) or {}).get("shadow", {}).get("lacks", [])
            raise click.ClickException(
                f"not promoted within {wait:g} seconds: {'; '.join(lacks) or 'the log says why'}"
            )
        click.echo(f"{url} serves version {self.version}, generation {state['generation']}")


def _usual_rule(store: Store, model: str, production: int, learning: Learning | None) -> Rule:
    """Give the rule of a model that has none."""
    accuracy = _accuracy(store, model, production)
    if not learning:
        return Rule(min_requests=_REQUESTS, min_agreement=_AGREEMENT, min_accuracy=accuracy)
    least = None if accuracy is None else max(0.0, round(accuracy - learning.max_fall / 100, 6))
    return Rule(min_requests=_REQUESTS, min_agreement=_AGREEMENT_OF_LEARNERS, min_accuracy=least)


def _reachable(store: Store, model: str, version: int, rule: Rule) -> None:
    """Raise ClickException where a rule that the model had before asks for more than a version can ever show."""
    unmet = rule.unmet(rule.min_requests, 1.0, store.metadata(model, version).metrics)
    if unmet:
        raise click.ClickException(
            f"version {version} is stored, and not promoted: by the model's rule it never would be: {unmet[0]} "
            "(--min-accuracy)"
        )


def _accuracy(store: Store, model: str, version: int) -> float | None:
    try:
        return store.metadata(model, version).metrics.get("accuracy")
    except (VersionNotFound, VersionFileError):  # what cannot be served is no measure
        return None
