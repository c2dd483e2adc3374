"""Corrections as files: an .npz that is a data set, or a folder of pictures with one sub-folder a class.

Both are written whole or not at all, and for their owner's eyes alone, as the database is.
"""

import base64
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image
from pydantic_core import to_json

from mlp.corrections import Correction
from mlp.errors import StoreError, VersionFileError
from mlp.store import Store
from training.errors import ExportRefused
from training.whole_file import whole

ABOUT: Final = "corrections.jsonl"
"""The file in an exported folder that has all that the pictures do not show."""

_OWNER_ONLY: Final = 0o600


def write(corrections: Iterable[Correction], path: Path, store: Store) -> int:
    """Write corrections as an .npz, if that is the path's ending, else as a folder, and give how many.

    Raises ExportRefused when something is there already, when there are none, or when the disk does not take them.
    """
    if path.exists():
        raise ExportRefused(f"there is a {path} already: remove it, or choose another name")
    try:
        return _write_npz(list(corrections), path, store) if path.suffix == ".npz" else _write_folder(corrections, path)
    except OSError as error:
        raise ExportRefused(f"{path} cannot be written: {error.strerror or error}") from error


def classes_of(corrections: Sequence[Correction], store: Store) -> list[str]:
    """Give the classes of a data set of corrections: all that their model knows, in its order, if the store knows it.

    So a version can be measured on them. Else they are the labels that there are, sorted.
    """
    labels = {one.label for one in corrections}
    newest = max(corrections, key=lambda one: one.version)
    if {one.model for one in corrections} == {newest.model}:
        try:
            known = store.metadata(newest.model, newest.version).labels
        except (StoreError, VersionFileError):  # it was deleted, or this is another store
            known = ()
        if labels <= set(known):
            return list(known)
    return sorted(labels)


def _write_npz(corrections: Sequence[Correction], path: Path, store: Store) -> int:
    if not corrections:
        raise ExportRefused("there are no such corrections: nothing is written")
    if len(sizes := {one.pixels.shape for one in corrections}) > 1:
        shown = " and ".join(f"{height}×{width}" for height, width in sorted(sizes))
        raise ExportRefused(f"the corrections are of {shown} pixels, a data set has one size: choose a --model")
    classes = classes_of(corrections, store)
    index = {label: number for number, label in enumerate(classes)}
    with whole(path, _OWNER_ONLY) as file:
        np.savez_compressed(
            file,
            images=np.stack([one.pixels for one in corrections]),  # (n, height, width)
            labels=np.array([index[one.label] for one in corrections], np.int64),
            classes=np.array(classes),
        )
    return len(corrections)


def _write_folder(corrections: Iterable[Correction], path: Path) -> int:
    number = 0
    with _whole_folder(path) as folder, (folder / ABOUT).open("wb") as about:
        for one in corrections:
            place = folder / _folder_name(one.label)
            place.mkdir(exist_ok=True)
            (place / f"{one.id}.png").write_bytes(one.picture or _png(one))
            about.write(to_json(_described(one, f"{place.name}/{one.id}.png")) + b"\n")
            number += 1
        if not number:
            raise ExportRefused("there are no such corrections: nothing is written")
    return number


@contextmanager
def _whole_folder(path: Path) -> Iterator[Path]:
    """Give a folder to fill that becomes `path` at the end of the block, and nothing if the block fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    try:
        yield folder
        folder.replace(path)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _described(one: Correction, file: str) -> dict[str, Any]:
    height, width = one.pixels.shape
    return {
        "file": file,
        "id": one.id,
        "created_at": datetime.fromtimestamp(one.created_at, UTC).isoformat(),
        "model": one.model,
        "version": one.version,
        "answered": one.answered,
        "confidence": one.confidence,
        "label": one.label,
        "part": one.part,
        "picture": one.picture is not None,
        "height": height,
        "width": width,
        "pixels": base64.b64encode(one.pixels.tobytes()).decode(),
    }


def _png(one: Correction) -> bytes:
    """Give what the network was given, where no picture was sent."""
    file = BytesIO()
    Image.fromarray(one.pixels).save(file, "PNG")
    return file.getvalue()


def _folder_name(label: str) -> str:
    """Give a label as a name that leads nowhere else and is not hidden; characters that could are written as %2F is."""
    name = "".join(letter if letter.isprintable() and letter not in "/\\%" else _escaped(letter) for letter in label)
    return _escaped(".") + name[1:] if name.startswith(".") else name


def _escaped(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode())
