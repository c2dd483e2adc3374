"""An alias document becomes a state that can answer: its versions read, checked and warmed, off the requests' way."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mlp.aliases import PRODUCTION, AliasDocument
from mlp.errors import MlpError, OtherClasses, VersionFileError
from mlp.store import Store
from mlp.version import Version


@dataclass(frozen=True, slots=True)
class Live:
    """One model at one generation: its aliases, and those versions that they name and that could be loaded."""

    name: str
    document: AliasDocument
    versions: Mapping[int, Version]
    """Also those that a rollback would go to, so that it needs no loading."""

    @property
    def production(self) -> Version | None:
        """The version that answers when a request names none."""
        return self.versions.get(self.document.aliases.get(PRODUCTION, 0))

    @property
    def ready(self) -> bool:
        """Whether `production` answers."""
        return self.production is not None


def build(
    store: Store, name: str, document: AliasDocument, present: Live | None, *, forced: bool
) -> tuple[Live, Mapping[int, str]]:
    """Give the state of a document, and those versions that its aliases name and that cannot be served, with reasons.

    What `present` holds is taken from it. Where a rollback would go is loaded too, if it can be. Unless `forced`,
    `production` must have the classes of the version that answers in `present`.
    """
    held = present.versions if present else {}
    loaded, refused = dict[int, Version](), dict[int, str]()
    for number in sorted(document.in_use):
        try:
            loaded[number] = held.get(number) or read(store, name, number)
        except MlpError as error:
            refused[number] = str(error)
    state = Live(name, document, MappingProxyType(loaded))
    named = set(document.aliases.values())
    refused = {number: reason for number, reason in refused.items() if number in named}
    if not forced and present and present.production and state.production:
        try:
            _same_classes(present.production, state.production)
        except OtherClasses as error:
            refused[state.production.metadata.version] = str(error)
    return state, refused


def read(store: Store, name: str, number: int) -> Version:
    """Give a version from the store: checked there by its digest and its golden scores, here by its own name, and warm.

    Raises what the store's `read` raises.
    """
    version = store.read(name, number)
    metadata = version.metadata
    if (metadata.name, metadata.version) != (name, number):
        raise VersionFileError(
            f"{number}.npz says that it is version {metadata.version} of model {metadata.name!r}: "
            "publish it to give it its number, do not copy it"
        )
    version.scores(version.golden_inputs[:1])  # of the size of a request; all of them went through it in the check
    return version


def _same_classes(present: Version, following: Version) -> None:
    was, is_now = present.metadata, following.metadata
    if was.labels != is_now.labels:
        raise OtherClasses(
            f"version {is_now.version} answers with {_some(is_now.labels)}, version {was.version}, which is live, with "
            f"{_some(was.labels)}; to let it answer all the same, force it"
        )


def _some(labels: tuple[str, ...]) -> str:
    return ", ".join(labels if len(labels) <= 12 else [*labels[:10], "…"])
