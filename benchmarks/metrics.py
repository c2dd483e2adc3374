"""What counting for /metrics costs: the service with MLP_METRICS=on beside the same with off, in turns.

python -m benchmarks.metrics: two servers of two workers, loaded by wrk one after the other in short rounds, the order
reversed from round to round, because machines are shared. A ratio is that of one round; the median of all is the
result. Throughput is what a client notices, and what else runs disturbs it most. So the app is also called in this
process, without HTTP, a few requests with and a few without counting by turns: that gives what counting takes, in
microseconds of a processor, of which a request over HTTP takes as many as are shown for it.
"""

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from flask import Flask

from benchmarks.columns import columns
from benchmarks.http import model, way, wrk
from benchmarks.http.contestant import Contestant
from benchmarks.http.question import SMALL, Question
from benchmarks.http.serving import NotServing, Serving
from benchmarks.http.way import Sent
from service.app import create_app
from service.body import WHOLE
from service.settings import Settings
from training import datasets

TARGET: Final = 0.97
HEAD: Final = ["request", "", "counted", "not counted", "ratio", "of the rounds, half of them"]
_ASKED: Final = (Question("raw", 1), Question("JSON", 1), Question("raw", 256))
_WAYS: Final = {"raw": way.RAW, "JSON": way.JSON}
_IN_ONE_GO: Final = 20
_TURNS: Final = 300
_COMMAND: Final = "{python} -m gunicorn -c service/gunicorn.conf.py"


@dataclass(frozen=True, slots=True)
class Turn:
    """What one server did in one round."""

    rate: float
    """Requests a second."""
    microseconds: float
    """Of a processor, for one request."""


def processor_seconds(pid: int) -> float:
    """Give the time that a process's children have had a processor, all their threads together."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    spent = [task.read_text(encoding="ascii") for child in children for task in _tasks(child)]
    return sum(int(line.split()[0]) for line in spent) / 1e9


def _tasks(pid: str) -> Iterator[Path]:
    return Path(f"/proc/{pid}/task").glob("*/schedstat")


def turn(server: Serving, kind: str, sent: Sent, body: Path, seconds: int, connections: int) -> Turn:
    """Load a server for a while. Raises NoLoad."""
    before = processor_seconds(server.pid)
    load = wrk.load(server.url(kind), body, sent.headers, connections=connections, seconds=seconds)
    return Turn(load.rate, (processor_seconds(server.pid) - before) / (load.rate * seconds) * 1e6)


def in_process(models: Path, sent: Sent, turns: int) -> tuple[float, float]:
    """Give the microseconds of a processor for a request to the app, with counting and without: medians of turns."""
    apps = [create_app(Settings(models=str(models), metrics=setting, log_level="warning")) for setting in ("on", "off")]
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(turns):
        for app, found in zip(apps, seconds, strict=True):
            begun = time.thread_time()
            for _ in range(_IN_ONE_GO):
                call(app, sent)
            found.append((time.thread_time() - begun) / _IN_ONE_GO * 1e6)
    on, off = map(statistics.median, seconds)
    return on, off


def call(app: Flask, sent: Sent) -> None:
    """Ask the app once, as a server does that has read the whole body."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/predict",
        "QUERY_STRING": "",
        "CONTENT_TYPE": sent.headers["Content-Type"],
        "CONTENT_LENGTH": str(len(sent.body)),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(sent.body),
        WHOLE: sent.body,
    }
    for _ in app.wsgi_app(environ, lambda _status, _headers, _exc_info=None: print):
        pass


def rows(name: str, turns: dict[str, list[Turn]]) -> list[list[str]]:
    """Give the table's rows of one question: medians of the rounds, and their ratios pairwise."""
    table = []
    for what, digits in (("rate", 0), ("microseconds", 1)):
        on, off = ([getattr(found, what) for found in turns[setting]] for setting in ("on", "off"))
        # Of a time, the other way round: both ratios say which part of the throughput is left.
        ratios = [a / b if what == "rate" else b / a for a, b in zip(on, off, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        table.append(
            [
                name if what == "rate" else "",
                "requests/s" if what == "rate" else "µs of a processor",
                f"{statistics.median(on):,.{digits}f}",
                f"{statistics.median(off):,.{digits}f}",
                f"{middle:.3f}",
                f"{low:.3f} … {high:.3f}",
            ]
        )
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.metrics", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, help="of each kind of request, at least 2 [20]")
    parser.add_argument("--seconds", type=int, default=2, help="of a turn [2]")
    parser.add_argument("--connections", type=int, default=16, help="kept alive at a time [16]")
    parser.add_argument("--only", metavar="WORD", default="", help="the requests whose name has it, such as raw")
    return parser.parse_args()


def main() -> None:
    """Measure, and print the table."""
    options = _arguments()
    asked = [question for question in _ASKED if options.only in str(question)]
    try:
        wrk.check()
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            pictures = datasets.load("mnist").train.images[: max(question.pictures for question in _ASKED)]
            network = model.make(SMALL, folder, pictures)
            first = way.JSON.write(pictures[:1])
            servers = {
                setting: stack.enter_context(
                    Serving(
                        Contestant(setting, _COMMAND, _WAYS),
                        sys.executable,
                        {**network.environment, "MLP_METRICS": setting},
                        folder / setting,
                        first=first,
                    )
                )
                for setting in ("on", "off")
            }
            table, costs = [], []
            for question in asked:
                sent, turns = (
                    _WAYS[question.kind].write(pictures[: question.pictures]),
                    defaultdict[str, list[Turn]](list),
                )
                (body := folder / "body").write_bytes(sent.body)
                for server in servers.values():
                    turn(server, question.kind, sent, body, 1, options.connections)  # warms up, and is not counted
                for number in range(options.rounds):
                    for setting in ("on", "off") if number % 2 else ("off", "on"):
                        found = turn(servers[setting], question.kind, sent, body, options.seconds, options.connections)
                        turns[setting].append(found)
                table += rows(str(question), turns)
                costs.append(in_process(network.models, sent, _TURNS))
    except (wrk.NoLoad, NotServing) as error:
        sys.exit(str(error))
    print(f"{options.rounds} rounds of {options.seconds} s, {options.connections} connections; target {TARGET}\n")
    print(columns(HEAD, table, words={"request", ""}, markdown=False))
    print("\nin process, µs of a processor:")
    for question, (on, off) in zip(asked, costs, strict=True):
        print(f"  {question}: {on:.2f} counted, {off:.2f} not counted, difference {on - off:.2f}")


if __name__ == "__main__":
    main()
