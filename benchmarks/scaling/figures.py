"""What the calculation starts from: what `make bench-http` has printed, files of the repository, and what is assumed.

What is assumed is not ours to measure: prices, limits of others' services. Each is a flag of the command.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PRINTED: Final = ROOT / "docs/performance.md"

PROCESSORS: Final = 2
"""Of the machine on which the figures were printed, and of a pod in deploy/kubernetes."""

PLANNED: Final = "one, JSON, largest network"
"""The request that is planned for: one picture, by the network that ships in production."""


@dataclass(frozen=True)
class Assumed:
    """What is not measured here."""

    utilisation: float = 0.6
    """At which the autoscaler adds pods (deploy/kubernetes/base/autoscaler.yaml)."""
    zones: int = 3
    """Of which one may be lost."""
    processor_hour: float = 0.04
    """Price, in dollars: about what clouds ask for a processor with its memory."""
    balancer_rate: float = 25_000
    """Requests a second that one processor of a balancer passes on."""
    bucket_rate: float = 5_500
    """Reading requests a second below one prefix, which Amazon promises at least."""
    list_price: float = 5e-6
    """Dollars for one list of a bucket, and for one other reading request below."""
    get_price: float = 4e-7
    bucket_gbit: float = 100
    """What a bucket sends to all together."""
    request_ms: float = 20
    """What a request to a bucket takes."""


def printed_rate(request: str) -> float:
    """Give the requests a second that the service answered in docs/performance.md. Raises LookupError."""
    name = re.escape(request)
    found = re.search(rf"^\| {name} +\| ours +\| +([\d,.]+) \|", PRINTED.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise LookupError(f"{PRINTED} has no row of ours for {request!r}")
    return float(found[1].replace(",", ""))


def printed_mib() -> float:
    """Give the memory of a service after a hundred thousand requests. Raises LookupError."""
    found = re.findall(
        r"^\| ours, alone +\| +[\d,]+ \| +[\d.]+ \| +(\d+) \|", PRINTED.read_text(encoding="utf-8"), re.M
    )
    if not found:
        raise LookupError(f"{PRINTED} does not say how much memory the service takes")
    return float(found[-1])


def version_bytes() -> int:
    """Give the size of the largest version file that ships."""
    return max(path.stat().st_size for path in (ROOT / "models").glob("*/*.npz"))


def request_bytes(example: str) -> int:
    """Give the size of an example's body."""
    return (ROOT / "examples" / example).stat().st_size
