"""Jobs of several kinds, and a process that does them: `python -m tests.training.some_jobs FOLDER ADDRESS|- JOB…`.

It prints what it hears, as JSON, a line for each event. A job is a kind and a number, as `fine:3`.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from training.jobs import run
from training.jobs.place import Done


class Data:
    """Data that leave a file in each process that they have travelled to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = state
        with (self.folder / f"unpickled-{os.getpid()}").open("a") as file:
            file.write("x")


def work(data: Data, job: str, say) -> list:
    kind, _, number = job.partition(":")
    begun = data.folder / f"begun-{number}"
    before = begun.exists()
    begun.touch()
    if kind == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "raises":
        raise ValueError(f"job {number} raises")
    if kind == "silent":
        say(os.getpid())
    while kind == "silent":
        time.sleep(0.01)
    while kind == "endless" or (kind == "killed" and not before):
        say(os.getpid())
        time.sleep(0.01)
    return [int(number), os.getpid()]


def main() -> None:
    folder, address, *jobs = sys.argv[1:]
    killed = set()

    def tell(*event: object) -> None:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()

    def heard(job: str, message: object) -> bool:
        tell("said", job, message)
        if job.startswith("killed") and job not in killed:
            killed.add(job)
            os.kill(message, signal.SIGKILL)
        return not job.startswith("endless") or (Path(folder) / "go on").exists()

    cluster = None if address == "-" else address
    with run.place(work, Data(Path(folder)), size=2, cluster=cluster) as where:
        for job, outcome in run.run(where, jobs, heard=heard, again=lambda job, why: tell("again", job, why)):
            tell("over", job, type(outcome).__name__, outcome.result if isinstance(outcome, Done) else None)


if __name__ == "__main__":
    main()
