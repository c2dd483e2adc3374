"""What others notice of a client that is slow, or asks for much: probes and single pictures beside them.

python -m benchmarks.http.beside: two workers, as in the rest of this benchmark. While the company goes on, requests are
sent one at a time, each over a connection of its own, and timed from its opening to the last byte of the answer.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Final

from benchmarks.columns import columns
from benchmarks.http import model, way
from benchmarks.http.contestant import CONTESTANTS
from benchmarks.http.question import SMALL
from benchmarks.http.serving import NotServing, Serving
from benchmarks.http.way import Sent
from training import datasets

HEAD: Final = ["beside", "GET /healthz: median", "p95", "most", "one picture, raw: median", "p95", "most"]
_PROBE: Final = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
_SLOW: Final = 200
_MANY: Final = 4096

Company = Callable[[], AbstractAsyncContextManager[Any]]


def request(sent: Sent, *, last: bool = False) -> bytes:
    """Write a request to /predict."""
    lines = [f"{name}: {value}" for name, value in sent.headers.items()]
    lines += [f"Content-Length: {len(sent.body)}", *(["Connection: close"] if last else [])]
    return "\r\n".join(["POST /predict HTTP/1.1", "Host: x", *lines]).encode() + b"\r\n\r\n" + sent.body


async def timed(port: int, asked: bytes) -> float:
    """Give the milliseconds that an answer takes. Raises NotServing for another status than 200."""
    begun = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(asked)
    answer = await reader.read()
    writer.close()
    if not answer.startswith(b"HTTP/1.1 200"):
        raise NotServing(f"answered: {answer[:200]!r}")
    return (time.perf_counter() - begun) * 1e3


@asynccontextmanager
async def held(port: int, asked: bytes, drip: bytes = b"", settling: float = 1) -> AsyncIterator[None]:
    """Keep connections on which `asked` was sent, and `drip` once a second, and from which nothing is read.

    `settling` is how many seconds what was sent at first may take to be answered.
    """
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(_SLOW)]

    async def drips() -> None:
        while True:
            for _, writer in opened:
                writer.write(drip)
            await asyncio.sleep(1)

    for reader, writer in opened:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(asked)
        del reader
    task = asyncio.create_task(drips())
    await asyncio.sleep(settling)
    try:
        yield
    finally:
        task.cancel()
        for _, writer in opened:
            writer.transport.abort()


@asynccontextmanager
async def busy(port: int, asked: bytes, clients: int = 2) -> AsyncIterator[None]:
    """Keep clients that send the same again as soon as they are answered."""

    async def again() -> None:
        while True:
            await timed(port, asked)

    tasks = [asyncio.create_task(again()) for _ in range(clients)]
    await asyncio.sleep(0.5)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def measured(port: int, companies: dict[str, Company], one: bytes, times: int) -> list[list[str]]:
    """Give the table's rows."""
    rows = []
    for name, company in companies.items():
        print(name, file=sys.stderr)
        async with company():
            found = [[await timed(port, asked) for _ in range(times)] for asked in (_PROBE, one)]
        figures = [(statistics.median(each), statistics.quantiles(each, n=20)[-1], max(each)) for each in found]
        rows.append([name, *(f"{figure:.1f}" for each in figures for figure in each)])
    return rows


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http.beside", description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=200, help="requests of each kind beside each company [200]")
    parser.add_argument("--markdown", action="store_true", help="the table as Markdown")
    options = parser.parse_args()
    pictures = datasets.load("mnist").train.images[:_MANY]
    first, raw, numbers = way.numbers(pictures[:1]), way.raw(pictures), way.numbers(pictures)
    one = request(way.raw(pictures[:1]), last=True)
    with tempfile.TemporaryDirectory() as folder:
        network = model.make(SMALL, Path(folder), pictures)
        with Serving(CONTESTANTS[0], sys.executable, network.environment, Path(folder) / "log", first=first) as server:
            port = server.port
            head = request(raw)[: -len(raw.body)]
            companies: dict[str, Company] = {
                "nobody": nullcontext,
                f"{_SLOW} clients that send a body byte by byte": lambda: held(port, head, b"\0"),
                f"{_SLOW} clients that do not read their answer": lambda: held(port, request(raw), settling=8),
                f"2 clients with {_MANY:,} pictures as raw bytes": lambda: busy(port, request(raw, last=True)),
                f"2 clients with {_MANY:,} pictures as JSON": lambda: busy(port, request(numbers, last=True)),
            }
            try:
                rows = asyncio.run(measured(port, companies, one, options.times))
            except (NotServing, OSError) as error:
                sys.exit(str(error))
    print("milliseconds\n")
    print(columns(HEAD, rows, words={HEAD[0]}, markdown=options.markdown))


if __name__ == "__main__":
    main()
