"""Many jobs, each until it is over, on local processes or on a cluster."""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from training.jobs.local import Processes
from training.jobs.place import Again, Data, Job, Outcome, Over, Place, Result, Said, Work


def place(
    work: Work[Data, Job, Result], data: Data, *, size: int | None = None, cluster: str | None = None
) -> Place[Job, Result]:
    """Give the place where `work(data, job, say)` is done: the Dask cluster at an address, or this machine.

    `size` jobs run at a time, by default one for each core, or for each thread of the cluster's workers.
    Its block raises ClusterError.
    """
    if cluster is not None:
        from training.jobs.cluster import Cluster  # the local place needs no Dask

        return Cluster(cluster, work, data, size)
    return Processes(work, data, size or len(os.sched_getaffinity(0)))


def run(
    where: Place[Job, Result],
    jobs: Iterable[Job],
    *,
    heard: Callable[[Job, Any], bool] = lambda _job, _message: True,
    again: Callable[[Job, str], None] = lambda _job, _why: None,
) -> Iterator[tuple[Job, Outcome[Result]]]:
    """Do jobs, and yield each with how it ended, in the order in which they end.

    The next job is taken from `jobs` when there is room for it, not before. `heard` is told what a running job says,
    and answers whether it is to go on; `again` hears of a job that begins anew because its process has died.
    Raises what a job has raised, and ClusterError.
    """
    waiting = enumerate(jobs)
    running: dict[int, Job] = {}
    while True:
        for number, job in itertools.islice(waiting, max(0, where.size - len(running))):
            running[number] = job
            where.start(number, job)
        if not running:
            return
        match where.next():
            case Said(number, message):
                if not heard(running[number], message):
                    where.stop(number)
            case Again(number, why):
                again(running[number], why)
            case Over(number, outcome):
                yield running.pop(number), outcome
