"""Which values to try next, and when to give a trial up: Optuna decides, from what the journal holds."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState
from pydantic import ValidationError

from training.errors import SweepError
from training.jobs.place import Done, Lost, Outcome, Stopped
from training.recipes import Recipe
from training.sweep.space import Choice, Range, Space, Value
from training.sweep.trial import Hopeless, Reached, Trial

PRUNERS: Final = ("median", "halving", "none")

_AGAIN: Final = "again"
"""A trial's attribute: the number of the first one with its values, which was interrupted."""

_TRIES: Final = 200
"""Draws in a row that may give values that do not go together."""

_OF_NO_ACCOUNT: Final = {"model", "dataset", "train_sample", "calibrate", "workers"}
"""Fields that do not change what a trial reaches; which data it is, their digest says better than their name."""


def pruner(name: str, epochs: int) -> BasePruner:
    """Give one of `PRUNERS`, for trials of so many epochs.

    "median" gives a trial up that is worse than half of the others were at its epoch, but not in its first fifth, when
    learning rates still rise; "halving" lets the best third go on at epochs that triple (Li et al. 2020).
    """
    if name == "median":
        return MedianPruner(n_startup_trials=5, n_warmup_steps=max(1, epochs // 5))
    if name == "halving":
        return SuccessiveHalvingPruner(min_resource=max(1, epochs // 9), reduction_factor=3)
    return NopPruner()


def identity(recipe: Recipe, space: Space, pruned: str, digest: str) -> dict[str, Any]:
    """Give what makes a sweep the one that it is: the recipe's fields, what is searched of them, and the data."""
    fixed = recipe.model_dump(mode="json", exclude={*space, *_OF_NO_ACCOUNT})
    return {**fixed, **{field: str(values) for field, values in space.items()}, "pruner": pruned, "data": digest}


class Study:
    """What has been tried, and is being tried, of a space. Trials that were interrupted are the first to be tried."""

    def __init__(self, study: optuna.Study, recipe: Recipe, space: Space) -> None:
        """`study` is a journal's; `recipe` has the fields that are not searched, and the seed of the draws."""
        self._study, self._recipe, self._space = study, recipe, space
        self._running: dict[int, optuna.Trial] = {}
        self._said: dict[int, int] = {}
        self._try_again()

    def trials(self) -> list[FrozenTrial]:
        """Give the trials that are over, but for those that were interrupted and those that were impossible."""
        over = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        return [trial for trial in self._drawn() if trial.state in over and "impossible" not in trial.user_attrs]

    def finished(self) -> list[FrozenTrial]:
        """Give the trials that were trained to their end, the best first."""
        done = (trial for trial in self.trials() if trial.state == TrialState.COMPLETE)
        return sorted(done, key=lambda trial: (-(trial.value or 0), trial.number))

    def values(self, trial: FrozenTrial) -> dict[str, Value]:
        """Give the recipe's fields that a trial has tried."""
        return _values(self._space, trial.params)

    def ask(self, total: int) -> Iterator[Trial]:
        """Yield trials to be done until `total` will be over. Raises SweepError."""
        while len(self.trials()) + len(self._running) < total:
            yield self._ask()

    def report(self, trial: Trial, epoch: int, accuracy: float) -> bool:
        """Take down what a running trial has reached after an epoch, and answer whether it is worth going on.

        A trial that was begun anew says again what is here already; the first word stands.
        """
        if epoch > self._said.get(trial.number, 0):
            self._said[trial.number] = epoch
            self._running[trial.number].report(accuracy, epoch)
        return epoch == trial.recipe.epochs or not self._running[trial.number].should_prune()

    def tell(self, trial: Trial, outcome: Outcome[Reached | Hopeless]) -> FrozenTrial:
        """Take down how a trial has ended, and give it as it stands in the journal."""
        running = self._running.pop(trial.number)
        match outcome:
            case Done(Reached(accuracy, epoch, seconds)):
                running.set_user_attr("epoch", epoch)
                running.set_user_attr("seconds", round(seconds, 2))
                return self._study.tell(running, accuracy)
            case Done(Hopeless(why)):
                running.set_user_attr("why", why)
                return self._study.tell(running, state=TrialState.PRUNED)  # to be learnt from, as a bad one
            case Stopped():
                return self._study.tell(running, state=TrialState.PRUNED)
            case Lost(why):
                running.set_user_attr("why", why)
        return self._study.tell(running, state=TrialState.FAIL)

    def _ask(self) -> Trial:
        for _ in range(_TRIES):
            self._study.sampler = TPESampler(seed=self._seed())
            asked = self._study.ask({field: _distribution(values) for field, values in self._space.items()})
            try:
                fields = {**self._recipe.model_dump(), **_values(self._space, asked.params)}
                trial = Trial(asked.number, Recipe.model_validate(fields))
            except ValidationError as error:
                why = error.errors()[0]["msg"]
                asked.set_user_attr("impossible", why)
                self._study.tell(asked, state=TrialState.FAIL)
            else:
                self._running[trial.number] = asked
                return trial
        raise SweepError(f"{_TRIES} times in a row the values drawn did not go together: {why}")

    def _seed(self) -> int:
        """Give the seed for the next draw: a sweep that goes on must not draw again what it has drawn before."""
        return int(np.random.SeedSequence([self._recipe.seed, len(self._drawn())]).generate_state(1)[0])

    def _drawn(self) -> list[FrozenTrial]:
        """Give the trials, of those that were tried again the last only, and none that was interrupted in its draw."""
        last = {_first(trial): trial for trial in self._study.get_trials(deepcopy=False)}
        return [trial for trial in last.values() if trial.state != TrialState.FAIL or self._is_whole(trial)]

    def _try_again(self) -> None:
        """Let the trials that were running when the last sweep was ended wait to be tried again."""
        trials = self._study.get_trials(deepcopy=False)
        drawn = {trial.number for trial in self._drawn()}
        for trial in trials:
            if trial.state == TrialState.RUNNING:
                first = trials[_first(trial)]
                if trial.number in drawn and self._is_whole(first):
                    self._study.enqueue_trial(first.params, user_attrs={_AGAIN: first.number})
                self._study.tell(trial.number, state=TrialState.FAIL)

    def _is_whole(self, trial: FrozenTrial) -> bool:
        return set(trial.params) == set(self._space)


def _first(trial: FrozenTrial) -> int:
    return trial.user_attrs.get(_AGAIN, trial.number)


def _values(space: Space, params: dict[str, Any]) -> dict[str, Value]:
    return {field: space[field].value(params[field]) for field in space}


def _distribution(values: Range | Choice) -> BaseDistribution:
    match values:
        case Choice(texts):
            return CategoricalDistribution(texts)
        case Range(int(low), int(high), log):
            return IntDistribution(low, high, log)
        case Range(low, high, log):
            return FloatDistribution(low, high, log)
