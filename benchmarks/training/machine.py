"""What the figures hold for: the processor, the cores that may be used, and the libraries' versions."""

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

_LIBRARIES: Final = {"jax": "JAX", "torch": "PyTorch", "scikit-learn": "scikit-learn"}
_VERSIONS: Final = f"""
import importlib.metadata as m
for name in {list(_LIBRARIES)}:
    try:
        print(name, m.version(name))
    except m.PackageNotFoundError:
        pass
"""


def cores() -> list[int]:
    """Give the numbers of the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):  # Linux alone
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def described(peers: str) -> str:
    """Describe it in a line; `peers` is the Python of the peers' environment."""
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    processor = found[1] if found else platform.processor()
    lines = subprocess.run([peers, "-c", _VERSIONS], capture_output=True, text=True, check=True).stdout.splitlines()
    versions = [f"{_LIBRARIES[name]} {version}" for name, version in (line.split() for line in lines)]
    numpy = f"NumPy {importlib.metadata.version('numpy')}"
    python = "Python " + ".".join(map(str, sys.version_info[:3]))
    return f"{processor}, {len(cores())} cores; " + ", ".join([python, numpy, *versions])
