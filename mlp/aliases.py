"""The alias document: which version of a model answers under which name, and who moved it there.

Every change is a new document of a higher generation; where it is kept is a store's matter (mlp/store.py).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from mlp.errors import AliasDocumentError, InvalidChange, NothingToRollBack, VersionNotFound

PRODUCTION: Final = "production"
SHADOW: Final = "shadow"

HISTORY: Final = 100
"""Entries that are kept, so that the document stays a small file however long a model lives."""

HIGHEST_NUMBER: Final = 999_999_999

HIGHEST_GENERATION: Final = 2**53 - 1
"""The last whole number that every reader of JSON keeps exact."""

_Named = TypeVar("_Named")

_ALIAS = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_TEXT: Final = 500
"""Most characters of who and of why; more is cut off."""

AliasName = Annotated[str, Field(pattern=f"^{_ALIAS.pattern}$")]
"""Begins with a letter, so that no alias can be taken for a version's number."""

VersionNumber = Annotated[int, Field(ge=1, le=HIGHEST_NUMBER, strict=True)]

Generation = Annotated[int, Field(ge=0, le=HIGHEST_GENERATION, strict=True)]

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]


@dataclass(frozen=True, slots=True)
class Note:
    """Who changes the document, and why: what its history will say."""

    by: str = ""
    why: str = ""
    when: datetime = field(default_factory=lambda: datetime.now(UTC))


class _Part(BaseModel):
    """Frozen; what a newer program wrote is kept when this one rewrites."""

    model_config = ConfigDict(
        frozen=True, extra="allow", populate_by_name=True, serialize_by_alias=True, use_attribute_docstrings=True
    )


class Change(_Part):
    """One entry of the history."""

    generation: Generation
    """Of the document that came of it."""
    when: AwareDatetime
    by: str = ""
    why: str = ""
    what: str
    """The change in words."""
    alias: AliasName | None = None
    """The alias that moved, from where and where to; none in a change of another kind."""
    origin: VersionNumber | None = Field(default=None, alias="from")
    target: VersionNumber | None = Field(default=None, alias="to")


class Rule(_Part):
    """When the version behind `shadow` is good enough to become `production` by itself."""

    min_requests: int = Field(ge=1, strict=True)
    """Pictures that both have answered."""
    min_agreement: Share
    """Share of these on which both name the same class."""
    min_accuracy: Share | None = None
    """What the version's metadata must give as `metrics.accuracy`."""

    def unmet(self, requests: int, agreement: float, metrics: Mapping[str, float]) -> list[str]:
        """Give what is not good enough yet, a phrase each; nothing means: promote."""
        phrases = []
        if requests < self.min_requests:
            phrases.append(f"{requests} of {self.min_requests} requests")
        if not agreement >= self.min_agreement:
            phrases.append(f"agreement {agreement:.4g}, at least {self.min_agreement:g} is asked for")
        if self.min_accuracy is not None and not metrics.get("accuracy", 0.0) >= self.min_accuracy:
            accuracy = metrics.get("accuracy", "unknown")
            phrases.append(f"accuracy {accuracy}, at least {self.min_accuracy:g} is asked for")
        return phrases


class AliasDocument(_Part):
    """Moving an alias is replacing the whole document by one of a higher generation."""

    generation: Generation = 0
    aliases: dict[AliasName, VersionNumber] = {}
    previous: dict[AliasName, VersionNumber] = {}
    """What each alias named before it last moved: where a rollback goes."""
    traffic: dict[AliasName, Share] = {}
    """The share of the requests for `production` that another alias answers."""
    rule: Rule | None = None
    deleted: tuple[VersionNumber, ...] = ()
    """Numbers that no alias may name any more, and the highest that was deleted: numbers are not given twice."""
    history: tuple[Change, ...] = ()
    """The last changes, the newest last."""

    @model_validator(mode="after")
    def _traffic_has_where_to_go(self) -> "AliasDocument":
        if PRODUCTION in self.traffic:
            raise ValueError(f"traffic: {PRODUCTION} takes what the other aliases leave and has no share of its own")
        if unknown := sorted(set(self.traffic) - set(self.aliases)):
            raise ValueError(f"traffic: {unknown[0]} has a share and names no version")
        if (total := sum(self.traffic.values())) > 1 + 1e-9:
            raise ValueError(f"traffic: the shares add up to {total:g}, more than 1")
        return self

    @classmethod
    def parse(cls, text: bytes) -> "AliasDocument":
        """Read the JSON text. Raises AliasDocumentError naming the place."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise AliasDocumentError(f"the alias document is wrong at {_first(error)}") from error

    def text(self) -> bytes:
        """Give the JSON text, indented for the person who opens it."""
        return self.model_dump_json(indent=2, exclude_defaults=True).encode() + b"\n"

    def moved(self, alias: str, version: int, note: Note | None = None, what: str = "") -> "AliasDocument":
        """Give the next generation, in which `alias` names `version`. A move to where it is already changes nothing.

        A shadow that becomes `production` is no shadow any more: there is nothing left to compare it with, and after a
        rollback no rule may promote it once more.

        Raises InvalidChange for a name that no alias can have, VersionNotFound for a version that was deleted.
        """
        if not _ALIAS.fullmatch(alias):
            raise InvalidChange(f"{alias!r} is no alias: a letter a-z first, then letters, digits, '-', '_'")
        if version in self.deleted:
            raise VersionNotFound(f"version {version} was deleted")
        now = self.aliases.get(alias)
        if now == version:
            return self
        gone = SHADOW if alias == PRODUCTION and self.aliases.get(SHADOW) == version else None
        previous = self.previous if now is None else {**self.previous, alias: now}
        return self._next(
            note,
            what or (f"{alias} from {now} to {version}" if now else f"{alias} to {version}"),
            {"alias": alias, "from": now, "to": version},
            aliases=_without({**self.aliases, alias: version}, gone),
            previous=_without(previous, gone),
            traffic=_without(self.traffic, gone),
        )

    def rolled_back(self, alias: str, note: Note | None = None) -> "AliasDocument":
        """Give the next generation, in which `alias` names what it named before. Raises NothingToRollBack."""
        if alias not in self.previous:
            raise NothingToRollBack(f"{alias} has not moved yet, so there is no version to go back to")
        back = self.previous[alias]
        return self.moved(alias, back, note, f"{alias} back from {self.aliases.get(alias)} to {back}")

    def withdrawn(self, alias: str, note: Note | None = None) -> "AliasDocument":
        """Give the next generation, without `alias`, its share of the traffic and where it was before.

        Raises InvalidChange for `production`, VersionNotFound for an alias that is not there.
        """
        if alias == PRODUCTION:
            raise InvalidChange(f"{PRODUCTION} is what answers, and is moved or unloaded, not taken away")
        if alias not in self.aliases:
            raise VersionNotFound(f"there is no alias {alias!r}")
        return self._next(
            note,
            f"{alias} taken away",
            {"alias": alias, "from": self.aliases[alias]},
            aliases=_without(self.aliases, alias),
            previous=_without(self.previous, alias),
            traffic=_without(self.traffic, alias),
        )

    def unloaded(self, note: Note | None = None) -> "AliasDocument":
        """Give the next generation, in which nothing is in production and no other alias has a share of its traffic.

        A rollback goes back to what was. Without `production` nothing changes.
        """
        now = self.aliases.get(PRODUCTION)
        if now is None:
            return self
        return self._next(
            note,
            f"{PRODUCTION} unloaded, was {now}",
            {"alias": PRODUCTION, "from": now},
            aliases=_without(self.aliases, PRODUCTION),
            previous={**self.previous, PRODUCTION: now},
            traffic={},
        )

    def with_traffic(self, traffic: Mapping[str, float], note: Note | None = None) -> "AliasDocument":
        """Give the next generation, with these shares in place of the ones before; none means all to `production`.

        Raises InvalidChange: a share that is not from 0 to 1, a sum over 1, an alias that names no version.
        """
        traffic = {alias: float(share) for alias, share in sorted(traffic.items())}
        if traffic == self.traffic:
            return self
        shares = ", ".join(f"{alias} {share:.4g}" for alias, share in traffic.items())
        return self._next(note, f"traffic: {shares or 'none'}", {}, traffic=traffic)

    def with_rule(self, rule: Rule | None, note: Note | None = None) -> "AliasDocument":
        """Give the next generation, with this rule or without one."""
        if rule == self.rule:
            return self
        said = "none" if rule is None else ", ".join(f"{k} {v}" for k, v in rule.model_dump(exclude_none=True).items())
        return self._next(note, f"rule: {said}", {}, rule=rule)

    def without_versions(
        self, numbers: Collection[int], present: Collection[int], note: Note | None = None
    ) -> "AliasDocument":
        """Give the next generation, in which no alias may name one of `numbers` any more.

        Earlier numbers that are no longer among those `present` in the store are forgotten, but the highest.
        """
        known = {*self.deleted, *numbers}
        deleted = tuple(number for number in sorted(known) if number in {*present, *numbers, max(known)})
        said = ", ".join(map(str, sorted(numbers)))
        return self._next(note, f"deleted: {said}", {}, deleted=deleted)

    def names_of(self, version: int) -> list[str]:
        """Give the aliases of a version, sorted."""
        return sorted(name for name, number in self.aliases.items() if number == version)

    @property
    def in_use(self) -> frozenset[int]:
        """The versions that an alias names, or that a rollback would go to."""
        return frozenset(self.aliases.values()) | frozenset(self.previous.values())

    @property
    def highest(self) -> int:
        """The highest number that this document knows, 0 for none: a new version must get a higher one."""
        return max(self.in_use.union(self.deleted), default=0)

    def _next(self, note: Note | None, what: str, move: Mapping[str, Any], **changes: object) -> "AliasDocument":
        note = note or Note()
        generation = self.generation + 1
        said = {"by": note.by[:_TEXT], "why": note.why[:_TEXT], "what": what}
        change = {"generation": generation, "when": note.when, **said, **move}
        fields = {name: getattr(self, name) for name in type(self).model_fields} | (self.model_extra or {})
        try:
            history = (*self.history, Change.model_validate(change))[-HISTORY:]
            return AliasDocument.model_validate({**fields, "generation": generation, "history": history, **changes})
        except ValidationError as error:
            raise InvalidChange(f"the alias document cannot be changed so: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    """Give the first thing that is wrong, its place before it."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message if first["type"] == "value_error" else f"the JSON: {message}"


def _without(named: Mapping[str, _Named], alias: str | None) -> dict[str, _Named]:
    return {name: what for name, what in named.items() if name != alias}
