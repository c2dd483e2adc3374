"""Changes to JSON as a tree, so that most of it is JSON afterwards: what is wrong is what it says."""

import copy
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from fuzz.door import Mutator
from fuzz.mutators import plain

_LEAVES: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 255, 256, 2**31, 2**63, 2**64, -(2**63) - 1, 10**40, 0.5, 1e-320, 1.7e308,
    float("nan"),
    float("inf"), "", "0", "\0", "\ud800", "a" * 300, "data:image/png;base64,", "\x7f", [], {}, [[]], [0] * 784,
)  # fmt: skip


def _leaf(draw: Random) -> Any:
    return copy.deepcopy(draw.choice(_LEAVES))  # or a list would hold itself some day


def mutator(names: Sequence[str]) -> Mutator:
    """Give a mutator of JSON objects whose fields have these names."""

    def mutate(data: bytes, draw: Random) -> bytes:
        try:
            tree = json.loads(data)
        except (ValueError, RecursionError):
            return plain.mutated(data, draw)
        for _ in range(draw.randint(1, 3)):
            tree = _changed(tree, draw, names)
        text = json.dumps(tree, separators=draw.choice(((",", ":"), (", ", ": ")))).encode()
        return plain.mutated(text, draw) if draw.random() < 0.2 else text

    return mutate


def _changed(tree: Any, draw: Random, names: Sequence[str]) -> Any:
    """Change a place somewhere in the tree, which itself is changed."""
    if isinstance(tree, dict) and tree and draw.random() < 0.8:
        return _changed_object(tree, draw, names)
    if isinstance(tree, list) and tree and draw.random() < 0.8:
        return _changed_list(tree, draw, names)
    return draw.choice(_REPLACED)(tree, draw)


def _changed_object(tree: dict[str, Any], draw: Random, names: Sequence[str]) -> dict[str, Any]:
    name, way = draw.choice(sorted(tree)), draw.random()
    if way < 0.6:
        tree[name] = _changed(tree[name], draw, names)
    elif way < 0.75:
        tree[draw.choice(names)] = tree[name]
    elif way < 0.9:
        tree[draw.choice(names)] = _leaf(draw)
    else:
        del tree[name]
    return tree


def _changed_list(tree: list[Any], draw: Random, names: Sequence[str]) -> list[Any]:
    at, way = draw.randrange(len(tree)), draw.random()
    if way < 0.5:
        tree[at] = _changed(tree[at], draw, names)
    elif way < 0.65:
        tree.insert(at, _leaf(draw))
    elif way < 0.8:
        del tree[at : at + draw.choice((1, 1, 100))]
    elif len(tree) < 2000:
        tree[at:at] = tree[at : at + draw.choice((1, 1, 784))]
    return tree


_REPLACED: Final[tuple[Callable[[Any, Random], Any], ...]] = (
    lambda _tree, draw: _leaf(draw),
    lambda tree, _draw: [tree],
    lambda tree, draw: [tree] * draw.choice((2, 28)) if len(str(tree)[:999]) < 999 else tree,
    lambda tree, draw: {"b64": tree} if draw.random() < 0.5 else {"images": tree},
    lambda tree, draw: _near(tree, draw),
)


def _near(tree: Any, draw: Random) -> Any:
    """Give a number near this one, or far from it, or what is no number as a text."""
    if type(tree) not in (int, float):
        return str(tree)[:999]
    step = draw.choice((-1, 1, 0.5, 1e300))
    return tree + (step if abs(tree) < 1e300 else round(step))  # a whole number may be larger than any float
