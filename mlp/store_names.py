"""How models and files are named in a store, be it a folder or a bucket."""

import re
from typing import Final

from mlp.errors import ModelNotFound

ALIASES: Final = "aliases.json"

_MODEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_VERSION_FILE = re.compile(r"([1-9][0-9]{0,8})\.npz")


def checked_name(name: str) -> str:
    """Give a model's name back. Raises ModelNotFound for what is none; so a request's `model` stays in the store."""
    if not _MODEL.fullmatch(name):
        raise ModelNotFound(f"{name!r} is not a model's name: letters a-z, digits, '-' and '_', at most 64")
    return name


def is_model(name: str) -> bool:
    """Tell whether a model could have this name."""
    return _MODEL.fullmatch(name) is not None


def number_of(file: str) -> int | None:
    """Give the number of a version file by its name, None for the name of any other file."""
    match = _VERSION_FILE.fullmatch(file)
    return int(match[1]) if match else None
