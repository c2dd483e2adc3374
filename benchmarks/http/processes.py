"""What the operating system knows of a server's processes: which they are, their memory, their time on processors.

Some servers give their workers a session of their own, so that neither a group nor a session names them all; who is
whose child does. All of it is read from Linux's /proc.
"""

import os
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_PARENT, _USER, _SYSTEM = 1, 11, 12
"""Fields of /proc/PID/stat, counted from the one behind the name (proc_pid_stat(5))."""


def tree(pid: int) -> list[int]:
    """Give a process and all its descendants, it first."""
    children = defaultdict[int, list[int]](list)
    for folder in _PROC.iterdir():
        if folder.name.isdecimal() and (fields := _stat(int(folder.name))):
            children[int(fields[_PARENT])].append(int(folder.name))
    found = [pid]
    for one in found:
        found += children[one]
    return found


def memory(pid: int) -> float:
    """Give the MiB of a process and its descendants; what several share counts once (Pss)."""
    kib = 0
    for one in tree(pid):
        with suppress(OSError):
            lines = (_PROC / str(one) / "smaps_rollup").read_text().splitlines()
            kib += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kib / 1024


def seconds(pid: int) -> float:
    """Give the seconds that a process and its descendants have had on processors."""
    ticks = sum(int(fields[_USER]) + int(fields[_SYSTEM]) for one in tree(pid) if (fields := _stat(one)))
    return ticks / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """Give the fields behind a process's name, which may have blanks; none when it has ended."""
    with suppress(OSError):
        return (_PROC / str(pid) / "stat").read_text().rpartition(") ")[2].split()
    return []
