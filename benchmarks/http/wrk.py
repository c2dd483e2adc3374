"""The load generator: wrk, a program of its own, so that it is not in the way of what it measures."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_SCRIPT = Path(__file__).with_name("post.lua")


class NoLoad(Exception):
    """The load generator is not there, or what it loaded failed."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run measured."""

    rate: float
    """Requests a second."""
    p99: float = float("nan")
    """Milliseconds."""
    requests: int = 0
    seconds: float = 0.0

    @classmethod
    def medians(cls, loads: Sequence["Load"]) -> "Load":
        """Give the medians of several runs."""
        return cls(median(load.rate for load in loads), median(load.p99 for load in loads))


def _program() -> str | None:
    return shutil.which("wrk")


def check() -> None:
    """Raise NoLoad when there is no wrk."""
    if _program() is None:
        raise NoLoad("there is no wrk to make the load: install it (Debian: apt-get install wrk) and run this again")


def version() -> str:
    """Give its name and version."""
    done = subprocess.run([_program() or "wrk", "--version"], capture_output=True, text=True)
    return " ".join((done.stdout + done.stderr).split()[:2])


def load(url: str, body: Path, headers: Mapping[str, str], *, connections: int, seconds: int) -> Load:
    """Post a file again and again over connections that are kept alive. Raises NoLoad when a request fails."""
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "--latency", "-s", str(_SCRIPT)]
    words = [word for name, value in headers.items() for word in (name, value)]
    done = subprocess.run([_program() or "wrk", *options, url, "--", str(body), *words], capture_output=True, text=True)
    return parsed(done.stdout, f"{url}: {done.stderr.strip()}")


def parsed(printed: str, where: str) -> Load:
    """Give what post.lua has printed. Raises NoLoad, which says where the load went, when a request failed."""
    lines = [line for line in printed.splitlines() if line.startswith("{")]
    if not lines:
        raise NoLoad(f"wrk failed on {where} {printed.strip()}")
    found = json.loads(lines[-1])
    if found["failed"] or not found["requests"]:
        raise NoLoad(f"{found['failed']} requests failed, what answers them is broken or much too slow: {where}")
    return Load(found["requests"] / found["seconds"], found["p99"], found["requests"], found["seconds"])
