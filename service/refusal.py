"""Why a change was not served: a short text that fits into the memory that all workers share."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic_core import from_json, to_json

_REASON_CHARACTERS: Final = 400
_VERSIONS: Final = 5


@dataclass(frozen=True, slots=True)
class Refusal:
    """The last document of a model that was not served, and why."""

    generation: int
    reason: str
    versions: dict[int, str]
    """The versions to blame, each with its reason."""
    at: str

    @classmethod
    def now(cls, generation: int, reason: str, versions: Mapping[int, str] | None = None) -> "Refusal":
        """Give one of this moment, its texts cut to what there is room for."""
        first = list((versions or {}).items())[:_VERSIONS]
        shortened = {number: text[:_REASON_CHARACTERS] for number, text in first}
        return cls(generation, reason[:_REASON_CHARACTERS], shortened, datetime.now(UTC).isoformat(timespec="seconds"))

    @classmethod
    def parse(cls, text: bytes) -> "Refusal":
        """Read what `text` gives."""
        generation, reason, versions, at = from_json(text)
        return cls(generation, reason, {int(number): said for number, said in versions.items()}, at)

    def text(self) -> bytes:
        """Give it as JSON of less than 4 KiB: without the versions where the reasons are in letters of many bytes."""
        data = to_json([self.generation, self.reason, {str(n): said for n, said in self.versions.items()}, self.at])
        return data if len(data) < 4000 else to_json([self.generation, self.reason, {}, self.at])

    def body(self) -> dict[str, Any]:
        """Give what a client sees of it."""
        return {"generation": self.generation, "reason": self.reason, "at": self.at}
