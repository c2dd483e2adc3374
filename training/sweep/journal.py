"""A sweep's file: all that was tried, kept by Optuna line by line, so that a sweep can be ended anywhere and go on.

One process writes it, the one that draws and judges the trials; workers know nothing of it.
"""

import fcntl
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import TrialState

from training.errors import SweepError

_STUDY: Final = "sweep"
_IDENTITY: Final = "of"
"""The study's attribute that says what is searched on what."""
_FIRST: Final = b'{"op_code":'
"""How each line of such a file begins."""
_PATIENCE_SECONDS: Final = 5.0
"""How long a journal may be in use still: the processes of a killed sweep need a second to notice."""


@contextmanager
def opened(path: Path, identity: Mapping[str, Any], pruner: optuna.pruners.BasePruner) -> Iterator[optuna.Study]:
    """Give the study in the journal at `path`, a new one if there is none, and no one else until the block ends.

    `identity` is all that makes a sweep the one that it is, as JSON has it. Trials that were running when the last
    sweep was ended wait to be tried again.
    Raises SweepError when the file is no journal, in use, cannot be read or written, or that of another sweep.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            _hold(file, path)
            _mend(file, path)
            study = _study(path, pruner)
            _check(study, path, identity)
            _wait_again(study)
            yield study
    except OSError as error:
        raise SweepError(f"the journal {path} cannot be read or written: {error}") from error


def counted(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Give the trials that are over, but for those that were interrupted and tried again, or were impossible."""
    over = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL))
    again = _tried_again(study)
    return [trial for trial in over if trial.number not in again and "impossible" not in trial.user_attrs]


def _hold(file: IO[bytes], path: Path) -> None:
    """Lock the file. The system frees it when its holder dies, however that comes."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise SweepError(f"the journal {path} is in use by another sweep") from None
            time.sleep(0.1)


def _mend(file: IO[bytes], path: Path) -> None:
    """Take off a last line that was not written to its end; Optuna would write on behind it."""
    file.seek(0)
    content = file.read()
    whole = content.rfind(b"\n") + 1
    if not all(line.startswith(_FIRST[: len(line)]) for line in content.split(b"\n")):
        raise SweepError(f"{path} is no journal of a sweep; give another --journal")
    if whole < len(content):
        file.truncate(whole)


class _Held(JournalFileSymlinkLock):
    """Optuna's lock, where the file is locked already for as long as it is open; Optuna's own outlives its process."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


def _study(path: Path, pruner: optuna.pruners.BasePruner) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        storage = JournalStorage(JournalFileBackend(str(path), lock_obj=_Held(str(path))))
        return optuna.create_study(
            study_name=_STUDY, storage=storage, direction="maximize", load_if_exists=True, pruner=pruner
        )
    except (ValueError, KeyError) as error:
        raise SweepError(f"the journal {path} is damaged: {error}; give another --journal") from error


def _check(study: optuna.Study, path: Path, identity: Mapping[str, Any]) -> None:
    ours = json.loads(json.dumps(identity))
    theirs = study.user_attrs.get(_IDENTITY)
    if theirs is None and not study.get_trials(deepcopy=False):
        study.set_user_attr(_IDENTITY, ours)
        return
    other = sorted(name for name in {*ours, *(theirs or {})} if ours.get(name) != (theirs or {}).get(name))
    if other:
        raise SweepError(
            f"{path} is the journal of another sweep, which differs in: {', '.join(other)}; give another --journal, "
            "or remove it to begin anew"
        )


def _wait_again(study: optuna.Study) -> None:
    again = _tried_again(study)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if trial.number not in again:
            study.enqueue_trial(trial.params, user_attrs={"again": trial.number})
        study.tell(trial.number, state=TrialState.FAIL)


def _tried_again(study: optuna.Study) -> set[int]:
    return {trial.user_attrs["again"] for trial in study.get_trials(deepcopy=False) if "again" in trial.user_attrs}
