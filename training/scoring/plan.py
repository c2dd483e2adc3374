"""What a run is to do: the listing of its source, cut into shards, and what makes it the run that it is.

The listing is a temporary file of this machine, made anew by each run and compared by its digest; nothing of it is in
memory. The output has the plan, by which a later run knows what has been done.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any, Final

from mlp.metadata import Metadata
from training.errors import DataError, ScoringError
from training.scoring import output
from training.scoring.items import Item, Packed, cut, packed
from training.scoring.output import Output

FORMAT: Final = 1
"""Number of the form of the plan and of the Parquet files' columns."""

_OF_NO_ACCOUNT: Final = {"source"}
"""What may differ: where a source is, its listing does not say."""

_LARGEST_SHARD: Final = 2048
"""Pictures: a third of a second's work, so that neither the start of a process nor the wait for the last one counts."""
_SHARD_BYTES: Final = 2**26
"""Most that the pixels or the scores of a shard may take, as float32, unless its size is given."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A listing and its identity."""

    file: IO[bytes]
    identity: dict[str, Any]
    """As JSON has it."""

    @property
    def pictures(self) -> int:
        """How many pictures there are, with the bad ones."""
        return int(self.identity["pictures"])

    @property
    def shard_size(self) -> int:
        """Pictures in each shard but the last."""
        return int(self.identity["shard_size"])

    @property
    def shards(self) -> int:
        """How many shards there are."""
        return -(-self.pictures // self.shard_size)

    def size(self, number: int) -> int:
        """Give how many pictures a shard has."""
        return min(self.shard_size, self.pictures - number * self.shard_size)

    def but(self, done: Collection[int]) -> Iterator[Packed]:
        """Give the shards that are not done, one after the other."""
        self.file.seek(0)
        for number, line in enumerate(self.file):
            if number not in done:
                yield Packed(number, self.size(number), line)


def shard_size(about: Metadata) -> int:
    """Give how many pictures a shard of this network's has by default."""
    return max(1, min(_LARGEST_SHARD, _SHARD_BYTES // (4 * max(about.input.size, len(about.labels)))))


@contextmanager
def planned(items: Iterable[Item], about: Metadata, size: int, options: Mapping[str, object]) -> Iterator[Plan]:
    """Give the plan for items, of which each is looked at once. Raises DataError when there are none."""
    sha, pictures = hashlib.sha256(), 0
    with TemporaryFile() as file:
        for shard in map(packed, cut(items, size)):
            sha.update(shard.line)
            file.write(shard.line)
            pictures += shard.count
        if not pictures:
            raise DataError(f"there are no pictures in {options['source']}")
        about_version = {"model": about.name, "version": about.version, "sha256": about.sha256}
        of = {"format": FORMAT, **about_version, **options, "shard_size": size, "pictures": pictures}
        yield Plan(file, {**of, "listing": sha.hexdigest()})


def begin(plan: Plan, where: Output, *, overwrite: bool) -> set[int]:
    """Give the numbers of the shards that are done, having written the plan if there was none.

    With `overwrite`, what an earlier run has written is removed first. Raises ScoringError when the place has files of
    another plan, or of something else.
    """
    names = where.names()
    if overwrite:
        # The plan first: what is left when this is interrupted must not be taken for parts of the old one.
        where.remove(names & {output.PLAN})
        where.remove(output.ours(names))
        names -= output.ours(names)
    if output.PLAN in names:
        _compare(plan, where)
        return output.finished(names)
    if names:
        raise ScoringError(
            f"{where.location} has other files, such as {min(names)!r}, and no {output.PLAN}; give a place of its own"
        )
    where.write(output.PLAN, [json.dumps(plan.identity, indent=2).encode(), b"\n"])
    return set()


def _compare(plan: Plan, where: Output) -> None:
    try:
        theirs = json.loads(where.read(output.PLAN))
    except ValueError as error:
        raise ScoringError(
            f"{output.PLAN} in {where.location} is damaged ({error}); --overwrite begins anew"
        ) from error
    theirs = theirs if isinstance(theirs, dict) else {}
    names = sorted({*plan.identity, *theirs} - _OF_NO_ACCOUNT)
    other = [name for name in names if plan.identity.get(name) != theirs.get(name)]
    if "shard_size" in other:  # shards of another size are another listing of the same
        other = [name for name in other if name != "listing"]
    if other:
        raise ScoringError(
            f"{where.location} has the scores of another run, which differs in: {', '.join(map(_named, other))}; "
            "give another place, or --overwrite to begin anew"
        )


def _named(field: str) -> str:
    return "listing (files of the source were added, removed or changed)" if field == "listing" else field
