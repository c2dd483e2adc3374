"""How long a swap takes to reach thousands of services that look at one bucket, as docs/swap.md says that they do."""

import heapq
from dataclasses import dataclass

import numpy as np

from benchmarks.scaling.figures import Assumed


@dataclass(frozen=True)
class Spread:
    """When services serve the change, in seconds after it was written."""

    half: float
    most: float
    """99 of 100."""
    last: float
    requests: float
    """A second, while nothing changes."""


def spread(services: int, poll_seconds: float, size: int, assumed: Assumed, rng: np.random.Generator) -> Spread:
    """Let every service look again and again, from a moment of its own on, until all serve the change at time 0.

    A look is a list and a HEAD; the one that finds the change takes a GET, a HEAD and the version file more. The bucket
    answers so many requests a second in the order in which they come, and sends so much to all together; whoever has to
    wait for it looks later again. Real ones refuse instead of letting wait, and the client asks again after a pause.
    """
    before = 3 * max(poll_seconds, 2 * services / assumed.bucket_rate)
    gap, latency = 1 / assumed.bucket_rate, assumed.request_ms / 1000
    sending = size * 8 / (assumed.bucket_gbit * 1e9)
    looks = [(float(at), False) for at in rng.uniform(-before, -before + poll_seconds, services)]
    heapq.heapify(looks)
    free = sent = -before
    served: list[float] = []
    quiet = 0
    while looks:
        begun, found = heapq.heappop(looks)
        asked = 3 if found else 2
        free = max(free, begun) + asked * gap
        answered = free + asked * latency
        if found:
            sent = max(sent, answered) + sending
            served.append(sent)
        elif answered > 0:  # it reads what stands there when it is answered
            heapq.heappush(looks, (answered, True))
        else:
            quiet += 2
            heapq.heappush(looks, (max(begun + poll_seconds, answered), False))
    half, most = np.quantile(served, (0.5, 0.99))
    return Spread(float(half), float(most), max(served), quiet / before)
