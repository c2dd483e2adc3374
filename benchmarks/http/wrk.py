"""The load generator: wrk, a program of its own, so that it is not in the way of what it measures."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = Path(__file__).with_name("post.lua")


class NoLoad(Exception):
    """The load generator is not there, or what it loaded failed."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run measured."""

    rate: float
    """Requests a second."""
    p99: float
    """Milliseconds."""


def _program() -> str | None:
    return shutil.which("wrk")


def check() -> None:
    """Raise NoLoad when there is no wrk."""
    if _program() is None:
        raise NoLoad("there is no wrk to make the load: install it (Debian: apt-get install wrk) and run this again")


def load(url: str, body: Path, content_type: str, *, connections: int, seconds: int) -> Load:
    """Post a file again and again over connections that are kept alive. Raises NoLoad when a request fails."""
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(_SCRIPT)]
    done = subprocess.run(
        [_program() or "wrk", *options, url, "--", str(body), content_type], capture_output=True, text=True
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise NoLoad(f"wrk failed on {url}: {done.stderr or done.stdout}")
    found = json.loads(lines[0])
    if found["failed"] or not found["rate"]:
        raise NoLoad(f"{found['failed']} requests to {url} failed: what answers them is broken or much too slow")
    return Load(found["rate"], found["p99"])
