"""How fast pictures are augmented, kind by kind, and what part of a training epoch that takes.

python -m benchmarks.augmentation: one thread; medians of rounds in which the kinds take turns, because machines are
shared. Before each call comes a step of training, as in training: it has the cache to itself, and without it the
calls look faster than they are there. The pictures are made up: the time does not depend on what they show.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: BLAS reads it once

import time
from collections.abc import Callable

import numpy as np

from mlp.arrays import Float, Uint8
from training import initialise, parameters
from training.augment import Augment, Augmentation
from training.backprop import Backprop
from training.measure import Examples
from training.optimisers import OPTIMISERS
from training.recipes import Recipe
from training.worker import State

BATCH = 128
SIZES = (784, 1024, 512, 10)
EXAMPLES = 55_000
ROUNDS = 60

AFFINE = {"rotation": 10.0, "scale": 0.1, "shear": 0.1, "shift": 1.0}
ELASTIC = {"elastic": 1.0, "elastic_sigma": 5.0}
PEN = {"thickness": 0.3, "blur": 0.2, "contrast": 0.1}
KINDS: dict[str, dict[str, float]] = {
    "nothing (a copy)": {},
    "affine": AFFINE,
    "elastic": ELASTIC,
    "affine and elastic": {**AFFINE, **ELASTIC},
    "thickness": {"thickness": 0.3},
    "blur": {"blur": 0.2},
    "contrast": {"contrast": 0.1},
    "fading": {"fading": 0.2},
    "noise": {"noise": 10.0},
    "digits: affine, elastic, pen": {**AFFINE, **ELASTIC, **PEN},
}


def pictures(rng: np.random.Generator) -> Uint8:
    """Give a batch (BATCH, 784) of which a fifth is ink."""
    ink = rng.random((BATCH, SIZES[0])) < 0.2
    return (ink * rng.integers(1, 256, ink.shape)).astype(np.uint8)


def training_step(x: Float, rng: np.random.Generator) -> Callable[[], None]:
    """Give a function that takes one step of training on features x (BATCH, 784)."""
    layers = initialise.layers(SIZES, ("relu", "relu", "softmax"), rng, init="he", scale=1.0)
    pixels = (x * 255).astype(np.uint8).reshape(BATCH, 28, 28)
    state = State.begin(layers, Recipe(optimiser="nesterov", momentum=0.9), Examples(pixels, np.zeros(BATCH, np.intp)))
    values, velocity = state.rows
    backprop = Backprop(state.layers, BATCH, loss="cross_entropy")
    optimiser = OPTIMISERS["nesterov"](values, [velocity], weights=parameters.counts(layers)[0], momentum=0.9)
    y = np.eye(SIZES[-1], dtype=np.float32)[rng.integers(0, SIZES[-1], BATCH)]

    def step() -> None:
        backprop(x, y)
        optimiser.step([backprop.gradient], 1e-3, 1)

    return step


def augmenting(pixels: Uint8, out: Float, settings: Augmentation) -> Callable[[], None]:
    """Give a function that augments one batch."""
    augment = Augment(28, 28, BATCH, settings, np.random.default_rng(0))
    return lambda: augment(pixels, out)


def medians(tasks: dict[str, Callable[[], None]], step: Callable[[], None]) -> tuple[dict[str, float], float]:
    """Give the median seconds of a call of each task, and of a step."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    steps = []
    for _ in range(ROUNDS):
        for name, task in tasks.items():
            start = time.perf_counter()
            step()
            between = time.perf_counter()
            task()
            seconds[name].append(time.perf_counter() - between)
            steps.append(between - start)
    return {name: float(np.median(times)) for name, times in seconds.items()}, float(np.median(steps))


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(0)
    pixels, out = pictures(rng), np.empty((BATCH, SIZES[0]), np.float32)
    tasks = {name: augmenting(pixels, out, Augmentation(**settings)) for name, settings in KINDS.items()}
    x = rng.uniform(-1, 1, out.shape).astype(np.float32)
    taken, step = medians(tasks, training_step(x, rng))
    network = "-".join(map(str, SIZES))
    print(f"{network}, batch {BATCH}: {step * 1e3:.2f} ms a step, {step * EXAMPLES / BATCH:.1f} s an epoch\n")
    print(f"{'kind':30} {'images/s':>10} {'s an epoch':>11} {'share of it':>12}")
    for name, seconds in taken.items():
        epoch = f"{seconds * EXAMPLES / BATCH:.2f}"
        print(f"{name:30} {BATCH / seconds:10,.0f} {epoch:>11} {seconds / (seconds + step):12.1%}")


if __name__ == "__main__":
    main()
