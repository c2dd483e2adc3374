"""A document on its way to be served, and when it may follow the one that is."""

import hashlib
from dataclasses import dataclass

from mlp.aliases import PRODUCTION, AliasDocument
from service.layout import DOCUMENT_BYTES
from service.shared import WORD


@dataclass(frozen=True, slots=True)
class Proposal:
    """A document that is to be served, or is served, under its serial number."""

    serial: int
    document: AliasDocument
    forced: bool
    """Whether other classes than those of the version that answers now are meant."""


def served(document: AliasDocument) -> bytes:
    """Give all of a document that decides what answers: everything but its history."""
    return document.model_copy(update={"history": ()}).text()


def why_not_after(committed: Proposal | None, document: AliasDocument, *, unloads: bool = False) -> str:
    """Give why a document must not follow what is committed, "" if it may.

    Generations rise, and production stays unless it is meant that it `unloads`: lost by a slip, it would be missed.
    """
    text, room, generation = served(document), DOCUMENT_BYTES - WORD, document.generation
    if len(text) > room:
        return f"the alias document has {len(text)} bytes without its history, more than {room}"
    if committed and generation <= (live := committed.document.generation) and text != served(committed.document):
        return (
            f"the alias document has generation {generation}, and another one of generation {live} is live: "
            f"give it generation {live + 1}"
        )
    answers = committed.document.aliases.get(PRODUCTION) if committed else None
    if answers and PRODUCTION not in document.aliases and not unloads:
        return (
            f"the alias document names no {PRODUCTION}, and version {answers} answers there: "
            "it is moved or unloaded, and the history says so"
        )
    return ""


def digest(text: bytes) -> int:
    """Give a number of 64 bits that is never 0 and differs for different texts."""
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "little") | 1
