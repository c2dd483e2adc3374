"""What is searched: from texts such as `learning_rate=1e-4..1e-2:log` to typed ranges and choices of a recipe's fields.

What the values mean is the recipe's business (training/recipes.py); how they are drawn is in study.py.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import ConfigDict, TypeAdapter, ValidationError

from training.errors import SweepError
from training.recipes import Recipe

_THE_DATA: Final = "it decides what is trained on and measured with, which all trials have in common"
NOT_SEARCHED: Final = dict.fromkeys(
    ("model", "dataset", "replay", "preparation", "height", "width", "pool", "validation", "test", "seed"), _THE_DATA
) | dict.fromkeys(("train_sample", "calibrate", "workers"), "it does not change how good a network is")
"""Fields of a recipe that cannot be searched, and why."""

_RANGE: Final = re.compile(r"(?P<low>.+?)\.\.(?P<high>.+?)(?P<log>:log)?")
_FORMS: Final = "expected low..high, low..high:log, or choices as a|b|c"
_DIGITS: Final = 3
"""Significant digits that a drawn number is rounded to: finer differences are luck, and someone may have to type it."""

_FINITE: Final = ConfigDict(allow_inf_nan=False)

Value = str | int | float
"""What a field is given: a number, or a text that the recipe reads."""


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both included: whole ones if both are whole; drawn evenly, or evenly in their
    logarithm."""  # noqa: D205, D209 - one sentence

    low: int | float
    high: int | float
    log: bool = False

    def value(self, drawn: int | float) -> Value:
        """Give the value for a number drawn between low and high."""
        if isinstance(self.low, int):
            return drawn
        return min(max(float(f"{drawn:.{_DIGITS}g}"), self.low), self.high)

    def __str__(self) -> str:
        """As it is written on the command line."""
        return f"{self.low:.12g}..{self.high:.12g}" + ":log" * self.log


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several texts, each a value as the recipe reads it."""

    texts: tuple[str, ...]

    def value(self, drawn: str) -> Value:
        """Give the value for the text drawn."""
        return drawn

    def __str__(self) -> str:
        """As it is written on the command line."""
        return "|".join(self.texts)


Space = Mapping[str, Range | Choice]
"""What is searched, by the name of the field."""


def space(texts: Iterable[str]) -> Space:
    """Read one `field=range` or `field=choice|choice` after the other.

    Raises SweepError for what is no field or has no such values.
    """
    found: dict[str, Range | Choice] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        field = name.strip().replace("-", "_")
        _check_field(field, text, bool(equals))
        if field in found:
            raise SweepError(f"{field} is searched twice: {found[field]} and {values}")
        found[field] = _choice(field, values) if "|" in values or ".." not in values else _range(field, values)
    if not found:
        raise SweepError("nothing to search: give --search learning_rate=1e-4..1e-2:log or the like")
    return found


def _check_field(field: str, text: str, equals: bool) -> None:
    if field not in Recipe.model_fields:
        near = difflib.get_close_matches(field, Recipe.model_fields, 1)
        meant = f"; is it {near[0]}?" if near else ""
        raise SweepError(f"--search {text}: a recipe has no field {field!r}{meant}")
    if field in NOT_SEARCHED:
        raise SweepError(f"--search {text}: {field} cannot be searched: {NOT_SEARCHED[field]}")
    if not equals:
        raise SweepError(f"--search {text}: no values; {_FORMS}")


def _range(field: str, text: str) -> Range:
    parts = _RANGE.fullmatch(text.strip())
    if not parts:
        raise SweepError(f"--search {field}={text}: no range; {_FORMS}")
    low, high = (_typed(field, text, parts[end].strip()) for end in ("low", "high"))
    if not all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high)):
        raise SweepError(f"--search {field}={text}: {field} is no number, so it has no range; expected choices, a|b|c")
    if low >= high:
        raise SweepError(f"--search {field}={text}: expected a range from a lower to a higher number")
    if parts["log"] and low <= 0:
        raise SweepError(f"--search {field}={text}: a logarithm needs numbers above 0; leave out :log, or begin higher")
    return Range(low, high, log=bool(parts["log"]))


def _choice(field: str, text: str) -> Choice:
    texts = tuple(part.strip() for part in text.split("|"))
    values = [_typed(field, text, part) for part in texts]
    if len(values) < 2:
        raise SweepError(f"--search {field}={text}: one value leaves nothing to search; {_FORMS}")
    for index, value in enumerate(values):
        if value in values[:index]:
            raise SweepError(f"--search {field}={text}: {texts[index]} is there twice")
    return Choice(texts)


def _typed(field: str, text: str, value: str) -> Any:
    info = Recipe.model_fields[field]
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(Annotated[info.annotation, info], config=_FINITE)  # type: ignore[arg-type]
        return adapter.validate_python(value)
    except ValidationError as error:
        why = "; ".join(dict.fromkeys(e["msg"] for e in error.errors()))
        raise SweepError(f"--search {field}={text}: {value!r} will not do for {field}: {why}") from error
