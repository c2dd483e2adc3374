"""What a route declares of itself, for the OpenAPI document; document.py makes the document of it.

A declaration stands at its route:

    @blueprint.post("/feedback")
    @describes("sendFeedback", json(Stored, "Kept.", 201), fails=BODY, body=Body({"application/json": Media(Feedback)}))
    def feedback() -> Response:
        \"\"\"Keep a correction.\"\"\"

The first line of the function's docstring is the summary, the rest the description. A new blueprint needs a tag in
document.py's table. A route without either makes a test fail.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel

Schema = dict[str, Any]
"""A piece of JSON Schema, 2020-12."""

Failure = type[Exception] | tuple[HTTPStatus, str]
"""An exception that service/errors.py has a status for, or a status and when it is answered."""

_View = TypeVar("_View", bound=Callable[..., Any])

_PLACE = "openapi"
"""Under which name of a function's own attributes its operation is."""


@dataclass(frozen=True, slots=True)
class Media:
    """What is in a body of one content type."""

    kind: Any
    """A pydantic model or another type that pydantic knows; or a Schema as it is."""
    examples: Mapping[str, Any] = field(default_factory=dict)
    """By name."""
    file: str = ""
    """For what is no text: the name of an example under /docs/examples/."""


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body: what it may be, by content type."""

    content: Mapping[str, Media]
    required: bool = True
    limit: str = "max_body_bytes"
    """The setting that says how long it may be."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A header of a request, or a part of its path."""

    name: str
    description: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True)
class Header:
    """A header of an answer."""

    name: str
    description: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})
    required: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no error."""

    description: str
    content: Mapping[str, Media] = field(default_factory=dict)
    status: int = 200
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One route and method, in the document's terms."""

    id: str
    """What generated clients call it; where a function has several routes, `document.py` adds what tells them apart."""
    summary: str
    description: str
    answers: tuple[Answer, ...]
    fails: tuple[Failure, ...]
    query: type[BaseModel] | None
    headers: tuple[Parameter, ...]
    path: tuple[Parameter, ...]
    """Parts of the path that mean something else than elsewhere."""
    body: Body | None
    admin: bool
    """Whether it needs the admin token."""


def describes(
    name: str,
    *answers: Answer,
    fails: tuple[Failure, ...] = (),
    query: type[BaseModel] | None = None,
    headers: tuple[Parameter, ...] = (),
    path: tuple[Parameter, ...] = (),
    body: Body | None = None,
    admin: bool = False,
) -> Callable[[_View], _View]:
    """Give a decorator that declares what a route's function takes and answers; it calls the function as it is."""

    def declared(view: _View) -> _View:
        summary, _, text = inspect.cleandoc(view.__doc__ or "").partition("\n")
        operation = Operation(
            name, summary.removesuffix("."), text.strip(), answers, fails, query, headers, path, body, admin
        )
        vars(view)[_PLACE] = operation
        return view

    return declared


def declared(view: Callable[..., Any]) -> Operation | None:
    """Give what a route's function declares."""
    return vars(view).get(_PLACE)


def json(kind: Any, description: str, status: int = 200, headers: tuple[Header, ...] = ()) -> Answer:
    """Give an answer in JSON, and in nothing else."""
    return Answer(description, {"application/json": Media(kind)}, status, headers)
