"""Moving an alias for an admin: every worker loads and checks first, then the document is written, then all switch."""

import os
import time
from collections.abc import Callable
from typing import Final

from mlp.aliases import AliasDocument, Note
from mlp.errors import GenerationMoved
from service.errors import SwapUnfinished, VersionRefused
from service.layout import Cell
from service.live import LiveModels
from service.proposal import served

_STEP_SECONDS: Final = 0.002

Change = Callable[[AliasDocument], AliasDocument]


def move(
    live: LiveModels,
    name: str,
    change: Change,
    write: Callable[[int], AliasDocument],
    *,
    if_generation: int | None,
    forced: bool,
    seconds: float,
) -> AliasDocument:
    """Bring a changed alias document live in all workers, and give it.

    `change` makes the document that is to be; `write` puts it into the store if that is still at the generation it is
    given. What no worker could serve is never written. Raises VersionRefused, SwapUnfinished, DocumentRefused,
    GenerationMoved, and what `change` and `write` raise; then what answered before still does.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before = live.store.aliases(name)
        if if_generation not in (None, before.generation):
            raise GenerationMoved(f"the alias document is at generation {before.generation}, not {if_generation}")
        after = change(before)
        if after == before:
            _wait_until_live(live, name, before, end, or_later=False)
            return before
        serial = live.board.propose(name, after, forced=forced, owner=os.getpid())
        if serial == 0:  # served already: the document in the store had fallen behind
            return write(before.generation)
        if serial is not None:
            return _finished(live, name, serial, after, write, end)
        _wait_for_the_other(live, name, end)  # after which this change may have to be another one
    raise SwapUnfinished(f"another change of {name} is still being prepared")


def promote(
    live: LiveModels,
    name: str,
    version: int,
    alias: str,
    note: Note,
    *,
    force: bool,
    seconds: float,
    if_generation: int | None = None,
) -> AliasDocument:
    """Let `alias` name `version` in all workers, and give the document. Raises what `move` and the store raise."""
    live.store.resolve(name, str(version))
    return move(
        live,
        name,
        lambda before: before.moved(alias, version, note),
        lambda generation: live.store.promote(
            name, version, alias, if_generation=generation, by=note.by, why=note.why, force=force
        ),
        if_generation=if_generation,
        forced=force,
        seconds=seconds,
    )


def unload(live: LiveModels, name: str, note: Note, *, seconds: float) -> AliasDocument:
    """Let nothing of a model be in production, in all workers, and give the document.

    Raises what `move` and the store raise.
    """
    live.store.versions(name)
    return move(
        live,
        name,
        lambda before: before.unloaded(note),
        lambda generation: live.store.unload(name, if_generation=generation, by=note.by, why=note.why),
        if_generation=None,
        forced=True,
        seconds=seconds,
    )


def _finished(
    live: LiveModels, name: str, serial: int, after: AliasDocument, write: Callable[[int], AliasDocument], end: float
) -> AliasDocument:
    """Have a proposed document prepared, written and committed, or take the proposal back."""
    cell = live.board.cell(name)
    try:
        _wait_until_prepared(live, name, serial, end)
        written = write(after.generation - 1)
    except BaseException:
        live.board.withdraw(cell, serial)
        raise
    if served(written) == served(after) and live.board.commit(cell, serial):
        live.said_live(name)
    else:  # the proposal was taken from this worker while it wrote: the document becomes live in the usual way
        live.board.withdraw(cell, serial)
        _wait_until_live(live, name, written, end, or_later=True)
    live.settle()
    return written


def _wait_for_the_other(live: LiveModels, name: str, end: float) -> None:
    cell = live.board.cell(name)
    while live.board.get(cell, Cell.PROPOSED) and time.monotonic() < end:
        _step(live)


def _wait_until_prepared(live: LiveModels, name: str, serial: int, end: float) -> None:
    cell = live.board.cell(name)
    while time.monotonic() < end:
        _step(live)
        if live.board.get(cell, Cell.PROPOSED) != serial:
            refusal = live.board.refusal(cell)
            if refusal and refusal.versions:
                raise VersionRefused(refusal.reason)
            given_up = f"the other workers took this one for hung; {name} answers as before: try again"
            raise SwapUnfinished(refusal.reason if refusal else given_up)
        if live.board.all_prepared(cell, serial):
            return
    raise SwapUnfinished(f"not every worker has loaded it in time; {name} answers as before")


def _wait_until_live(live: LiveModels, name: str, document: AliasDocument, end: float, *, or_later: bool) -> None:
    """Wait for a document that is in the store already, or a later one. Raises VersionRefused when it is refused."""
    cell, text = live.board.cell(name), served(document)
    live.board.look_soon()
    while time.monotonic() < end:
        committed = live.board.read(cell, live.board.get(cell, Cell.COMMITTED))
        if committed and served(committed.document) == text:
            return
        if committed and or_later and committed.document.generation > document.generation:
            return
        refusal = live.board.refusal(cell)
        if refusal and refusal.generation == document.generation and not live.board.get(cell, Cell.PROPOSED):
            raise VersionRefused(refusal.reason)
        _step(live)
    raise SwapUnfinished(f"generation {document.generation} of {name} is in the store, and not yet in every worker")


def _step(live: LiveModels) -> None:
    """Let time pass for the other threads and workers; without them, as in a test, do their part."""
    if live.slot is None:
        live.refresh()
    else:
        live.settle()
        time.sleep(_STEP_SECONDS)
