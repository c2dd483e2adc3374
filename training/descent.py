"""Gradient descent epoch by epoch, on one process or several."""

import time
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Self

from training import pixel_order
from training.batches import Share
from training.measure import Examples
from training.recipes import Recipe
from training.shared import Crew
from training.worker import State, Worker


class Descent:
    """The steps of a run; its other processes, if it has any, live as long as the block."""

    def __init__(self, state: State, recipe: Recipe, train: Examples, *, done: int = 0) -> None:
        """`done` epochs have led to `state`, which is trained in place."""
        if state.order is not None:
            train = replace(train, pixels=pixel_order.arranged(train.pixels, state.order))
        self._epochs = range(done + 1, recipe.epochs + 1)
        self._crew = Crew(recipe.workers, self._follow)
        shares = [Share(number, recipe.workers) for number in range(recipe.workers)]
        meet = self._crew.meet if len(shares) > 1 else None
        self._workers = [Worker(recipe, train, state, share, meet) for share in shares]

    def __enter__(self) -> Self:
        self._crew.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._crew.__exit__(kind, error, trace)

    def epoch(self, number: int, on_batch: Callable[[], None] = lambda: None) -> float:
        """Take the steps of epoch `number`, the one that is next, and give the seconds that it took.

        `on_batch` is called after each. Raises WorkerLost.
        """
        start = time.perf_counter()
        self._crew.meet(0)
        self._workers[0].epoch(number, on_batch)
        return time.perf_counter() - start

    def _follow(self, number: int) -> None:
        for epoch in self._epochs:
            self._crew.meet(number)
            self._workers[number].epoch(epoch)
