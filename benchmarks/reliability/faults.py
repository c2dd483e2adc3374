"""Real faults under a service that is being asked, and what its clients see: one line for each.

python -m benchmarks.reliability.faults: for each fault a service of its own with two workers, and four clients that
compare each answer with what its version must say. Then the fault, its end, and a version that is promoted afterwards:
the service is back when it answers with that. Faults of the store are in store_faults.py, of the process in
process_faults.py. What this machine does not allow (mounting, setting the clock) is said to be left out.
"""

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from benchmarks.columns import columns
from benchmarks.reliability import process_faults, store_faults
from benchmarks.reliability.scene import LeftOut, Scene, scene
from benchmarks.reliability.serving import Unwell
from benchmarks.reliability.versions import MODEL, numbers, publish
from mlp.errors import MlpError

HEAD: Final = ["fault", "requests", "wrong answers", "not answered", "versions lost", "back after s", "seen"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One of them."""

    name: str
    happen: Callable[[Scene], str]
    """Lets it come and go, and gives what was seen of it. Raises Unwell, LeftOut."""
    stage: Callable[[], AbstractContextManager[Scene]] = scene


FAULTS: Final = (
    Fault("every worker killed (-9), five times", process_faults.kill_workers),
    Fault("SIGTERM in mid-request", process_faults.sigterm),
    Fault("no file descriptors left", process_faults.no_files, process_faults.few_files),
    Fault("no memory left", process_faults.no_memory),
    Fault("the clock jumps by an hour, both ways", process_faults.clock_jumps, process_faults.false_clock),
    Fault("the store's disk is full", store_faults.full, store_faults.small_disk),
    Fault("the store is read-only", store_faults.read_only, store_faults.small_disk),
    Fault("the store vanishes, and a worker is killed meanwhile", store_faults.vanishes),
    Fault("the alias document is damaged", store_faults.damaged),
    Fault("two publishers at once", store_faults.two_publishers),
)


def row(fault: Fault) -> list[str]:
    """Let it happen, and give its line of the table. Raises Unwell."""
    with fault.stage() as stage:
        seen = fault.happen(stage)
        ended = time.monotonic()
        back = "–" if stage.over else f"{_back(stage):.1f}"
        stage.watch.end()
        watch = stage.watch
        lost = sorted(set(stage.published) - set(numbers(stage.store)))
        if watch.wrong:
            raise Unwell(f"{fault.name}: {watch.wrong[:3]}")
        if lost:
            raise Unwell(f"{fault.name}: versions lost: {lost}")
        if not stage.over and watch.last_failure > ended + stage.patience:
            raise Unwell(f"{fault.name}: a request failed long after it")
        told = [f"{count} × {status}" for status, count in sorted(watch.statuses.items())]
        told += [f"{watch.lost} broken off"] if watch.lost else []
        return [fault.name, f"{watch.asked:,}", "0", ", ".join(told) or "0", "0", back, seen]


def _back(stage: Scene) -> float:
    """Give the seconds until the service is sound again, and follows a change. Raises Unwell."""
    begun = time.monotonic()
    number = publish(stage.store, 1000)
    stage.published.append(number)
    stage.store.promote(MODEL, number)
    generation = stage.store.aliases(MODEL).generation
    stage.service.wait_until(lambda: stage.watch.generation >= generation and stage.service.ready())
    return time.monotonic() - begun


def main() -> None:
    """Let all happen, and print the table; ends with 1 if any does harm."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability.faults", description=__doc__)
    parser.add_argument("--only", default="", help="the faults whose name contains this")
    options = parser.parse_args()
    rows, failed = [], []
    for fault in (each for each in FAULTS if options.only in each.name):
        print(fault.name, file=sys.stderr)
        try:
            rows.append(row(fault))
        except LeftOut as reason:
            rows.append([fault.name, *["–"] * 5, f"left out: {reason}"])
        except (Unwell, MlpError) as error:
            failed.append(str(error))
    print(columns(HEAD, rows, words={HEAD[0], HEAD[-1]}, markdown=True))
    if failed:
        sys.exit("\n".join(failed))


def by_name(part: str) -> Fault:
    """Give the fault whose name contains this."""
    return next(fault for fault in FAULTS if part in fault.name)


if __name__ == "__main__":
    main()
