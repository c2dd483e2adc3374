"""Faults of the store: its disk, its folder, its documents, and who writes there. Others are in process_faults.py."""

import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from benchmarks.reliability.scene import LeftOut, Scene, scene
from benchmarks.reliability.serving import Unwell, scratch
from benchmarks.reliability.versions import MODEL, numbers, publish
from mlp.errors import StoreUnavailable
from mlp.local_store import LocalStore

_DISK_KIB: Final = 4096
_MANY: Final = 100
_EACH: Final = 10


@contextmanager
def small_disk() -> Iterator[Scene]:
    """Give a scene whose store is on a small disk of its own. Raises LeftOut where nothing may be mounted."""
    with scratch() as folder:
        if _mount("-t", "tmpfs", "-o", f"size={_DISK_KIB}k", "none", folder):
            raise LeftOut("it needs the right to mount")
        try:
            with scene(folder) as stage:
                yield stage
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)  # noqa: S607


def _mount(*options: str | Path) -> int:
    return subprocess.run(["mount", *options], capture_output=True).returncode  # noqa: S607


def full(stage: Scene) -> str:
    """Publish until the disk is full, see that nothing half is there, and make room again."""
    ballast = stage.store.root.parent / "ballast"
    ballast.write_bytes(bytes((_DISK_KIB - 2048) * 1024))
    refused = 0
    for seed in range(_MANY):
        try:
            stage.published.append(publish(stage.store, seed))
        except StoreUnavailable:
            refused += 1
            if refused == 3:
                break
    _unmoved(stage)
    if not refused or numbers(stage.store) != stage.published:
        raise Unwell(f"disk full: {refused} refused, {numbers(stage.store)} there, {stage.published} published")
    ballast.unlink()
    return f"{len(stage.published)} versions stored, then every publisher was told: nothing half written"


def _unmoved(stage: Scene) -> None:
    """See that an alias that cannot be written stays, or is moved whole."""
    before = stage.store.aliases(MODEL)
    try:
        after = stage.store.promote(MODEL, 2)
    except StoreUnavailable:
        after = before
    if stage.store.aliases(MODEL) != after:
        raise Unwell("an alias document was half written")


def read_only(stage: Scene) -> str:
    """Make the disk read-only, try to write, and make it writable again."""
    disk = stage.store.root.parent
    if _mount("-o", "remount,ro", disk):
        raise LeftOut("it needs the right to mount")
    refused = 0
    try:
        for attempt in (lambda: publish(stage.store, 9), lambda: stage.store.promote(MODEL, 2)):
            try:
                attempt()
            except StoreUnavailable:
                refused += 1
    finally:
        _mount("-o", "remount,rw", disk)
    if refused != 2:
        raise Unwell("read-only: a writer was not told")
    return "publish and promote refused with the reason"


def vanishes(stage: Scene) -> str:
    """Take the store's folder away for a while, kill a worker meanwhile, and put it back."""
    stage.store.promote(MODEL, 2)
    generation = stage.store.aliases(MODEL).generation
    stage.service.wait_until(lambda: stage.watch.generation >= generation)
    away = stage.store.root.with_name("away")
    stage.store.root.rename(away)
    before = stage.service.workers()
    os.kill(before[0], signal.SIGKILL)
    stage.service.wait_until(lambda: before[0] not in (now := stage.service.workers()) and len(now) == len(before))
    asked = stage.watch.right
    stage.service.wait_until(lambda: stage.watch.right > asked + 100)
    away.rename(stage.store.root)
    return "what was loaded went on answering"


def damaged(stage: Scene) -> str:
    """Damage the alias document in several ways, each until the service has seen it, and mend it."""
    path = stage.store.root / MODEL / "aliases.json"
    sound = path.read_bytes()
    ways = (b"", sound[: len(sound) // 2], b"\x00" * 100, b'{"generation": 99, "aliases": {"production": 77}}', b"[]")
    for damage in ways:
        new = path.with_name("new")
        new.write_bytes(damage)
        new.replace(path)
        stage.service.wait_until(lambda: b'"refused"' in stage.service.ask(path=f"/models/{MODEL}")[2])
        if not stage.service.ready():
            raise Unwell("not ready beside a damaged document")
    new.write_bytes(sound)
    new.replace(path)
    return f"{len(ways)} kinds of damage refused, the reason shown, readiness green"


def two_publishers(stage: Scene) -> str:
    """Have two processes publish and promote at once."""
    before = stage.store.aliases(MODEL).generation
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        parts = [pool.submit(_publish_many, stage.store.root, first) for first in (100, 200)]
        found = [number for part in parts for number in part.result()]
    stage.published += found
    after = stage.store.aliases(MODEL).generation
    if len(set(found)) != 2 * _EACH or after != before + 2 * _EACH:
        raise Unwell(f"two publishers: {sorted(found)}, generation {before} to {after}")
    return f"{len(found)} versions and {after - before} promotions, none lost, no number twice"


def _publish_many(root: Path, first: int) -> list[int]:
    store, found = LocalStore(root), []
    for seed in range(first, first + _EACH):
        found.append(publish(store, seed))
        store.promote(MODEL, found[-1])
    return found
