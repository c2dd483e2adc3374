"""Errors as the OpenAPI document has them: which statuses, in what form, and when.

Which exception has which status is service/errors.py's matter; its docstring says when it is raised.
"""

from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from mlp import errors as mlp_errors
from service import errors
from service.openapi.operation import Failure, Operation, Schema
from service.v2.schemas import Error


class Place(BaseModel):
    """A place in a request that is wrong."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    loc: list[str | int]
    """Where: "query", "body" or "header", and the names and indices from there."""
    msg: str
    """What is wrong with it."""


class Problem(BaseModel):
    """Why a request failed (RFC 9457)."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str
    """Always "about:blank": the status says what kind of problem it is."""
    title: str
    """The status in words."""
    status: int = Field(ge=400, le=599)
    """The same as the answer's."""
    detail: str
    """A sentence for people: what was got and what was expected."""
    errors: list[Place] = []
    """The places in the request that are to blame."""
    request_id: str = ""
    """The answer's X-Request-Id, by which the log has it; not there where no request could be read."""


class InvocationError(BaseModel):
    """Why a request failed, as MLflow's clients expect it."""

    error_code: str
    message: str


FORMS: Final[dict[str, type[BaseModel]]] = {"v2": Error, "v1": Error, "invocations": InvocationError}
"""What errors are where they are no problem documents, by the first part of the path; as in service/errors.py."""

STORE: Final[tuple[Failure, ...]] = (errors.NotReady, mlp_errors.VersionFileError, mlp_errors.StoreUnavailable)
"""Of whatever looks at all models."""

MODEL: Final[tuple[Failure, ...]] = (mlp_errors.ModelNotFound, mlp_errors.VersionNotFound, *STORE)
"""Of whatever is asked of a model or a version."""

BODY: Final[tuple[Failure, ...]] = (errors.MalformedBody, errors.InvalidField, errors.BodyTooLarge)
"""Of whatever reads a body of JSON."""

PICTURES: Final[tuple[Failure, ...]] = (
    *MODEL,
    *BODY,
    errors.BadItem,
    errors.TooManyPictures,
    mlp_errors.PictureTooLarge,
    mlp_errors.PictureError,
    mlp_errors.ArrayError,
    errors.UnknownContentType,
)
"""Of whatever reads pictures, and has a version answer."""

ADMIN: Final[tuple[Failure, ...]] = (errors.Unauthorized, errors.AdminOff, errors.TooManyFailures)
"""Of whatever needs an admin token."""

CHANGE: Final[tuple[Failure, ...]] = (
    *ADMIN,
    mlp_errors.ModelNotFound,
    mlp_errors.VersionNotFound,
    mlp_errors.InvalidChange,
    mlp_errors.GenerationMoved,
    errors.DocumentRefused,
    errors.VersionRefused,
    errors.SwapUnfinished,
    errors.SharedLockBusy,
    mlp_errors.VersionFileError,
    mlp_errors.StoreUnavailable,
)
"""Of whatever moves an alias."""

_CONNECTION: Final[tuple[tuple[HTTPStatus, str], ...]] = (
    (HTTPStatus.BAD_REQUEST, "What was sent is no HTTP/1.1."),
    (HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers have more than 64 KB."),
    (HTTPStatus.SERVICE_UNAVAILABLE, "There are too many connections, or too many long bodies at once."),
)
"""Of every request, before the app is asked: problem documents whatever the path."""

_SLOW_BODY: Final = (HTTPStatus.REQUEST_TIMEOUT, "The rest of the body did not come for 30 seconds.")

_EXCEPTION_STATUS: Final[dict[type[Exception], HTTPStatus]] = {errors.BadItem: HTTPStatus.UNPROCESSABLE_ENTITY}
"""Of those that have that of another error inside them, the usual one."""


def responses(operation: Operation, path: str, *, only_json: bool) -> dict[str, Schema]:
    """Give an operation's responses that are errors, by status; models are named by `ref`."""
    form = FORMS.get(path.split("/", 2)[1])
    whens: dict[HTTPStatus, list[str]] = {}
    kinds: dict[HTTPStatus, set[Any]] = {}
    fails = (*operation.fails, errors.QueueTooLong, *([errors.NotAcceptable] if only_json else []))
    for status, when in map(_of, fails):
        told = errors.told_as(path, status)
        whens.setdefault(told, []).append(when)
        kinds.setdefault(told, set()).add(form or Problem)
    for status, when in (*_CONNECTION, *([_SLOW_BODY] if operation.body else [])):
        whens.setdefault(status, []).append(when)
        kinds.setdefault(status, set()).add(Problem)
    return {
        str(status.value): {
            "description": _listed(whens[status]),
            "headers": _headers(status),
            "content": {_content_type(kind): {"schema": ref(kind)} for kind in sorted(kinds[status], key=repr)},
        }
        for status in sorted(whens)
    }


def ref(kind: type[BaseModel]) -> Schema:
    """Give the reference to a model's schema in the document."""
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def _of(failure: Failure) -> tuple[HTTPStatus, str]:
    if isinstance(failure, tuple):
        return failure
    status = _EXCEPTION_STATUS.get(failure) or errors.status_of_kind(failure)
    return status, (failure.__doc__ or "").strip()


def _content_type(kind: type[BaseModel]) -> str:
    return "application/problem+json" if kind is Problem else "application/json"


def _listed(whens: list[str]) -> str:
    once = list(dict.fromkeys(whens))
    return once[0] if len(once) == 1 else "\n".join(f"- {when}" for when in once)


def _headers(status: HTTPStatus) -> dict[str, Schema]:
    names = ["X-Request-Id"]
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        names.append("Retry-After")
    if status == HTTPStatus.UNAUTHORIZED:
        names.append("WWW-Authenticate")
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
