"""The alias document: which version of a model answers under which name. Where it is kept is mlp/store.py's matter."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlp.errors import AliasDocumentError, NothingToRollBack

PRODUCTION = "production"

_ALIAS = re.compile(r"[a-z][a-z0-9_-]{0,63}")

AliasName = Annotated[str, Field(pattern=f"^{_ALIAS.pattern}$")]
"""Begins with a letter, so that no alias can be taken for a version's number."""

VersionNumber = Annotated[int, Field(ge=1, strict=True)]


class AliasDocument(BaseModel):
    """Moving an alias is replacing the whole document by one of a higher generation."""

    model_config = ConfigDict(frozen=True, extra="allow")  # what a newer program wrote is kept when this one rewrites

    generation: int = Field(default=0, ge=0, strict=True)
    aliases: dict[AliasName, VersionNumber] = {}
    previous: dict[AliasName, VersionNumber] = {}
    """What each alias named before it last moved: where a rollback goes."""

    @classmethod
    def parse(cls, text: bytes) -> "AliasDocument":
        """Read the JSON text. Raises AliasDocumentError."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the JSON"
            raise AliasDocumentError(f"the alias document is wrong at {where}: {first['msg']}") from error

    def text(self) -> bytes:
        """Give the JSON text, indented for the person who opens it."""
        return self.model_dump_json(indent=2).encode() + b"\n"

    def moved(self, alias: str, version: int) -> "AliasDocument":
        """Give the next generation, in which `alias` names `version`. A move to where it is already changes nothing.

        Raises AliasDocumentError for a name that no alias can have.
        """
        if not _ALIAS.fullmatch(alias):
            raise AliasDocumentError(f"{alias!r} is no alias: a letter a-z first, then letters, digits, '-', '_'")
        now = self.aliases.get(alias)
        if now == version:
            return self
        previous = self.previous if now is None else {**self.previous, alias: now}
        return self._next({**self.aliases, alias: version}, previous)

    def rolled_back(self, alias: str) -> "AliasDocument":
        """Give the next generation, in which `alias` names what it named before. Raises NothingToRollBack."""
        if alias not in self.previous:
            raise NothingToRollBack(f"{alias} has not moved yet, so there is no version to go back to")
        return self.moved(alias, self.previous[alias])

    def names_of(self, version: int) -> list[str]:
        """Give the aliases of a version, sorted."""
        return sorted(name for name, number in self.aliases.items() if number == version)

    def _next(self, aliases: dict[str, int], previous: dict[str, int]) -> "AliasDocument":
        changes = {"generation": self.generation + 1, "aliases": aliases, "previous": previous}
        return AliasDocument.model_validate({**self.model_dump(), **changes})
