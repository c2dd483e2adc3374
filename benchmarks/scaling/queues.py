"""Queues: Erlang's formula, and a simulation of workers between which requests are shared out in different ways.

Erlang C: A. K. Erlang 1917; L. Kleinrock, Queueing Systems, volume 1 (1975), section 3.5. The deterministic queue:
Pollaczek 1930 and Khinchin 1932.
"""

import heapq
import math
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
Choice = Callable[[list[int], np.random.Generator], int]
"""Which worker gets a request, given how many each has."""


def erlang_c(servers: int, load: float) -> float:
    """Give the share of requests that wait (M/M/c), for `load` = arrival rate × mean service time, below `servers`."""
    inverse = 1.0
    for n in range(1, servers + 1):  # Erlang B, by its recursion
        inverse = 1 + inverse * n / load
    blocked = 1 / inverse
    return servers * blocked / (servers - load * (1 - blocked))


def mean_wait(servers: int, utilisation: float) -> float:
    """Give the mean wait in M/M/c, in mean service times."""
    return erlang_c(servers, servers * utilisation) / (servers * (1 - utilisation))


def mean_wait_deterministic(utilisation: float) -> float:
    """Give the mean wait in M/D/1, in service times."""
    return utilisation / (2 * (1 - utilisation))


def quantile_wait(servers: int, utilisation: float, q: float) -> float:
    """Give a quantile of the wait in M/M/c, in mean service times."""
    waiting = erlang_c(servers, servers * utilisation)
    return max(0.0, math.log(waiting / (1 - q)) / (servers * (1 - utilisation)))


def arrivals(count: int, rate: float, rng: np.random.Generator) -> Times:
    """Give the moments at which requests come that know nothing of each other (n,)."""
    return np.cumsum(rng.exponential(1 / rate, count))


def waits_of_one_queue(come: Times, service: Times, servers: int) -> Times:
    """Give how long each waits for the first free one of several servers (n,)."""
    free = [0.0] * servers
    waits = np.empty(len(come))
    for index, (at, takes) in enumerate(zip(come.tolist(), service.tolist(), strict=True)):
        begin = max(at, heapq.heappop(free))
        heapq.heappush(free, begin + takes)
        waits[index] = begin - at
    return waits


def waits_of_many(come: Times, service: Times, servers: int, choose: Choice, rng: np.random.Generator) -> Times:
    """Give how long each waits when it is given to one of several servers at once, and stays there (n,)."""
    ends: list[deque[float]] = [deque() for _ in range(servers)]
    counts = [0] * servers
    waits = np.empty(len(come))
    leaving: list[tuple[float, int]] = []
    for index, (at, takes) in enumerate(zip(come.tolist(), service.tolist(), strict=True)):
        while leaving and leaving[0][0] <= at:
            _, left = heapq.heappop(leaving)
            ends[left].popleft()
            counts[left] -= 1
        chosen = choose(counts, rng)
        begin = max(at, ends[chosen][-1]) if ends[chosen] else at
        ends[chosen].append(begin + takes)
        counts[chosen] += 1
        heapq.heappush(leaving, (begin + takes, chosen))
        waits[index] = begin - at
    return waits


def any_one(counts: list[int], rng: np.random.Generator) -> int:
    """Choose by chance: what clients do that know several addresses, or a balancer of connections."""
    return int(rng.random() * len(counts))


def better_of_two(counts: list[int], rng: np.random.Generator) -> int:
    """Choose two by chance and take the one that has fewer (Mitzenmacher 2001)."""
    one, other = any_one(counts, rng), any_one(counts, rng)
    return one if counts[one] <= counts[other] else other


def fewest(counts: list[int], rng: np.random.Generator) -> int:
    """Choose the one that has fewest, from a place by chance on: HAProxy's `leastconn`."""
    least, start = min(counts), any_one(counts, rng)
    return next(n % len(counts) for n in range(start, start + len(counts)) if counts[n % len(counts)] == least)
