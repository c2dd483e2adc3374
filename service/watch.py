"""Looks at the store again and again, so that a moved alias is served without a restart."""

import logging
import random
import threading

from service.live import LiveModels

_log = logging.getLogger("service")


def watch(live: LiveModels, poll_seconds: float) -> threading.Event:
    """Start a thread that refreshes `live` about every `poll_seconds`; set the event that is given back to end it."""
    stop = threading.Event()
    threading.Thread(target=_loop, args=(live, poll_seconds, stop), name="watch", daemon=True).start()
    return stop


def _loop(live: LiveModels, poll_seconds: float, stop: threading.Event) -> None:
    # Workers begin together; without the jitter they would also load a new version together, on all processors at once.
    while not stop.wait(poll_seconds * random.uniform(0.8, 1.0)):  # noqa: S311 - not for secrets
        try:
            live.refresh()
        except Exception:  # noqa: BLE001 - the thread must outlive whatever a store comes up with
            _log.exception("looking at the store failed; it is tried again")
