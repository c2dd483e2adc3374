"""A Dask cluster in processes of its own, so that nothing of it is in the one that runs the tests.

`python -m tests.training.local_cluster 2` is the process that has the scheduler. It says where that is, and for each
line that it reads which processes its workers are; it ends when there is nothing more to read.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.drafts import ROOT


class Running:
    """A cluster that runs."""

    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process
        self.address = process.stdout.readline().strip()

    def pids(self) -> list[int]:
        """The processes that its workers are now; dead ones are replaced."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return [int(pid) for pid in self._process.stdout.readline().split()]


@contextmanager
def local_cluster(workers: int, allowed_failures: int = 3) -> Iterator[Running]:
    """A cluster until the block ends; each worker does one job at a time, its scheduler runs one again so often."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.training.local_cluster", str(workers)],
        cwd=ROOT,
        env={**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(allowed_failures)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # the deaths that tests bring about are told there
        text=True,
    )
    try:
        yield Running(process)
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


def main() -> None:
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=int(sys.argv[1]), threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster, set_as_default=False) as client:
            client.wait_for_workers(int(sys.argv[1]))
        _say(cluster.scheduler_address)
        for _ in sys.stdin:
            _say(" ".join(str(nanny.pid) for nanny in cluster.workers.values() if nanny.pid))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
