"""A sweep's file: all that was tried, kept by Optuna line by line, so that a sweep can be ended anywhere and go on.

One process writes it, the one that draws and judges the trials; workers know nothing of it.
"""

import fcntl
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Final

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

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

    `identity` is all that makes a sweep the one that it is, as JSON has it.
    Raises SweepError when the file is no journal, in use, cannot be read or written, or that of another sweep.
    """
    with ExitStack() as until_the_end:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = until_the_end.enter_context(path.open("a+b"))
            _hold(file, path)
            _mend(file, path)
            study = _study(path, pruner)
        except OSError as error:
            raise SweepError(f"the journal {path} cannot be read or written: {error}") from error
        _check(study, path, identity)
        yield study


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


class _File(JournalFileBackend):
    """Optuna's file, which says in a sentence what is wrong with it."""

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        try:
            super().append_logs(logs)
        except OSError as error:
            raise SweepError(f"the journal {self._file_path} cannot be written: {error}") from error


class _Held(JournalFileSymlinkLock):
    """Optuna's lock, where the file is locked already for as long as it is open; Optuna's own outlives its process."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


def _study(path: Path, pruner: optuna.pruners.BasePruner) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        storage = JournalStorage(_File(str(path), lock_obj=_Held(str(path))))
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
