"""Changes to what is made of lines: HTTP, forms, tables."""

from collections.abc import Sequence
from random import Random
from typing import Final

from fuzz.door import Mutator
from fuzz.mutators import plain

_END: Final = b"\r\n"


def mutator(words: Sequence[bytes], end: bytes = _END) -> Mutator:
    """Give a mutator of lines that end with `end`: some are changed, doubled, moved, or are one of `words`."""

    def mutate(data: bytes, draw: Random) -> bytes:
        lines = data.split(end)
        for _ in range(draw.randint(1, 3)):
            _change(lines, draw, words)
        return end.join(lines)[: 2**16]

    return plain.with_words(words, lambda data, draw: (mutate if draw.random() < 0.7 else plain.mutated)(data, draw))


def _change(lines: list[bytes], draw: Random, words: Sequence[bytes]) -> None:
    at, way = draw.randrange(len(lines)), draw.random()
    if way < 0.4:
        lines[at] = plain.mutated(lines[at], draw)
    elif way < 0.6:
        lines.insert(at, draw.choice(words))
    elif way < 0.75:
        lines[at:at] = [draw.choice(lines)] * draw.choice((1, 1, 2, 30))
    elif way < 0.85:
        lines[at] = draw.choice(lines)
    elif len(lines) > 1:
        del lines[at]


def request(words: Sequence[bytes], body: Mutator) -> Mutator:
    """Give a mutator of HTTP requests: of their heads, or, by `body`, of their bodies, mostly with the right length."""
    head_of = mutator(words)

    def mutate(data: bytes, draw: Random) -> bytes:
        head, blank, rest = data.partition(_END * 2)
        if not blank or draw.random() < 0.3:
            return head_of(data, draw)
        if draw.random() < 0.5:
            head = head_of(head, draw)
        if draw.random() < 0.6:
            rest = body(rest, draw)
        if draw.random() < 0.8:
            lines = [line for line in head.split(_END) if not line.lower().startswith(b"content-length")]
            head = _END.join([*lines, b"Content-Length: %d" % len(rest)])
        return head + blank + rest

    return mutate
