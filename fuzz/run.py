"""One door's run under libFuzzer, by atheris; python -m fuzz starts it in a process of its own and reads what it says.

python -m fuzz.run DOOR RUNS SECONDS, and then libFuzzer's folders and options. The last line on standard output is what
came of it, in JSON.
"""

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import atheris

_COUNTED: Final = ["mlp", "service", "PIL", "werkzeug"]

_NUMERIC: Final = [
    *("mlp.components", "mlp.ground", "mlp.ink", "mlp.marks", "mlp.network", "mlp.outline", "mlp.pixels"),
    *("mlp.placing", "mlp.threshold", "mlp.transparency", "mlp.windows", "mlp.version"),
]
"""Comparisons of arrays, of which atheris keeps every one: a thousand inputs would take a gigabyte."""

with atheris.instrument_imports(include=_COUNTED, exclude=_NUMERIC, enable_loader_override=False):
    from fuzz.door import BUDGET_SECONDS, Door
    from fuzz.doors import DOORS

_LOOKED_AT: Final = 256
"""How many inputs there are from one look at the memory to the next."""

_WARM: Final = 0.5
"""Share of the inputs after which memory should not grow any more."""

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class Found:
    """What came of a run."""

    inputs: int = 0
    seconds: float = 0.0
    worst_seconds: float = 0.0
    """Processor time of the slowest input."""
    growth_bytes: int = 0
    """By how much the process had more memory at most in the second half than in the first."""


class TooSlow(Exception):
    """An input that took longer than it may."""


class Measured:
    """A door whose inputs are timed, and which ends the process after so many of them, or so many seconds."""

    def __init__(self, door: Door, runs: int, seconds: float) -> None:
        self._door, self._runs, self._seconds = door, runs, seconds
        self._found = Found()
        self._begun = time.monotonic()
        self._memory: list[int] = []

    def __call__(self, data: bytes) -> None:
        """Try one input. Raises what it should not have, TooSlow."""
        found = self._found
        begun = time.process_time()
        self._door.tried(data)
        taken = time.process_time() - begun
        found.inputs += 1
        found.worst_seconds = max(found.worst_seconds, taken)
        if taken > BUDGET_SECONDS:
            raise TooSlow(f"{taken:.1f} seconds of processor time; at most {BUDGET_SECONDS} are expected")
        if found.inputs % _LOOKED_AT == 0:
            self._memory.append(_resident_bytes())
        found.seconds = time.monotonic() - self._begun
        if found.inputs >= self._runs or found.seconds > self._seconds:
            self._end()

    def _end(self) -> None:
        half = int(len(self._memory) * _WARM)
        first, second = self._memory[:half], self._memory[half:]
        self._found.growth_bytes = max(0, max(second, default=0) - max(first, default=0)) if first else 0
        print(json.dumps(asdict(self._found)), flush=True)
        os._exit(0)  # libFuzzer has no other way out that is not counted as a crash


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES


def main() -> None:
    """Run until the end; a finding ends it with another status, and its input is in a file."""
    door, runs, seconds = DOORS[sys.argv[1]], int(sys.argv[2]), float(sys.argv[3])

    def mutated(data: bytes, max_size: int, seed: int) -> bytes:
        draw = Random(seed)
        if draw.random() < 0.3:
            changed: Any = atheris.Mutate(data, max_size)
            return bytes(changed)
        return door.mutated(bytes(data), draw)[:max_size]

    atheris.Setup([sys.argv[0], *sys.argv[4:]], Measured(door, runs, seconds), custom_mutator=mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
