"""What a fault happens to: a store, a service over it, and clients that watch what it answers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.reliability.serving import Service, scratch, serving
from benchmarks.reliability.versions import filled, numbers
from benchmarks.reliability.watching import Watch, watching
from mlp.local_store import LocalStore


class LeftOut(Exception):
    """A fault cannot be made on this machine."""


@dataclass
class Scene:
    """All that there is."""

    service: Service
    store: LocalStore
    watch: Watch
    published: list[int] = field(default_factory=list)
    """Versions whose publishers were told that they are stored."""
    over: bool = False
    """Whether the service has ended, as it was to."""
    patience: float = 5.0
    """Seconds for which requests may still fail afterwards."""


@contextmanager
def scene(folder: Path | None = None, before: Callable[[], None] | None = None, **environment: str) -> Iterator[Scene]:
    """Give one, of which the store is in `folder`; `before` is called in the service's process before it begins."""
    with scratch() as own:
        store = filled((folder or own) / "models")
        chosen = {"MLP_POLL_SECONDS": "0.1", "MLP_LOG_LEVEL": "warning", **environment}
        with serving(store.root, processor=None, before=before, **chosen) as service:
            known = numbers(store)
            with watching(service, store, *known) as watch:
                service.wait_until(lambda: watch.right > 20)
                yield Scene(service, store, watch, known)
