"""What a swap costs the requests beside it: p99 while versions are swapped, divided by p99 while nothing changes.

python -m benchmarks.swap: a real gunicorn with the shipped network, several kept-alive connections that each ask at a
steady pace, and rounds in which swaps and rest take turns, because machines are shared; medians of the rounds. Every
swap is to a version that is not in memory, so it is read, checked and warmed by every worker.
"""

import argparse
import http.client
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from mlp.aliases import AliasDocument
from mlp.local_store import LocalStore

ROOT = Path(__file__).parent.parent
MODEL = "digits"
VERSIONS = 6
"""Swapped through in a circle; a worker holds two of them."""
TARGET = 1.5


@dataclass
class Round:
    """What the clients measured between two moments."""

    seconds: list[float] = field(default_factory=list)
    """Of each request."""
    failed: int = 0
    swaps: int = 0

    def percentile(self, q: float) -> float:
        """Give a percentile in milliseconds."""
        return float(np.percentile(self.seconds, q)) * 1000


def fill(store: LocalStore) -> None:
    """Publish the network that ships as several versions."""
    shipped = LocalStore(ROOT / "models")
    data = (shipped.root / MODEL / f"{shipped.aliases(MODEL).aliases['production']}.npz").read_bytes()
    for _ in range(VERSIONS):
        store.publish_file(MODEL, data)
    store.promote(MODEL, 1)


@contextmanager
def serving(models: Path, workers: int) -> Iterator[int]:
    """Run the service until the block ends; gives its port."""
    environment = {
        **os.environ,
        "PORT": "0",
        "WEB_CONCURRENCY": str(workers),
        "MLP_MODELS": str(models),
        "MLP_POLL_SECONDS": "0.05",
        "MLP_LOG_LEVEL": "info",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "service/gunicorn.conf.py"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        found = None
        while found is None:
            line = process.stderr.readline() if process.stderr else ""
            if not line:
                sys.exit("the service did not start")
            found = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", line)
        threading.Thread(target=process.communicate, daemon=True).start()
        wait_until_ready(int(found[1]))
        yield int(found[1])
    finally:
        process.terminate()
        process.wait()


def wait_until_ready(port: int) -> None:
    """Wait until a model answers."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    sys.exit("the service did not get ready")


def clients(port: int, connections: int, per_second: float, orders: Connection) -> None:
    """Ask steadily in a process of its own; for each number of seconds that is sent, give back what was measured."""
    while seconds := orders.recv():
        measured = [Round() for _ in range(connections)]
        threads = [threading.Thread(target=ask, args=(port, seconds, per_second, found)) for found in measured]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        orders.send(Round([s for found in measured for s in found.seconds], sum(found.failed for found in measured)))


def ask(port: int, seconds: float, per_second: float, found: Round) -> None:
    """Ask over one connection, at a steady pace; a request that is late is not left out but follows at once."""
    body = np.random.default_rng().integers(0, 256, 784, dtype=np.uint8).tobytes()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    begin = time.perf_counter() + np.random.default_rng().random() / per_second
    for number in range(int(seconds * per_second)):
        due = begin + number / per_second
        time.sleep(max(0.0, due - time.perf_counter()))
        start = time.perf_counter()
        connection.request("POST", "/predict", body, {"Content-Type": "application/octet-stream"})
        answer = connection.getresponse()
        answer.read()
        found.seconds.append(time.perf_counter() - start)
        found.failed += answer.status != http.HTTPStatus.OK
    connection.close()


def swap(store: LocalStore) -> None:
    """Replace the alias document by one that names the next version, as an editor would."""
    path = store.root / MODEL / "aliases.json"
    before = AliasDocument.parse(path.read_bytes())
    version = before.aliases["production"] % VERSIONS + 1
    after = AliasDocument(generation=before.generation + 1, aliases={"production": version})
    path.with_name("next").write_bytes(after.text())
    path.with_name("next").replace(path)


def generation(port: int) -> int:
    """Give the generation that is served."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/predict", bytes(784), {"Content-Type": "application/octet-stream"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return int(answer.headers["X-Model-Generation"])


def one_round(orders: Connection, options: argparse.Namespace, store: LocalStore | None) -> Round:
    """Let the clients ask for a while, and swap beside them if a store is given."""
    orders.send(options.seconds)
    swaps = 0
    while store is not None and not orders.poll(1 / options.swaps_per_second):
        swap(store)
        swaps += 1
    measured: Round = orders.recv()
    measured.swaps = swaps
    return measured


def table(rest: list[Round], swapping: list[Round]) -> None:
    """Print medians of the rounds, and the ratio of the p99 pairwise."""
    print(f"{'':18} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'max ms':>8} {'requests':>9} {'failed':>7} {'swaps':>6}")
    for name, rounds in (("at rest", rest), ("while swapping", swapping)):
        values = [statistics.median(found.percentile(q) for found in rounds) for q in (50, 95, 99, 100)]
        requests, failed = sum(len(found.seconds) for found in rounds), sum(found.failed for found in rounds)
        cells = " ".join(f"{value:8.2f}" for value in values)
        print(f"{name:18} {cells} {requests:9} {failed:7} {sum(found.swaps for found in rounds):6}")
    ratios = [after.percentile(99) / before.percentile(99) for before, after in zip(rest, swapping, strict=True)]
    median = statistics.median(ratios)
    spread = f"{min(ratios):.2f} … {max(ratios):.2f}"
    print(
        f"\np99 while swapping / p99 at rest: median {median:.2f} of {len(ratios)} rounds ({spread}); target {TARGET}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.swap", description=__doc__)
    parser.add_argument("--rounds", type=int, default=12, help="pairs of rounds (12)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of a round (5)")
    parser.add_argument("--connections", type=int, default=4, help="kept alive (4)")
    parser.add_argument("--per-second", type=float, default=40.0, help="requests of each connection (40)")
    parser.add_argument("--swaps-per-second", type=float, default=1.0, help="while swapping (1)")
    parser.add_argument("--workers", type=int, default=2, help="of the service (2)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serving(prepared(Path(folder)), options.workers) as port:
        ours, theirs = get_context("spawn").Pipe()
        process = get_context("spawn").Process(
            target=clients, args=(port, options.connections, options.per_second, theirs), daemon=True
        )
        process.start()
        store = LocalStore(Path(folder))
        one_round(ours, options, store)  # warms both ways up, and is not counted
        rest, swapping = [], []
        for _ in range(options.rounds):
            rest.append(one_round(ours, options, None))
            swapping.append(one_round(ours, options, store))
        served = generation(port)
        ours.send(0)
        process.join()
    table(rest, swapping)
    print(f"generation served at the end: {served}")


def prepared(folder: Path) -> Path:
    """Give a folder with a filled store."""
    fill(LocalStore(folder))
    return folder


if __name__ == "__main__":
    main()
