"""How many pods, balancers and requests to the bucket a load takes, and what that costs. Arithmetic, no simulation."""

import math
from dataclasses import dataclass

from benchmarks.scaling import figures
from benchmarks.scaling.figures import PROCESSORS, Assumed

HOURS = 730
"""Of a month."""


@dataclass(frozen=True)
class Plan:
    """What a load takes."""

    load: float
    pods: int
    busy: float
    """Share of the pods' processor time, while all zones are there."""
    memory_gib: float
    balancers: int
    """Processors."""
    gbit_json: float
    gbit_raw: float
    polls: float
    """Requests a second to the bucket."""
    pods_cost: float
    """Dollars a month, here and below."""
    polls_cost: float


def plan(load: float, rate: float, poll_seconds: float, assumed: Assumed) -> Plan:
    """Plan for requests a second, of which a pod answers `rate` when it does nothing else."""
    spare = assumed.zones / (assumed.zones - 1)
    pods = max(assumed.zones, math.ceil(load / (rate * assumed.utilisation) * spare))
    looks = pods / poll_seconds  # each a list, and a HEAD for the one model
    seconds = HOURS * 3600
    return Plan(
        load=load,
        pods=pods,
        busy=load / (pods * rate),
        memory_gib=pods * figures.printed_mib() / 1024,
        balancers=math.ceil(load / (assumed.balancer_rate * assumed.utilisation) * spare),
        gbit_json=load * figures.request_bytes("7.json") * 8 / 1e9,
        gbit_raw=load * figures.request_bytes("7.raw") * 8 / 1e9,
        polls=2 * looks,
        pods_cost=pods * PROCESSORS * assumed.processor_hour * HOURS,
        polls_cost=looks * (assumed.list_price + assumed.get_price) * seconds,
    )
