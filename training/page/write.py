"""Where a version's report lies: `<version>.html` beside `<version>.npz`. The service and the store pass over it."""

from collections.abc import Sequence
from pathlib import Path

from mlp.store import LocalStore
from mlp.version import Version
from training.answers import Answers
from training.measure import Epoch
from training.page import build
from training.whole_file import whole


def path_of(store: LocalStore, name: str, version: int) -> Path:
    """Give the path of a version's report, whether there is one or not."""
    return store.root / name / f"{version}.html"


def write(path: Path, version: Version, answers: Answers, dataset: str, epochs: Sequence[Epoch] = ()) -> None:
    """Write a version's report, as `build.html` gives it, to `path`: whole or not at all. Raises OSError."""
    page = build.html(version, answers, dataset, epochs)
    with whole(path) as file:
        file.write(page.encode())
