"""What healthy clients notice of 200 bad ones, by kind: their p99 beside them, divided by their p99 in quiet.

python -m benchmarks.reliability.bad_clients: two workers. The healthy ask for one picture 200 times a second, by the
clock; the bad ones are in a process of their own. Quiet and company take turns, because machines are shared; medians of
the rounds.
"""

import argparse
import asyncio
import os
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from typing import Final

from benchmarks.columns import columns
from benchmarks.reliability import requests
from benchmarks.reliability.load import Generator, Order, Outcome, generator
from benchmarks.reliability.serving import ROOT, Unwell, serving

HEAD: Final = ["200 clients that", "quiet p99 ms", "beside them", "ratio", "healthy: failed", "the bad hear"]
MANY: Final = 200
_RATE: Final = 200.0
_SETTLE_SECONDS: Final = 3.0
TARGET: Final = 2.0

_POST: Final = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
_WHOLE: Final = _POST + b"Content-Length: 784\r\n\r\n" + bytes(784)
_BEHIND: Final = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
SMUGGLED: Final = (
    _POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _BEHIND,
    _POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + _BEHIND,
    _POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde" + _BEHIND,
    _POST + b"Content-Length: +4\r\n\r\nabcd" + _BEHIND,
    _POST + b"Content-Length: 4, 4\r\n\r\nabcd" + _BEHIND,
    _POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + _BEHIND,
    _POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + _BEHIND,
    _POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + _BEHIND,
    _POST + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n" + _BEHIND,
    _POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\na\r\n0\r\n\r\n" + _BEHIND,
    _POST + b"X: a\n Content-Length: 4\r\n\r\nabcd" + _BEHIND,
    _POST + b"Content-Length: 4\r\rTransfer-Encoding: chunked\r\n\r\nabcd" + _BEHIND,
)
"""Requests of which two servers could disagree where they end (RFC 9112, section 11.2)."""


@dataclass(frozen=True, slots=True)
class Bad:
    """What a bad client does."""

    name: str
    first: tuple[bytes, ...]
    """What it sends at once; one of them for each client, by turns."""
    drip: bytes = b""
    """What it sends once a second."""
    reads: bool = True
    again: bool = False
    """Whether it comes anew every second."""
    says_end: bool = False
    """Whether it closes its direction, and waits."""


BAD: Final = (
    Bad("send headers byte by byte (slowloris)", (b"POST /predict HTTP/1.1\r\nX-Slow: ",), drip=b"a"),
    Bad("send a body byte by byte", (_POST + b"Content-Length: 3000000\r\n\r\n",), drip=b"a"),
    Bad("do not read their answers", (b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 8,), reads=False),
    Bad("send 5 requests at once, every second", (_WHOLE * 5,), drip=_WHOLE * 5),
    Bad("half-close in the middle of a body", (_POST + b"Content-Length: 784\r\n\r\nabc",), again=True, says_end=True),
    Bad("half-close behind their request", (_WHOLE,), again=True, says_end=True),
    Bad("send 70 KB of headers", (_POST + b"X-Long: " + b"a" * 70_000,), again=True),
    Bad("break off a chunked body", (_POST + b"Transfer-Encoding: chunked\r\n\r\n310\r\nabc",), again=True),
    Bad("smuggle requests", SMUGGLED, again=True),
)


async def behave(bad: Bad, port: int, number: int, heard: Counter[str]) -> None:
    """Be a bad client until cancelled; they begin one after the other within a second."""
    first = bad.first[number % len(bad.first)]
    await asyncio.sleep(number / MANY)
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(first)
            if bad.says_end:
                writer.write_eof()
            listening = asyncio.create_task(_listen(reader, heard)) if bad.reads else None
            if not bad.reads:
                writer.transport.pause_reading()  # type: ignore[attr-defined]
            try:
                await _last(bad, writer, reader)
            finally:
                if listening:
                    listening.cancel()
                writer.transport.abort()


async def _last(bad: Bad, writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> None:
    while True:
        await asyncio.sleep(1)
        if bad.again or reader.at_eof() or writer.is_closing():
            return
        if bad.drip:
            writer.write(bad.drip)


async def _listen(reader: asyncio.StreamReader, heard: Counter[str]) -> None:
    with suppress(OSError):
        while data := await reader.read(2**18):
            for part in data.split(b"HTTP/1.1 ")[1:]:
                heard[part[:3].decode("latin-1")] += 1
                if b"/smuggled" in part:
                    heard["smuggled"] += 1


async def _misbehave(bad: Bad | Sequence[Bad], port: int, pipe: Pipe) -> None:
    heard: Counter[str] = Counter()
    kinds = [bad] if isinstance(bad, Bad) else bad
    tasks = [asyncio.create_task(behave(kinds[n % len(kinds)], port, n, heard)) for n in range(MANY)]
    while not pipe.poll():
        await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    pipe.send(heard)


def _run(bad: Bad | Sequence[Bad], port: int, pipe: Pipe) -> None:
    asyncio.run(_misbehave(bad, port, pipe))


@contextmanager
def beside(bad: Bad | Sequence[Bad], port: int) -> Iterator[Counter[str]]:
    """Have so many bad clients while the block lasts, of one kind or of several by turns.

    Afterwards the counter has the statuses that they heard.
    """
    heard: Counter[str] = Counter()
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_run, args=(bad, port, theirs), daemon=True)
    process.start()
    try:
        yield heard
        ours.send("end")
        if ours.poll(20):
            heard.update(ours.recv())
    finally:
        process.kill()
        process.join()


def healthy(load: Generator, port: int, seconds: float) -> Outcome:
    """Give what becomes of healthy clients' requests."""
    return load(Order(port, requests.raw(), seconds, _RATE))


def failures(outcome: Outcome) -> int:
    """Give how many of these were not answered with 200."""
    return outcome.asked - len(outcome.answered)


def row(bad: Bad, load: Generator, port: int, rounds: int, seconds: float) -> list[str]:
    """Measure beside one kind, and give a line of the table."""
    pairs, heard = [], Counter[str]()
    for _ in range(rounds):
        quiet = healthy(load, port, seconds)
        with beside(bad, port) as told:
            healthy(load, port, _SETTLE_SECONDS)  # it starts, and whatever it sends first is taken
            pairs.append((quiet, healthy(load, port, seconds)))
        heard += told
    if heard["smuggled"]:
        raise Unwell(f"a smuggled request was answered beside those who {bad.name}")
    ratios = [loud.milliseconds(99) / quiet.milliseconds(99) for quiet, loud in pairs]
    return [
        bad.name,
        f"{statistics.median(quiet.milliseconds(99) for quiet, _ in pairs):.1f}",
        f"{statistics.median(loud.milliseconds(99) for _, loud in pairs):.1f}",
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f})",
        str(sum(failures(loud) for _, loud in pairs)),
        ", ".join(sorted(heard)) or "–",
    ]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability.bad_clients", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="pairs for each kind [5]")
    parser.add_argument("--seconds", type=float, default=5.0, help="of a half of a round [5]")
    parser.add_argument("--only", default="", help="the kinds whose name contains this")
    options = parser.parse_args()
    rows = []
    with serving(ROOT / "models") as service, generator() as load:
        healthy(load, service.port, 1)
        for bad in (each for each in BAD if options.only in each.name):
            print(bad.name, file=sys.stderr)
            rows.append(row(bad, load, service.port, options.rounds, options.seconds))
    print(f"{options.rounds} rounds; target: a ratio of {TARGET:g}; load {os.getloadavg()[0]:.1f} at the end\n")
    print(columns(HEAD, rows, words={HEAD[0], HEAD[-1]}, markdown=True))


if __name__ == "__main__":
    main()
