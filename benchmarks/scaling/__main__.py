"""`make simulate-scaling`: the tables of docs/scaling.md. The same seed gives the same tables; it takes seconds.

python -m benchmarks.scaling --markdown sets them out for a document; --help lists what is assumed and can be changed.
"""

import argparse
import dataclasses
from collections.abc import Sequence
from typing import Final

import numpy as np

from benchmarks.columns import columns
from benchmarks.scaling import figures, queues, storm
from benchmarks.scaling.capacity import Plan, plan
from benchmarks.scaling.figures import PLANNED, PROCESSORS, Assumed, printed_rate
from benchmarks.scaling.propagation import spread

SEED: Final = 1
LOADS: Final = (1_000, 100_000, 10_000_000)
REQUESTS: Final = (PLANNED, "one, JSON", "one, PNG")
UTILISATIONS: Final = (0.5, 0.6, 0.7, 0.8, 0.9)
WORKERS: Final = 20
COUNT: Final = 30_000
BATCHES: Final = 0.001
CHOICES: Final = (("by chance", queues.any_one), ("of two the one with fewer", queues.better_of_two),
                  ("the one with fewest", queues.fewest))  # fmt: skip
SERVICES: Final = (3, 50, 1_000, 5_000)
POLLS: Final = (1.0, 10.0, 60.0)
_WORDS: Final = {"request", "a request goes to", "clients ask again"}


def pods(assumed: Assumed) -> list[list[str]]:
    """Give how many pods each load takes, by what is asked."""
    return [
        [request, f"{printed_rate(request):,.0f}"]
        + [f"{plan(load, printed_rate(request), 1.0, assumed).pods:,}" for load in LOADS]
        for request in REQUESTS
    ]


def plans(assumed: Assumed) -> list[list[str]]:
    """Give what else each load takes."""
    return [_plan(plan(load, printed_rate(PLANNED), 1.0, assumed)) for load in LOADS]


def _plan(found: Plan) -> list[str]:
    return [
        f"{found.load:,.0f}",
        f"{found.pods:,}",
        f"{found.busy:.0%}",
        f"{found.memory_gib:,.1f}",
        f"{found.balancers:,}",
        f"{found.gbit_json:,.2f}",
        f"{found.gbit_raw:,.2f}",
        f"{found.polls:,.0f}",
        f"{found.pods_cost:,.0f}",
        f"{found.polls_cost:,.0f}",
    ]


def waits() -> list[list[str]]:
    """Give how long a picture waits for a worker, beside a batch of 4,096 now and then."""
    one, batch = PROCESSORS / printed_rate(PLANNED), PROCESSORS / printed_rate("4,096, raw")
    rows = []
    for utilisation in UTILISATIONS:
        for name, choose in CHOICES:
            rng = np.random.default_rng(SEED)
            service = np.where(rng.random(COUNT) < BATCHES, batch, one)
            come = queues.arrivals(COUNT, WORKERS * utilisation / float(service.mean()), rng)
            found = queues.waits_of_many(come, service, WORKERS, choose, rng) * 1000
            middle, most, nearly_all = np.quantile(found, (0.5, 0.99, 0.999))
            rows.append([f"{utilisation:.0%}", name, f"{middle:.2f}", f"{most:.2f}", f"{nearly_all:.2f}"])
    return rows


def swaps(assumed: Assumed) -> list[list[str]]:
    """Give how long a swap takes to reach all services."""
    rows = []
    for services in SERVICES:
        for poll_seconds in POLLS:
            size, rng = figures.version_bytes(), np.random.default_rng(SEED)
            found = spread(services, poll_seconds, size, assumed, rng)
            times = (found.half, found.most, found.last)
            row = [f"{services:,}", f"{poll_seconds:g}", *(f"{seconds:.1f}" for seconds in times)]
            rows.append([*row, f"{found.requests:,.0f}"])
    return rows


def storms() -> list[list[str]]:
    """Give what became of a service that was slow for a while."""
    rows = []
    for clients in storm.POLICIES:
        found = storm.storm(clients)
        recovered = "never" if found.recovered is None else f"{found.recovered:.0f}"
        rows.append([clients.name, f"{found.answered:.0%}", recovered])
    return rows


def report(assumed: Assumed, *, markdown: bool) -> str:
    """Give all tables."""
    loads = [f"pods for {load:,}/s" for load in LOADS]
    plan_head = ["requests/s", "pods", "busy", "GiB", "balancers' processors", "Gbit/s JSON", "Gbit/s raw",
                 "bucket requests/s", "$ a month: pods", "polls"]  # fmt: skip
    tables: Sequence[tuple[str, list[str], list[list[str]]]] = (
        ("Pods", ["request", "a pod alone /s", *loads], pods(assumed)),
        (f"What goes with it ({PLANNED}; polls every second)", plan_head, plans(assumed)),
        (
            f"Wait for one of {WORKERS} workers, ms, with a batch in {1 / BATCHES:,.0f} requests",
            ["busy", "a request goes to", "p50", "p99", "p99.9"],
            waits(),
        ),
        (
            "Seconds until a swap is served",
            ["services", "poll s", "by half", "by 99 %", "by all", "bucket requests/s"],
            swaps(assumed),
        ),
        (
            f"Ten seconds at {storm.SLOW:.0%} of the usual speed, at a load of {storm.LOAD:.0%}",
            ["clients ask again", "answered in time", "s until all is well"],
            storms(),
        ),
    )
    parts = [f"{title}\n\n{columns(head, rows, words=_WORDS, markdown=markdown)}" for title, head, rows in tables]
    return "\n\n".join(parts)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description="Capacity on paper.")
    parser.add_argument("--markdown", action="store_true", help="set the tables out for a document")
    for field in dataclasses.fields(Assumed):
        flag = f"--{field.name.replace('_', '-')}"
        parser.add_argument(flag, type=type(field.default), default=field.default, help="default %(default)s")
    given = vars(parser.parse_args())
    markdown = given.pop("markdown")
    print(report(Assumed(**given), markdown=markdown))


if __name__ == "__main__":
    main()
