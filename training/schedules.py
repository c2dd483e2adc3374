"""The learning rate over a run, as a factor on the recipe's, by the name that a recipe uses."""

import math
from collections.abc import Callable
from typing import Final

STEP_FACTOR: Final = 0.1
"""What each step of the step schedule multiplies by; steps come after a half and after three quarters of the run."""


def constant(_progress: float) -> float:
    """1 throughout."""
    return 1.0


def cosine(progress: float) -> float:
    """From 1 to 0 along half a cosine; Loshchilov and Hutter 2017, eq. 5, without restarts."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def step(progress: float) -> float:
    """1, then 0.1 from half of the run, then 0.01 from three quarters."""
    return STEP_FACTOR ** ((progress >= 0.5) + (progress >= 0.75))


SCHEDULES: Final[dict[str, Callable[[float], float]]] = {"constant": constant, "cosine": cosine, "step": step}


def factor(name: str, done: float, total: float, warmup: float) -> float:
    """Give the factor after `done` of `total` epochs, of which the first `warmup` rise linearly from 0."""
    if done < warmup:
        return done / warmup
    return SCHEDULES[name]((done - warmup) / max(total - warmup, 1e-9))
