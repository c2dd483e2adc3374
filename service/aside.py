"""Work that shows to be too much for the loop only when it has begun there: it is given up, and done in a thread.

A body's length says how much work it is, but for pictures: a few bytes may be one of millions of pixels.
"""

import threading
from typing import Final

MOST_PIXELS: Final = 2**20
"""Of a request's pictures that are decoded on the loop: about 20 ms."""

MOST_SECONDS: Final = 0.05
"""After which no further picture of a request is begun there."""

_here = threading.local()


class Aside(BaseException):
    """A request that belongs in a thread. No Exception: nothing on the way may take it for an error and answer it."""


def enter() -> None:
    """Say that what this thread does from now on keeps the loop waiting."""
    _here.loop = True


def leave() -> None:
    """Say that it does not any more."""
    _here.loop = False


def check(pixels: int, seconds: float) -> None:
    """Raise Aside on the loop, where a request's pictures have too many pixels or have taken too long."""
    if getattr(_here, "loop", False) and (pixels > MOST_PIXELS or seconds > MOST_SECONDS):
        raise Aside
