"""What the command line prints: text tables of a run, of a store, and of our figures beside the book's."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from mlp.aliases import AliasDocument
from mlp.corrections import Correction
from mlp.errors import VersionFileError
from mlp.store import Store
from training.datasets import DataSet
from training.evaluate import Evaluation
from training.feedback import Feedback
from training.gate import Comparison
from training.measure import Epoch
from training.recipes import Recipe
from training.run import Split, Trained

EPOCH_HEADER: Final = "epoch   train loss   train acc.   valid. loss   valid. acc.   seconds"

BOOK: Final = {1: (76.17, 76.02), 2: (85.46, 84.94), 3: (87.89, 87.64), 4: (89.36, 89.38), 5: (90.21, 90.16)} | {
    48: (95.57, 94.58),
    49: (95.55, 94.54),
    50: (95.59, 94.74),
}
"""Train and validation accuracy in % after an epoch, as printed in chapter 11 of "Machine Learning with PyTorch and
Scikit-Learn" (Raschka, Liu, Mirjalili, 2022); the epochs between are not printed there."""

BOOK_TEST: Final = 94.51
"""Test accuracy in %, printed there after 50 epochs."""

BOOK_TOLERANCE: Final = 0.5
"""Points that a reproduction may be off: twice the standard error of an accuracy near 94.5 % on 10,000 examples."""


def plan(recipe: Recipe, data: DataSet, parts: Split) -> str:
    """Say what is about to be trained on what."""
    height, width = data.train.images.shape[1:]
    sizes = "-".join(map(str, [height * width, *recipe.hidden, len(data.classes)]))
    counts = f"{len(parts.train):,} training, {len(parts.validation):,} validation, {len(parts.test):,} test examples"
    return (
        f"{recipe.model}: {sizes}, {' '.join(recipe.activations)}, {recipe.loss}, "
        f"{recipe.optimiser} {recipe.learning_rate:g}, batches of {recipe.batch_size}, seed {recipe.seed}\n"
        f"{data.name}: {counts}\n{_skipped(data)}"
    )


def _skipped(data: DataSet) -> str:
    """List the pictures that could not be used, the first few of them."""
    if not data.skipped:
        return ""
    lines = [f"  {picture.path}: {picture.reason}" for picture in data.skipped[:5]]
    more = [f"  and {len(data.skipped) - 5} more"] if len(data.skipped) > 5 else []
    return "\n".join([f"left out, because they could not be read: {len(data.skipped)}", *lines, *more]) + "\n"


def epoch_line(epoch: Epoch) -> str:
    """Give an epoch's line below `EPOCH_HEADER`."""
    train, validation = epoch.train, epoch.validation
    return (
        f"{epoch.number:5d} {train.loss:12.5f} {train.accuracy:12.2%} "
        f"{validation.loss:13.5f} {validation.accuracy:13.2%} {epoch.seconds:9.2f}"
    )


def outcome(trained: Trained, version: int) -> str:
    """Say what a run has given."""
    fitted = trained.fitted
    why = "interrupted; best so far, " if fitted.interrupted else ""
    return (
        f"\n{why}epoch {fitted.kept.number}: validation {fitted.kept.validation.accuracy:.2%}, "
        f"test {trained.test.accuracy:.2%}\nstored as {trained.recipe.model} version {version}"
    )


def feedback(found: Feedback) -> str:
    """Say how many corrections there are, and which were left out."""
    rows = [f"  {count} {reason}" for reason, count in found.left_out.items()]
    left_out = [f"left out, because they do not fit: {sum(found.left_out.values())}", *rows] if rows else []
    return "\n".join(
        [
            f"corrections in {found.location}: {len(found.train)} to be trained on, {len(found.held_out)} held out",
            *left_out,
            "",
        ]
    )


def comparison(found: Comparison, objections: Sequence[str]) -> str:
    """Give the table of the old and the new version, and what speaks against the new one."""
    rows = [
        (
            part.what,
            f"{len(part.examples):,}",
            f"{part.old_right.mean():.2%}",
            f"{part.new_right.mean():.2%}",
            f"{part.gained} / {part.lost}",
            f"{part.gained - part.lost:+d}",
        )
        for part in found.rows()
    ]
    header = ("", "examples", f"version {found.old}", f"version {found.new}", "gained / lost", "difference")
    none = (
        []
        if len(found.held_out.examples)
        else ["No correction is held out: what it has learnt by heart is all that shows."]
    )
    verdict = [f"Against it: {objection}" for objection in objections] or ["Neither falls."]
    return "\n".join(["", table(header, rows), *none, *verdict])


def evaluation(found: Evaluation) -> str:
    """Give the accuracy, and for each class how many were right and what the others were taken for."""
    labels = found.version.metadata.labels
    rows = []
    for index, label in enumerate(labels):
        counts = found.confusion[index]
        wrong = sorted(((int(n), labels[j]) for j, n in enumerate(counts) if n and j != index), reverse=True)
        taken = ", ".join(f"{other} {n}×" for n, other in wrong[:3])
        share = f"{counts[index] / counts.sum():.2%}" if counts.sum() else "–"
        rows.append((label, str(counts.sum()), share, taken))
    by_class = table(("class", "examples", "right", "most often taken for"), rows)
    metadata = found.version.metadata
    total = f"{found.accuracy:.2%} of {found.confusion.sum():,}"
    return f"{metadata.name} version {metadata.version} on {found.dataset}: {total}\n\n{by_class}"


def versions(store: Store, name: str) -> str:
    """Give the table of a model's versions. Raises ModelNotFound, StoreUnavailable, AliasDocumentError."""
    document = store.aliases(name)
    rows = []
    for number in store.versions(name):
        aliases = ", ".join(document.names_of(number))
        try:
            metadata = store.metadata(name, number)
        except VersionFileError as error:
            rows.append((str(number), "damaged", "", "", "", f"{aliases} {error}".strip()))
            continue
        sizes = "-".join(map(str, metadata.sizes))
        accuracy = metadata.metrics.get("accuracy")
        accuracy_text = "–" if accuracy is None else f"{accuracy:.2%}"
        created = f"{metadata.created_at:%Y-%m-%d %H:%M}"
        rows.append((str(number), created, sizes, f"{metadata.weights:,}", accuracy_text, aliases))
    header = ("version", "created (UTC)", "units", "weights", "test acc.", "aliases")
    return f"{name}, generation {document.generation}\n{table(header, rows)}"


def history(document: AliasDocument, last: int | None = None) -> str:
    """Give the table of the last changes of an alias document, the newest last; all that it holds without `last`."""
    changes = document.history if last is None else document.history[-last:]
    rows = [(str(c.generation), f"{c.when.astimezone(UTC):%Y-%m-%d %H:%M:%S}", c.by, c.what, c.why) for c in changes]
    return table(("generation", "when (UTC)", "by", "what", "why"), rows)


def corrections(found: Sequence[Correction]) -> str:
    """Give the table of corrections, and how many there are."""
    rows = [
        (
            one.id,
            f"{datetime.fromtimestamp(one.created_at, UTC):%Y-%m-%d %H:%M:%S}",
            f"{one.model} {one.version}",
            f"{one.answered} ({one.confidence:.2f})",
            one.label,
            "" if one.part == "train" else "kept from training",
        )
        for one in found
    ]
    number = "1 correction" if len(rows) == 1 else f"{len(rows)} corrections"
    return f"{table(('id', 'when (UTC)', 'version', 'answered', 'label', ''), rows)}\n\n{number}" if rows else number


def rule(document: AliasDocument) -> str:
    """Say when shadow becomes production by itself."""
    if document.rule is None:
        return "shadow is not promoted by a rule"
    wanted = document.rule
    accuracy = "" if wanted.min_accuracy is None else f", and a test accuracy of {wanted.min_accuracy:g}"
    return (
        f"shadow is promoted after {wanted.min_requests} requests, "
        f"if it agrees on {wanted.min_agreement:g} of them{accuracy}"
    )


def beside_the_book(trained: Trained) -> str:
    """Give our accuracies beside those that the book prints, in %."""
    rows = [
        (str(epoch.number), *_beside(epoch.train.accuracy, book[0]), *_beside(epoch.validation.accuracy, book[1]))
        for epoch in trained.fitted.epochs
        if (book := BOOK.get(epoch.number))
    ]
    header = ("epoch", "train acc.", "book", "valid. acc.", "book")
    ours, book_test = _beside(trained.test.accuracy, BOOK_TEST)
    seconds = sorted(epoch.seconds for epoch in trained.fitted.epochs)[len(trained.fitted.epochs) // 2]
    difference = trained.test.accuracy * 100 - BOOK_TEST
    return (
        f"\n{table(header, rows)}\n\n"
        f"test accuracy after {len(trained.fitted.epochs)} epochs: {ours} %, the book {book_test} %, "
        f"difference {difference:+.2f} points\nmedian epoch: {seconds:.2f} s of training"
    )


def _beside(accuracy: float, book: float) -> tuple[str, str]:
    return f"{accuracy * 100:.2f}", f"{book:.2f}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give rows of texts below their header, each column as wide as it must be."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = ("   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows])
    return "\n".join(line.rstrip() for line in lines)
