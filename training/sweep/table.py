"""What a sweep prints: a line for each trial, the best of them, and how to train the winner."""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Final

from optuna.trial import FrozenTrial, TrialState

from training import report
from training.recipes import Recipe
from training.sweep.space import Space, Value
from training.sweep.study import Study

_BEST: Final = 10
"""Trials in the table of the best."""

HEADER: Final = "trial   valid. acc.   epoch   seconds   values"


def plan(space: Space, name: str, total: int, done: int, size: int, cluster: str | None) -> str:
    """Say what is about to be searched, and where."""
    where = f"on the cluster at {cluster}" if cluster else "on this machine"
    before = f", {done} of them done before" if done else ""
    width = max(map(len, space))
    lines = (f"  {field.ljust(width)}   {values}" for field, values in space.items())
    return "\n".join([f"sweep of {name}: {total} trials{before}, {size} at a time {where}", *lines, ""])


def line(trial: FrozenTrial, values: Mapping[str, Value]) -> str:
    """Give an ended trial's line below `HEADER`."""
    if trial.state == TrialState.COMPLETE:
        epoch, seconds = trial.user_attrs["epoch"], f"{trial.user_attrs['seconds']:.1f}"
        how = f"{trial.value or 0:13.2%} {epoch:7d} {seconds:>9}"
    else:
        last = trial.last_step
        reached = f"{trial.intermediate_values[last]:13.2%} {last:7d}" if last else f"{'–':>13} {'–':>7}"
        how = f"{reached} {'pruned' if trial.state == TrialState.PRUNED else 'lost':>9}"
    why = f" ({trial.user_attrs['why']})" if "why" in trial.user_attrs else ""
    return f"{trial.number:5d} {how}   {_spoken(values)}{why}"


def best(study: Study, space: Space) -> str:
    """Give the table of the best trials, and how many there were of which kind."""
    finished, over = study.finished(), study.trials()
    rows = [
        (
            str(trial.number),
            f"{trial.value or 0:.2%}",
            str(trial.user_attrs["epoch"]),
            f"{trial.user_attrs['seconds']:.1f}",
            *(_text(value) for value in study.values(trial).values()),
        )
        for trial in finished[:_BEST]
    ]
    pruned = sum(trial.state == TrialState.PRUNED for trial in over)
    lost = len(over) - len(finished) - pruned
    counts = f"{len(over)} trials: {len(finished)} trained to their end, {pruned} pruned"
    counts += f", {lost} lost" if lost else ""
    return f"{report.table(('trial', 'valid. acc.', 'epoch', 'seconds', *space), rows)}\n\n{counts}"


def command(recipe: str, given: Mapping[str, object], values: Mapping[str, Value]) -> str:
    """Give the command that trains RECIPE with the options that were `given` to the sweep and a trial's `values`."""
    return shlex.join(["python", "-m", "training", "train", recipe, *_flags({**given, **values})])


def toml(recipe: Recipe) -> str:
    """Give a recipe as the text of a .toml file: the fields that are not as they are by default."""
    # JSON's texts, numbers and lists are TOML's, too, but for characters that JSON would write as two, and for DEL.
    fields = recipe.model_dump(mode="json", exclude_defaults=True)
    lines = (f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in fields.items())
    return "".join(lines).replace("\x7f", "\\u007f")


def _flags(fields: Mapping[str, object]) -> Sequence[str]:
    flags: list[str] = []
    for name, value in fields.items():
        flag = name.replace("_", "-")
        if Recipe.model_fields[name].annotation is bool:
            flags.append(f"--{flag}" if str(value).lower() in {"true", "1", "yes", "on"} else f"--no-{flag}")
        else:
            flags += [f"--{flag}", _text(value)]
    return flags


def _spoken(values: Mapping[str, Value]) -> str:
    return "  ".join(f"{field} {_text(value)}" for field, value in values.items())


def _text(value: object) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)
