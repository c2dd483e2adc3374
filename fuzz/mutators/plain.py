"""Changes to bytes of no known form: bits, numbers, pieces cut, doubled, moved, and words of the format put in."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from fuzz.door import Mutator

_NUMBERS: Final = (0, 1, 2, 7, 8, 15, 16, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)

_MOST_BYTES: Final = 64 * 2**10
"""Longest result: what only grows costs time and finds nothing."""


def mutated(data: bytes, draw: Random) -> bytes:
    """Change bytes in one to four places."""
    for _ in range(draw.randint(1, 4)):
        data = draw.choice(_WAYS)(data, draw)
    return data[:_MOST_BYTES]


def with_words(words: Sequence[bytes], otherwise: Mutator = mutated) -> Mutator:
    """Give a mutator that also puts words of a format in."""

    def mutate(data: bytes, draw: Random) -> bytes:
        if draw.random() < 0.4:
            at = draw.randint(0, len(data))
            behind = at + draw.choice((0, 0, 1, 4, 16))
            data = data[:at] + draw.choice(words) + data[behind:]
        return otherwise(data, draw)

    return mutate


def number(draw: Random, size: int) -> bytes:
    """Give a number of `size` bytes that is likely to be wrong."""
    value = draw.choice(_NUMBERS) if draw.random() < 0.7 else draw.getrandbits(8 * size)
    return (value % 256**size).to_bytes(size, draw.choice(("little", "big")))


def _flip(data: bytes, draw: Random) -> bytes:
    if not data:
        return b"\0"
    at = draw.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]


def _overwrite(data: bytes, draw: Random) -> bytes:
    at = draw.randint(0, len(data))
    new = number(draw, draw.choice((1, 1, 2, 4, 8)))
    return data[:at] + new + data[at + len(new) :]


def _insert(data: bytes, draw: Random) -> bytes:
    at = draw.randint(0, len(data))
    return data[:at] + draw.randbytes(draw.choice((1, 2, 4, 16))) + data[at:]


def _cut(data: bytes, draw: Random) -> bytes:
    first, last = sorted(draw.randint(0, len(data)) for _ in range(2))
    return data[:first] + data[min(last, first + draw.choice((1, 4, 64, 2**20))) :]


def _double(data: bytes, draw: Random) -> bytes:
    first, last = sorted(draw.randint(0, len(data)) for _ in range(2))
    return data[:last] + data[first:last] * draw.choice((1, 1, 2, 20)) + data[last:]


def _end(data: bytes, draw: Random) -> bytes:
    return data[: draw.randint(0, len(data))]


_WAYS: Final[tuple[Callable[[bytes, Random], bytes], ...]] = (
    _flip,
    _flip,
    _overwrite,
    _overwrite,
    _insert,
    _cut,
    _double,
    _end,
)
