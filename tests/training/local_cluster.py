"""A Dask cluster of its own processes, beside the one that asks for it: `with local_cluster(2) as cluster`.

`python -m tests.training.local_cluster 2` is that other process. It says where its scheduler is, and ends when what it
reads from ends.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.drafts import ROOT


class Running:
    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process
        self.address = process.stdout.readline().strip()
        assert self.address.startswith("tcp://127.0.0.1:")


@contextmanager
def local_cluster(workers: int) -> Iterator[Running]:
    """A cluster until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.training.local_cluster", str(workers)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Running(process)
    finally:
        process.stdin.close()
        process.wait(30)


def main() -> None:
    from distributed import LocalCluster

    workers = int(sys.argv[1])
    with LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0
    ) as cluster:
        sys.stdout.write(f"{cluster.scheduler_address}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
