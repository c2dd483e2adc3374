"""What a model store does, wherever it keeps its files: the rules of numbers, aliases and deletion, and `open_store`.

A folder is mlp/local_store.py, an S3 bucket mlp/s3_store.py. What is in a version file is mlp/version_file.py's matter,
what is in the alias document mlp/aliases.py's. docs/store.md describes all of it.
"""

import re
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from mlp import version_file
from mlp.aliases import HIGHEST_NUMBER, PRODUCTION, AliasDocument, Note, Rule
from mlp.arrays import Uint8
from mlp.errors import (
    AliasDocumentError,
    GenerationMoved,
    InvalidChange,
    InvalidLocation,
    ModelNotFound,
    OtherClasses,
    VersionFileError,
    VersionInUse,
    VersionNotFound,
)
from mlp.metadata import Metadata
from mlp.network import Layer
from mlp.store_names import checked_name
from mlp.version import Version

CACHE: Final = "~/.cache/mlp"

_BUCKET = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[^/\s][^\s]*?))?/?")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


def open_store(location: str | Path, cache: str | Path = CACHE) -> "Store":
    """Give the store at a folder's path or at "s3://bucket/prefix". Nothing is read yet.

    `cache` is the folder in which what is read from a bucket is kept; "~" is the user's home. Raises InvalidLocation.
    """
    # Both kinds of store build on this module.
    if "://" not in str(location):
        from mlp.local_store import LocalStore

        return LocalStore(Path(location))
    if match := _BUCKET.fullmatch(str(location)):
        from mlp.s3_store import S3Store

        return S3Store(match["bucket"], match["prefix"] or "", Path(cache).expanduser())
    raise InvalidLocation(f"{str(location)!r} is no model store: a folder or s3://bucket/prefix is expected")


class Store(Protocol):
    """Versions and aliases of models, for many readers and writers at once, in this process and in others.

    A version appears whole or not at all, under a number that no other ever gets; an alias document is never seen half
    written, and no change of it is lost. Each store gives its own way to the methods without a body, and inherits the
    rest, which raises what these raise: ModelNotFound for an unknown or impossible name, AliasDocumentError, and
    StoreUnavailable when the store cannot be reached, read or written.
    """

    location: str
    """As `open_store` takes it."""

    @property
    @abstractmethod
    def stale(self) -> bool:
        """Whether the store did not answer when it was last asked, so that what is known of it may be old."""

    @abstractmethod
    def models(self) -> list[str]:
        """Give the names of the models that have at least one version, sorted. Raises StoreUnavailable."""

    @abstractmethod
    def aliases(self, name: str) -> AliasDocument:
        """Give a model's alias document, an empty one if none is there. Raises AliasDocumentError, StoreUnavailable."""

    @abstractmethod
    def fingerprint(self, name: str) -> str:
        """Give a short text that is another one when the alias document may have changed; it costs no reading.

        It is the same for every reader of one file, but not for two stores. Raises StoreUnavailable.
        """

    @abstractmethod
    def read(self, name: str, version: int) -> Version:
        """Read and check a version. Raises VersionNotFound, VersionFileError, StoreUnavailable."""

    @abstractmethod
    def metadata(self, name: str, version: int) -> Metadata:
        """Read what a version says of itself, unchecked. Raises as `read` does."""

    def report(self, name: str, version: int) -> Path | None:
        """Give the file in which a training run has reported on a version; None if there is none, as in a bucket."""
        del name, version
        return None

    @abstractmethod
    def _numbers(self, name: str) -> list[int]:
        """Give the numbers of a model's versions, rising; none for a model that is not there."""

    @abstractmethod
    def _has(self, name: str, number: int) -> bool:
        """Tell whether a version is there, without looking at the others."""

    @abstractmethod
    def _add(self, name: str, packed: Callable[[int], bytes]) -> int:
        """Write what `packed` gives for the next free number, and give that number."""

    @abstractmethod
    def _change(self, name: str, change: Callable[[AliasDocument], AliasDocument]) -> AliasDocument:
        """Replace the alias document by what `change` makes of it, and give that; what it gives unchanged stays.

        `change` may be called again, with what another writer has written in between.
        """

    @abstractmethod
    def _remove(self, name: str, numbers: Iterable[int]) -> None:
        """Remove versions; one that is not there is no error."""

    def versions(self, name: str) -> list[int]:
        """Give the version numbers of a model, rising. Raises ModelNotFound, StoreUnavailable."""
        if numbers := self._numbers(name):
            return numbers
        raise ModelNotFound(f"there is no model {name!r}; there are: {', '.join(self.models()) or 'none'}")

    def resolve(self, name: str, reference: str = PRODUCTION) -> int:
        """Give the number that `reference`, a number or an alias, stands for.

        Raises ModelNotFound, VersionNotFound, AliasDocumentError, StoreUnavailable.
        """
        number = int(reference) if _NUMBER.fullmatch(reference) else self.aliases(name).aliases.get(reference)
        if number is not None and self._has(name, number):
            return number
        versions = self.versions(name)
        if number is not None:
            raise VersionNotFound(f"model {name!r} has no version {number}; it has {_some(versions)}")
        raise VersionNotFound(f"model {name!r} has no version or alias {reference!r}")

    def publish(self, metadata: Metadata, layers: Sequence[Layer], golden_inputs: Uint8) -> int:
        """Write a new version under the next free number, and give that; `metadata`'s own number does not count.

        No alias moves. Raises VersionFileError, StoreUnavailable; then nothing was written.
        """

        def packed(number: int) -> bytes:
            return version_file.pack(metadata.model_copy(update={"version": number}), layers, golden_inputs)

        return self._add(checked_name(metadata.name), packed)

    def publish_file(self, name: str, data: bytes) -> int:
        """Check the bytes of a version file of model `name`, store them under the next free number, and give that.

        The number in the file does not count: the file is written anew with the one it gets. No alias moves. Raises
        VersionFileError for what could not be served or belongs to another model, StoreUnavailable.
        """
        version = version_file.unpack(data)
        if version.metadata.name != checked_name(name):
            raise VersionFileError(f"the file holds a version of model {version.metadata.name!r}, not of {name!r}")
        return self._add(name, lambda number: version_file.renumbered(version, number))

    def promote(
        self,
        name: str,
        version: int,
        alias: str = PRODUCTION,
        *,
        if_generation: int | None = None,
        by: str = "",
        why: str = "",
        force: bool = False,
    ) -> AliasDocument:
        """Let `alias` name `version`, and give the new document.

        Raises ModelNotFound, VersionNotFound, VersionFileError (a version that cannot be served is not promoted),
        OtherClasses unless `force`, GenerationMoved when the document's generation is not `if_generation`,
        InvalidChange, AliasDocumentError, StoreUnavailable.
        """
        labels = self.read(name, self.resolve(name, str(version))).metadata.labels
        note = Note(by, why)

        def moved(document: AliasDocument) -> AliasDocument:
            if not force:
                self._refuse_other_classes(name, version, labels, document)
            return document.moved(alias, version, note)

        return self._change(name, _unless_moved(if_generation, moved))

    def rollback(
        self, name: str, alias: str = PRODUCTION, *, if_generation: int | None = None, by: str = "", why: str = ""
    ) -> AliasDocument:
        """Let `alias` name what it named before, and give the new document.

        Raises NothingToRollBack and what `promote` raises, but never OtherClasses: the way back is always open.
        """
        self.versions(name)
        note = Note(by, why)

        def rolled_back(document: AliasDocument) -> AliasDocument:
            after = document.rolled_back(alias, note)
            self.read(name, after.aliases[alias])
            return after

        return self._change(name, _unless_moved(if_generation, rolled_back))

    def withdraw(
        self, name: str, alias: str, *, if_generation: int | None = None, by: str = "", why: str = ""
    ) -> AliasDocument:
        """Take an alias other than `production` away, with its share of the traffic, and give the new document.

        Raises VersionNotFound for an alias that is not there, InvalidChange, GenerationMoved.
        """
        self.versions(name)
        note = Note(by, why)
        return self._change(name, _unless_moved(if_generation, lambda document: document.withdrawn(alias, note)))

    def unload(self, name: str, *, if_generation: int | None = None, by: str = "", why: str = "") -> AliasDocument:
        """Let nothing of a model be in production until the next promotion or rollback, and give the new document.

        Raises ModelNotFound, GenerationMoved.
        """
        self.versions(name)
        note = Note(by, why)
        return self._change(name, _unless_moved(if_generation, lambda document: document.unloaded(note)))

    def set_traffic(
        self,
        name: str,
        traffic: Mapping[str, float],
        *,
        if_generation: int | None = None,
        by: str = "",
        why: str = "",
    ) -> AliasDocument:
        """Let aliases answer these shares of the requests for `production`, and give the new document.

        Raises InvalidChange: a share not from 0 to 1, a sum over 1, an alias that names nothing; GenerationMoved.
        """
        self.versions(name)
        note = Note(by, why)
        return self._change(name, _unless_moved(if_generation, lambda document: document.with_traffic(traffic, note)))

    def set_rule(
        self, name: str, rule: Rule | None, *, if_generation: int | None = None, by: str = "", why: str = ""
    ) -> AliasDocument:
        """Set or end (None) the rule by which `shadow` becomes `production`, and give the new document.

        Raises GenerationMoved.
        """
        self.versions(name)
        note = Note(by, why)
        return self._change(name, _unless_moved(if_generation, lambda document: document.with_rule(rule, note)))

    def delete(self, name: str, version: int, *, by: str = "", why: str = "") -> AliasDocument:
        """Remove a version for good, and give the new document; its number is not given again.

        Raises VersionNotFound, and VersionInUse while an alias names it or a rollback would go to it.
        """
        self.resolve(name, str(version))

        def deleted(document: AliasDocument) -> AliasDocument:
            if version in document.in_use:
                raise VersionInUse(f"model {name!r} needs version {version}: {_use(document, version)}")
            return document.without_versions([version], self._numbers(name), Note(by, why))

        document = self._change(name, deleted)
        self._remove(name, [version])
        return document

    def prune(self, name: str, keep: int, *, by: str = "", why: str = "") -> list[int]:
        """Delete all versions but the last `keep` and those in use, and give the numbers of the deleted ones.

        In use is what an alias names, and where a rollback would go. Raises InvalidChange for a negative `keep`.
        """
        if keep < 0:
            raise InvalidChange(f"{keep} versions cannot be kept")
        self.versions(name)
        pruned: list[int] = []

        def pruned_of(document: AliasDocument) -> AliasDocument:
            numbers = self._numbers(name)
            pruned[:] = [number for number in numbers[: max(0, len(numbers) - keep)] if number not in document.in_use]
            return document.without_versions(pruned, numbers, Note(by, why)) if pruned else document

        self._change(name, pruned_of)
        self._remove(name, pruned)
        return pruned

    def _refuse_other_classes(self, name: str, version: int, labels: Sequence[str], document: AliasDocument) -> None:
        live = document.aliases.get(PRODUCTION)
        if live is None or live == version:
            return
        try:
            answered = self.metadata(name, live).labels
        except (VersionFileError, VersionNotFound):  # it does not answer, so nobody relies on its classes
            return
        if answered != labels:
            raise OtherClasses(
                f"version {version} answers with {_some(labels)}, version {live} in {PRODUCTION} with "
                f"{_some(answered)}; to promote it all the same, force it"
            )

    def _next_number(self, name: str) -> int:
        """Give the lowest number above all that were ever used."""
        try:
            known = self.aliases(name).highest
        except AliasDocumentError:  # no reason to lose a version that may have taken hours
            known = 0
        number = max([*self._numbers(name), known]) + 1
        if number > HIGHEST_NUMBER:
            raise InvalidChange(f"model {name!r} has no number left above {known}")
        return number


def _unless_moved(
    if_generation: int | None, change: Callable[[AliasDocument], AliasDocument]
) -> Callable[[AliasDocument], AliasDocument]:
    def checked(document: AliasDocument) -> AliasDocument:
        if if_generation is not None and document.generation != if_generation:
            raise GenerationMoved(f"the alias document is at generation {document.generation}, not {if_generation}")
        return change(document)

    return checked


def _use(document: AliasDocument, version: int) -> str:
    uses = [f"{alias} names it" for alias in document.names_of(version)]
    uses += [f"a rollback of {alias} goes to it" for alias, number in document.previous.items() if number == version]
    return ", ".join(uses)


def _some(values: Collection[object]) -> str:
    """Name values in a message, the middle left out where there are many."""
    words = [str(value) for value in values]
    return ", ".join(words if len(words) <= 20 else [*words[:10], "…", *words[-5:]])
