"""Where a version's report lies: `<version>.html` beside `<version>.npz`, which the service and the store pass over."""

from collections.abc import Sequence
from pathlib import Path

from mlp.local_store import LocalStore
from mlp.store import Store
from mlp.version import Version
from training.answers import Answers
from training.gate import Comparison
from training.measure import Epoch
from training.page import build
from training.whole_file import whole


def path_of(store: Store, name: str, version: int) -> Path:
    """Give the path of a version's report, whether there is one or not; in the working folder if the store is none."""
    return store.root / name / f"{version}.html" if isinstance(store, LocalStore) else Path(f"{name}-{version}.html")


def write(
    path: Path,
    version: Version,
    answers: Answers,
    dataset: str,
    epochs: Sequence[Epoch] = (),
    comparison: Comparison | None = None,
    *,
    corrections_shown: bool = False,
) -> None:
    """Write a version's report, as `build.html` gives it, to `path`: whole or not at all. Raises OSError."""
    page = build.html(version, answers, dataset, epochs, comparison, corrections_shown=corrections_shown)
    with whole(path) as file:
        file.write(page.encode())
