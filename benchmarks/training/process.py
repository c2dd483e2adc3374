"""A contestant in a process of its own: both ends of the pipe. Each line is one request or answer, in JSON.

A process does something only while it answers, so the others sleep meanwhile. It is started with as many threads and
cores as it may use, because libraries read that when they are imported.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Final

from benchmarks.training.contestant import Contestant, contestant
from benchmarks.training.pictures import Pictures
from benchmarks.training.shapes import Shape

_ROOT: Final = Path(__file__).parent.parent.parent
_BLAS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_ONE_XLA_THREAD: Final = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


class NotInstalled(Exception):
    """A contestant's library is not there."""


class Ended(Exception):
    """A contestant's process has ended in the middle of it; why stands on standard error."""


class Process:
    """The near end: starts a contestant's process, and asks it for one thing at a time."""

    def __init__(self, python: str, module: str, *, cores: Sequence[int], threads: int) -> None:
        """`cores` are those it may run on; `threads` those that its BLAS may use."""
        environment = {**os.environ, **dict.fromkeys(_BLAS, str(threads)), "JAX_PLATFORMS": "cpu"}
        if threads == 1:
            environment["XLA_FLAGS"] = _ONE_XLA_THREAD
        self._module, self._workers = module, len(cores)
        self._popen = subprocess.Popen(
            [python, "-m", "benchmarks.training.process", module, ",".join(map(str, cores))],
            cwd=_ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def load(self, shape: Shape, folder: Path, examples: int | None = None) -> None:
        """Import the library, read the pictures of `folder`, make the contestant. Raises NotInstalled, Ended."""
        missing = self._ask("load", asdict(shape), str(folder), examples, self._workers)["missing"]
        if missing:
            raise NotInstalled(f"{missing} is not installed")

    def prepare(self) -> float:
        """Let it begin anew; give the seconds that it took, compiling among them. Raises Ended."""
        return float(self._ask("prepare")["seconds"])

    def epoch(self) -> tuple[float, float]:
        """Let it train for one epoch; give the seconds, and those of them on a processor. Raises Ended."""
        answer = self._ask("epoch")
        return answer["seconds"], answer["processor"]

    def accuracy(self) -> float | None:
        """Give its accuracy on the test pictures; None for one that does not learn. Raises Ended."""
        return self._ask("accuracy")["accuracy"]

    def close(self) -> None:
        """Let it end."""
        stdin, stdout = self._pipes()
        with suppress(BrokenPipeError):  # it may have ended already
            stdin.close()
        self._popen.wait()
        stdout.close()

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        if self._popen.stdin is None or self._popen.stdout is None:
            raise AssertionError("both are pipes")
        return self._popen.stdin, self._popen.stdout

    def _ask(self, *request: Any) -> dict[str, Any]:
        stdin, stdout = self._pipes()
        try:
            print(json.dumps(request), file=stdin, flush=True)
            answer = stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise Ended(f"{self._module} has ended with exit code {self._popen.wait()} when asked to {request[0]}")
        return json.loads(answer)


class _FarEnd:
    """What the process does when it is asked."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._contestant: Contestant | None = None

    def load(self, shape: dict[str, Any], folder: str, examples: int | None, cores: int) -> dict[str, Any]:
        self.close()
        shape["hidden"] = tuple(shape["hidden"])
        try:
            self._contestant = contestant(self._module, Shape(**shape), Pictures.read(Path(folder), examples), cores)
        except ModuleNotFoundError as error:
            return {"missing": error.name}
        return {"missing": None}

    def prepare(self) -> dict[str, Any]:
        return _timed(self._loaded().prepare)

    def epoch(self) -> dict[str, Any]:
        return _timed(self._loaded().epoch)

    def accuracy(self) -> dict[str, Any]:
        return {"accuracy": self._loaded().accuracy()}

    def close(self) -> None:
        if self._contestant:
            self._contestant.close()
        self._contestant = None  # before the next one: its pictures need not be there twice

    def _loaded(self) -> Contestant:
        if self._contestant is None:
            raise RuntimeError("nothing is loaded")
        return self._contestant


def _timed(task: Callable[[], None]) -> dict[str, float]:
    start, used = time.perf_counter(), time.process_time()
    task()
    return {"seconds": time.perf_counter() - start, "processor": time.process_time() - used}


def main(module: str, cores: str) -> None:
    """Answer until there are no more requests."""
    if hasattr(os, "sched_setaffinity"):  # Linux alone
        os.sched_setaffinity(0, map(int, cores.split(",")))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints is no answer
    far_end = _FarEnd(module)
    for line in sys.stdin:
        verb, *rest = json.loads(line)
        print(json.dumps(getattr(far_end, verb)(*rest)), file=answers, flush=True)
    far_end.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
