"""Promoting what has proved good: the rule in an alias document, looked at while the shadow is compared."""

import logging
import time
from typing import Final

from mlp.aliases import PRODUCTION, SHADOW, Note, Rule
from mlp.errors import GenerationMoved, MlpError, in_full
from mlp.version import Version
from service import shadow
from service.candidate import Live
from service.errors import NotReady, ServiceError
from service.live import LiveModels
from service.move import move

_log = logging.getLogger("service")

_PAUSE_SECONDS: Final = 60.0
"""After a promotion that was refused, until it is tried again."""


class Promoter:
    """Moves `production` to the shadow's version when the document's rule is fulfilled.

    Every worker has one, and several may find so at once: the first to write the document wins, by its generation.
    """

    def __init__(self, live: LiveModels, swap_seconds: float) -> None:
        self._live = live
        self._swap_seconds = swap_seconds
        self._not_before: dict[str, float] = {}

    def look(self) -> None:
        """Promote every shadow that is good enough by its model's rule."""
        for name in self._live.names():
            try:
                state = self._live.get(name)
            except NotReady:  # said where it is loaded
                continue
            rule, candidate = state.document.rule, compared(state)
            if rule is None or candidate is None or time.monotonic() < self._not_before.get(name, 0.0):
                continue
            if not unmet(self._live, state, rule):
                self._promote(state, rule, candidate)

    def _promote(self, state: Live, rule: Rule, candidate: Version) -> None:
        name, version = state.name, candidate.metadata.version
        note = Note("the rule", _why(self._live, state, rule))
        try:
            move(
                self._live,
                name,
                lambda before: before.moved(PRODUCTION, version, note),
                lambda generation: self._live.store.promote(
                    name, version, if_generation=generation, by=note.by, why=note.why
                ),
                if_generation=state.document.generation,
                forced=False,
                seconds=self._swap_seconds,
            )
        except GenerationMoved:  # another worker was first, or a person
            return
        except (MlpError, ServiceError) as error:
            self._not_before[name] = time.monotonic() + _PAUSE_SECONDS
            _log.warning(
                "not promoted by the rule", extra={"model": name, "version": version, "reason": in_full(error)}
            )
        else:
            _log.info("promoted by the rule", extra={"model": name, "version": version, "why": note.why})


def compared(state: Live) -> Version | None:
    """Give the version behind `shadow`, if it is another one than `production`'s and both are loaded."""
    candidate = state.versions.get(state.document.aliases.get(SHADOW, 0))
    return candidate if state.production and candidate is not state.production else None


def unmet(live: LiveModels, state: Live, rule: Rule) -> list[str]:
    """Give what the shadow still lacks by the rule, a phrase each."""
    candidate, found = compared(state), _counts(live, state)
    metrics = candidate.metadata.metrics if candidate else {}
    return rule.unmet(found.pictures, found.agreement, metrics)


def _counts(live: LiveModels, state: Live) -> shadow.Counts:
    aliases = state.document.aliases
    return shadow.counts(live.board, live.cell(state.name), aliases.get(PRODUCTION, 0), aliases.get(SHADOW, 0))


def _why(live: LiveModels, state: Live, rule: Rule) -> str:
    found, asked = _counts(live, state), rule.model_dump(exclude_none=True)
    conditions = ", ".join(f"{name} {value:g}" for name, value in asked.items() if isinstance(value, int | float))
    return f"{found.pictures} pictures compared, agreement {found.agreement:.4f}; the rule asks for {conditions}"
