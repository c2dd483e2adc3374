"""A run's state after an epoch in a file, so that a run that was killed can go on as if nothing had been."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from mlp.arrays import Float
from training.errors import CheckpointError
from training.measure import Epoch
from training.whole_file import whole


class _Run(BaseModel):
    """Which run it is, and how far it is."""

    model_config = ConfigDict(extra="forbid")

    of: dict[str, Any]
    epochs: tuple[Epoch, ...]
    kept: int


class Checkpoint:
    """One file, replaced after each epoch: it is always that of a whole epoch."""

    def __init__(self, path: Path, run: dict[str, Any]) -> None:
        """`run` is all that decides how it goes, as JSON has it: a file of another run is refused."""
        self.path = path
        self._run = run

    def load(self, state: Float, kept: Float) -> tuple[tuple[Epoch, ...], int]:
        """Fill `state` (rows, p) and the `kept` parameters (p,), and give the epochs done and the number of the kept.

        Without a file, nothing is filled, and there are no epochs. Raises CheckpointError.
        """
        try:
            with np.load(self.path, allow_pickle=False) as file:
                run = _Run.model_validate_json(file["run"].item())
                arrays = file["state"], file["kept"]
        except FileNotFoundError:
            return (), 0
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, ValidationError) as error:
            raise CheckpointError(f"{self.path} is no checkpoint, or is damaged: {error}") from error
        other = [name for name in {*self._run, *run.of} if self._run.get(name) != run.of.get(name)]
        if other:
            raise CheckpointError(
                f"{self.path} is the checkpoint of another run, which differs in: {', '.join(sorted(other))}; "
                "remove it to begin anew, or give another name"
            )
        for ours, theirs in zip((state, kept), arrays, strict=True):
            if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
                raise CheckpointError(f"{self.path} holds the state of another network; remove it to begin anew")
            ours[...] = theirs
        return run.epochs, run.kept

    def save(self, state: Float, kept: Float, epochs: tuple[Epoch, ...], number: int) -> None:
        """Replace the file by one that `load` reads all of this from. Raises CheckpointError."""
        run = _Run(of=self._run, epochs=epochs, kept=number)
        try:
            with whole(self.path) as file:
                np.savez(file, run=np.array(run.model_dump_json()), state=state, kept=kept)
        except OSError as error:
            raise CheckpointError(f"the checkpoint {self.path} cannot be written: {error}") from error

    def remove(self) -> None:
        """Remove the file, when what it is for is safe elsewhere."""
        self.path.unlink(missing_ok=True)
