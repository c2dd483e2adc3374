"""What is left of the throughput when five times as much is asked as can be answered, and how soon the rest knows.

python -m benchmarks.reliability.overload: one worker on one processor, the clients on another (where there are two). In
each round the capacity is measured first, by 32 clients that ask again as soon as they are answered; then requests come
by the clock, five times as many; then half as many, from one moment to the next: that is the recovery. Medians of the
rounds; the ratios are of one round each.
"""

import argparse
import os
import resource
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.columns import columns
from benchmarks.http import processes
from benchmarks.reliability import requests
from benchmarks.reliability.load import Generator, Order, Outcome, generator
from benchmarks.reliability.serving import ROOT, Service, Unwell, serving

HEAD: Final = [
    "request",
    "capacity/s",
    "asked",
    "answered / capacity",
    "by processor time",
    "accepted p50 ms",
    "p99",
    "refused",
    "refused p50 ms",
    "p99",
    "other ends",
    "after it: answered",
    "p99 ms",
]
TIMES: Final = 5
_CLIENTS: Final = 32
_FILES: Final = 8192


@dataclass(frozen=True, slots=True)
class Round:
    """What one round measured."""

    capacity: Outcome
    overload: Outcome
    after: Outcome
    processor: tuple[float, float]
    """Seconds of a processor that the service had for the first two."""

    @property
    def kept_by_processor(self) -> float:
        """The same by the service's time on a processor: what others on the machine take is not in it."""
        quiet, busy = self.processor
        return (len(self.overload.answered) / busy) / (len(self.capacity.answered) / quiet)

    @property
    def kept(self) -> float:
        """The share of the capacity that is answered in the overload."""
        return self.overload.rate / self.capacity.rate

    @property
    def asked(self) -> float:
        """How many times the capacity is asked, of what the clients came to send."""
        return self.overload.asked / self.overload.seconds / self.capacity.rate

    @property
    def odd(self) -> int:
        """Requests that ended in another way than they may: lost, unanswered, another status, no Retry-After."""
        found = self.overload
        return found.others + found.lost + found.unanswered + found.without_retry


def kinds() -> list[tuple[str, bytes, bool]]:
    """Give what is asked, and whether its clients heed Retry-After."""
    return [
        ("a photograph, PNG", requests.photograph(), False),
        ("256, JSON", requests.numbers(256), False),
        ("one, JSON", requests.numbers(), False),
        ("one, JSON, clients heed Retry-After", requests.numbers(), True),
    ]


def measured(load: Generator, service: Service, request: bytes, seconds: float, *, heeds: bool = False) -> Round:
    """Make one round."""
    port, times = service.port, [processes.seconds(service.process.pid)]
    capacity = load(Order(port, request, seconds, connections=_CLIENTS))
    times.append(processes.seconds(service.process.pid))
    if not capacity.answered:
        raise Unwell(f"nothing was answered in {seconds:g} seconds: this machine is too busy to measure anything")
    overload = load(Order(port, request, seconds * 2, capacity.rate * TIMES, heeds=heeds))
    times.append(processes.seconds(service.process.pid))
    after = load(Order(port, request, seconds, capacity.rate / 2))
    return Round(capacity, overload, after, (times[1] - times[0], times[2] - times[1]))


def row(name: str, rounds: Sequence[Round]) -> list[str]:
    """Give a line of the table."""

    def median(values: list[float], form: str) -> str:
        return format(statistics.median(values), form)

    return [
        name,
        median([each.capacity.rate for each in rounds], ",.0f"),
        median([each.asked for each in rounds], ".1f") + " ×",
        median([each.kept for each in rounds], ".2f"),
        median([each.kept_by_processor for each in rounds], ".2f"),
        median([each.overload.milliseconds(50) for each in rounds], ",.0f"),
        median([each.overload.milliseconds(99) for each in rounds], ",.0f"),
        f"{sum(len(each.overload.refused) for each in rounds):,}",
        median([each.overload.milliseconds(50, refused=True) for each in rounds], ",.1f"),
        median([each.overload.milliseconds(99, refused=True) for each in rounds], ",.1f"),
        f"{sum(each.odd for each in rounds):,}",
        median([len(each.after.answered) / each.after.asked * 100 for each in rounds], ".1f") + " %",
        median([each.after.milliseconds(99) for each in rounds], ",.0f"),
    ]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability.overload", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of each kind of request [5]")
    parser.add_argument("--seconds", type=float, default=5.0, help="for the capacity; the overload lasts twice as long")
    parser.add_argument("--only", default="", help="the kinds whose name contains this")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_FILES, hard), hard))
    processors = sorted(os.sched_getaffinity(0))
    ours, theirs = (processors[0], processors[1]) if len(processors) > 1 else (None, None)
    rows = []
    with serving(ROOT / "models", processor=ours, WEB_CONCURRENCY="1") as service, generator(theirs) as load:
        for name, request, heeds in kinds():
            if options.only not in name:
                continue
            rounds = []
            for number in range(options.rounds):
                print(f"{name}: round {number + 1}", file=sys.stderr)
                rounds.append(measured(load, service, request, options.seconds, heeds=heeds))
            rows.append(row(name, rounds))
    print(f"{options.rounds} rounds, one worker on one processor; load {os.getloadavg()[0]:.1f} at the end\n")
    print(columns(HEAD, rows, words={HEAD[0]}, markdown=True))


if __name__ == "__main__":
    main()
