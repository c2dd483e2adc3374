"""Retry storms: whether a service that was slow for ten seconds comes back, by how its clients ask again.

A fluid model in steps of 10 ms, without chance: requests are amounts. Bronson and others 2021, "Metastable failures in
distributed systems", describe what it shows.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

STEPS_A_SECOND: Final = 100
LOAD: Final = 0.8
"""Of what the service can do."""
SLOW: Final = 0.4
"""What it can do while it is slow."""
BEGIN: Final = 5
END: Final = 15
SECONDS: Final = 135
TIMEOUT: Final = 1.0


@dataclass(frozen=True)
class Clients:
    """How they ask again when no answer came in time, and what the service does about it."""

    name: str
    retries: int
    budget: float | None = None
    """Retries as a share of new requests, at most."""
    longest_queue: float | None = None
    """Seconds of work that wait at most; what comes more is refused at once, and asked again after the timeout."""


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    answered: float
    """In time, as a share of what was asked, over everything."""
    recovered: float | None
    """Seconds from the end of the slowness until all is answered in time for good; None for never."""


POLICIES: Final = (
    Clients("never", 0),
    Clients("once", 1),
    Clients("three times", 3),
    Clients("three times, 10 % at most", 3, budget=0.1),
    Clients("three times, refused above 5 s of work", 3, longest_queue=5.0),
    Clients("three times, refused above 0.5 s of work", 3, longest_queue=0.5),
)


def storm(clients: Clients) -> Outcome:
    """Run it through; the service does one unit of work a second."""
    steps, timeout = SECONDS * STEPS_A_SECOND, int(TIMEOUT * STEPS_A_SECOND)
    new = LOAD / STEPS_A_SECOND
    waiting = np.zeros((steps, clients.retries + 1))  # by the step in which they came, and how often before
    refused = np.zeros((steps, clients.retries + 1))
    in_time = np.zeros(steps)
    oldest = 0
    for now in range(steps):
        come = np.zeros(clients.retries + 1)
        if now >= timeout:  # who was refused then, or has waited since then, which the service does not know
            come[1:] = (waiting[now - timeout] + refused[now - timeout])[:-1]
        if clients.budget is not None:
            come *= min(1.0, clients.budget * new / max(come.sum(), 1e-12))
        come[0] = new
        taken = _taken(clients, float(waiting[oldest:now].sum()), float(come.sum()))
        waiting[now], refused[now] = come * taken, come * (1 - taken)
        oldest, in_time[now] = _work(waiting, oldest, now, timeout)
    return _outcome(in_time / new)


def _taken(clients: Clients, queue: float, come: float) -> float:
    """Give the share that finds room."""
    if clients.longest_queue is None:
        return 1.0
    return min(1.0, max(0.0, clients.longest_queue - queue) / come)


def _work(waiting: NDArray[np.float64], oldest: int, now: int, timeout: int) -> tuple[int, float]:
    """Do a step's work in the order of coming; give the oldest step with work left, and what was done in time."""
    second = now / STEPS_A_SECOND
    left = (SLOW if BEGIN <= second < END else 1.0) / STEPS_A_SECOND
    useful = 0.0
    while oldest <= now and left > 0:
        amount = float(waiting[oldest].sum())
        done = min(amount, left)
        if amount > 0:
            waiting[oldest] *= 1 - done / amount
        useful += done * (now - oldest < timeout)
        left -= done
        if done < amount:
            break
        oldest += 1
    return min(oldest, now + 1), useful


def _outcome(share: NDArray[np.float64]) -> Outcome:
    """Judge by means over a second."""
    seconds = share.reshape(-1, STEPS_A_SECOND).mean(axis=1)
    good = seconds > 0.99
    bad = np.flatnonzero(~good)
    last = int(bad[-1]) + 1 if len(bad) else END
    recovered = None if last >= SECONDS - 1 else float(max(0, last - END))
    return Outcome(float(share.mean()), recovered)
