"""What figures hold for: the processor, the cores that may be used, and the libraries' versions."""

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_VERSIONS: Final = """
import importlib.metadata, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def cores() -> list[int]:
    """Give the numbers of the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):  # Linux alone
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def described(*environments: tuple[str, Mapping[str, str]]) -> str:
    """Describe it in a line, with the versions of libraries.

    Each environment is its Python, and the libraries' names by their packages'; what is not installed is left out.
    """
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    processor = found[1] if found else platform.processor()
    python = "Python " + ".".join(map(str, sys.version_info[:3]))
    versions = [library for executable, names in environments for library in _installed(executable, names)]
    return f"{processor}, {len(cores())} cores; " + ", ".join([python, *versions])


def _installed(python: str, names: Mapping[str, str]) -> list[str]:
    answer = subprocess.run([python, "-c", _VERSIONS, *names], capture_output=True, text=True, check=True).stdout
    return [f"{names[package]} {version}" for package, version in json.loads(answer).items()]
