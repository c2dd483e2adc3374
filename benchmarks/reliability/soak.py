"""Mixed load, swaps and faults for half an hour: what memory, files and threads there are, minute by minute.

python -m benchmarks.reliability.soak --minutes 30: two workers. Four clients compare each answer with what its version
must say, others send photographs, batches of 256 and broken requests; every two seconds another version is promoted,
and every twenty there is a fault, by turns. One worker is never killed: what it holds must not grow. Ends with 1 if it
does, or if an answer is wrong.
"""

import argparse
import os
import signal
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final

from benchmarks.columns import columns
from benchmarks.http import processes
from benchmarks.reliability import requests
from benchmarks.reliability.bad_clients import SMUGGLED
from benchmarks.reliability.scene import Scene, scene
from benchmarks.reliability.versions import MODEL
from mlp.errors import StoreError

HEAD: Final = [
    "minute",
    "requests",
    "wrong",
    "not answered",
    "swaps",
    "faults",
    "MiB, all",
    "MiB, one worker",
    "its files",
    "its threads",
]
_SWAP_SECONDS: Final = 2.0
_FAULT_SECONDS: Final = 20.0
_PAUSE_SECONDS: Final = 0.2
_MAY_GROW: Final = 1.1
_MAY_COME: Final = 8
"""Files and threads by which samples may differ: connections come and go."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What there is at one moment."""

    minute: float
    cells: tuple[int, int, int, int, int]
    memory: float
    worker: float
    files: int
    threads: int

    def row(self) -> list[str]:
        """Give a line of the table."""
        sizes = [f"{self.memory:.0f}", f"{self.worker:.0f}", str(self.files), str(self.threads)]
        return [f"{self.minute:.1f}", *(f"{cell:,}" for cell in self.cells), *sizes]


class Soak:
    """One run."""

    def __init__(self, stage: Scene) -> None:
        self._stage = stage
        self._over = threading.Event()
        self._kept = stage.service.workers()[0]
        self._swaps = self._faults = 0
        self._photograph = requests.photograph()
        self._away = threading.Lock()
        """Held while the store is not what it should be."""

    def run(self, minutes: float) -> list[Sample]:
        """Give the samples, one for each twentieth of the time."""
        whole = (requests.raw(), requests.numbers(256), self._photograph, *SMUGGLED)
        tasks = [lambda: self._send(whole), self._swap, self._harm]
        threads = [threading.Thread(target=task, daemon=True) for task in tasks]
        begun = time.monotonic()
        for thread in threads:
            thread.start()
        samples = []
        for part in range(1, 21):
            time.sleep(max(0.0, begun + minutes * 60 * part / 20 - time.monotonic()))
            samples.append(self._sample(begun))
            print(" ".join(samples[-1].row()), file=sys.stderr)
        self._over.set()
        for thread in threads:
            thread.join()
        return samples

    def _sample(self, begun: float) -> Sample:
        watch, files = self._stage.watch, Path(f"/proc/{self._kept}/fd")
        failed = watch.lost + sum(watch.statuses.values())
        return Sample(
            (time.monotonic() - begun) / 60,
            (watch.asked, len(watch.wrong), failed, self._swaps, self._faults),
            processes.memory(self._stage.service.process.pid),
            _resident(self._kept),
            len(list(files.iterdir())),
            len(list(files.with_name("task").iterdir())),
        )

    def _send(self, whole: tuple[bytes, ...]) -> None:
        for request in cycle(whole):
            if self._over.wait(_PAUSE_SECONDS):
                return
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._stage.service.port), 10) as client:
                client.sendall(request)
                client.recv(2**16)

    def _swap(self) -> None:
        for number in cycle((2, 3, 4, 1)):
            if self._over.wait(_SWAP_SECONDS):
                return
            with self._away, suppress(StoreError):
                self._stage.store.promote(MODEL, number)
                self._swaps += 1

    def _harm(self) -> None:
        for fault in cycle((self._kill, self._damage, self._break_off, self._vanish)):
            if self._over.wait(_FAULT_SECONDS):
                return
            fault()
            self._faults += 1

    def _kill(self) -> None:
        for pid in self._stage.service.workers():
            if pid != self._kept:
                os.kill(pid, signal.SIGKILL)

    def _damage(self) -> None:
        path = self._stage.store.root / MODEL / "aliases.json"
        with self._away:
            sound = path.read_bytes()
            for text in (sound[:20], sound):
                path.with_name("new").write_bytes(text)
                path.with_name("new").replace(path)
                self._over.wait(1)

    def _vanish(self) -> None:
        root = self._stage.store.root
        with self._away:
            root.rename(root.with_name("away"))
            self._over.wait(1)
            root.with_name("away").rename(root)

    def _break_off(self) -> None:
        with suppress(OSError):
            clients = [socket.create_connection(("127.0.0.1", self._stage.service.port), 10) for _ in range(100)]
            for client in clients:
                client.sendall(self._photograph[:50_000])
                client.close()


def _resident(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Rss:")) / 1024


def grown(samples: list[Sample]) -> list[str]:
    """Give what has grown, from the second quarter to the last."""
    quarter = len(samples) // 4
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]

    def medians(of: Callable[[Sample], float]) -> tuple[float, float]:
        return statistics.median(map(of, early)), statistics.median(map(of, late))

    found = []
    before, after = medians(lambda sample: sample.worker)
    if after > before * _MAY_GROW:
        found.append(f"memory from {before:.0f} to {after:.0f} MiB")
    for name, of in (("files", lambda sample: sample.files), ("threads", lambda sample: sample.threads)):
        before, after = medians(of)
        if after > before + _MAY_COME:
            found.append(f"{name} from {before:g} to {after:g}")
    return found


@contextmanager
def staged() -> Iterator[Soak]:
    """Give a run that may begin."""
    with scene(MLP_POLL_SECONDS="0.2") as stage:
        yield Soak(stage)
        stage.watch.end()


def main() -> None:
    """Run, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long [30]")
    options = parser.parse_args()
    with staged() as soak:
        samples = soak.run(options.minutes)
    print(columns(HEAD, [sample.row() for sample in samples], words=set(), markdown=True))
    harm = grown(samples) + ([f"{samples[-1].cells[1]} wrong answers"] if samples[-1].cells[1] else [])
    print(f"\n{options.minutes:g} minutes; grown or wrong: {', '.join(harm) or 'nothing'}")
    if harm:
        sys.exit(1)


if __name__ == "__main__":
    main()
