"""What can be wrong with a request, and the one table and the one function that make an answer of any error.

ServiceError
├── SettingsError           the environment, at start
├── SharedLockBusy          a worker was stopped while it changed what all share
└── RequestError
    ├── MalformedBody
    ├── UnknownContentType
    ├── NotAcceptable
    ├── Unsupported         a part of a protocol that has no meaning here
    ├── InvalidField        each with its place in the query or the body
    ├── BadItem             one picture of several, with its index
    ├── BodyTooLarge
    ├── TooManyPictures
    ├── NotReady
    ├── QueueTooLong        others wait already, and have waited long
    ├── Unauthorized        no admin token, or a wrong one
    ├── AdminOff            there is no admin token to be had
    ├── TooManyFailures     wrong admin tokens, one after the other
    ├── FeedbackOff         there is no database to keep corrections in
    ├── CrossSite           another site's page has had its visitor's browser send it
    ├── CorrectionNotFound  no correction of that id, or not any more
    ├── ReportNotFound      a version of which no training report is kept
    ├── InvalidUpload       the body is no version file that could be served
    ├── DocumentRefused     an alias document that must not follow what is live
    ├── VersionRefused      a version that a worker cannot serve, so that no alias was moved to it
    └── SwapUnfinished      a swap that not every worker has finished in time
"""

import logging
import math
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Final, Protocol

from flask import Flask, Response, g, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from mlp import errors
from service import reply

_log = logging.getLogger("service")

Location = Sequence[str | int]


_MOST_NAMED: Final = 20
"""Places of a request that are named when more are wrong."""


class ServiceError(Exception):
    """What every error of the service is."""


class SettingsError(ServiceError):
    """A variable of the environment is not what it may be."""


class SharedLockBusy(ServiceError):
    """What all workers share is being changed for much longer than that takes."""


class RequestError(ServiceError):
    """A request that cannot be answered; its text is the answer's detail."""


class MalformedBody(RequestError):
    """The body is not of the form that its content type promises."""


class UnknownContentType(RequestError):
    """No content type, or one that is not read here."""


class NotAcceptable(RequestError):
    """The client accepts nothing that can be sent."""


class Unsupported(RequestError):
    """Something that a protocol has and this service has not."""


class BodyTooLarge(RequestError):
    """The body has more bytes than the limit; it was not read."""


class TooManyPictures(RequestError):
    """More pictures in one request than the limit."""


class NotReady(RequestError):
    """No version is loaded that could answer."""


class QueueTooLong(RequestError):
    """More is asked than can be answered; those that came before have waited long enough."""


class Unauthorized(RequestError):
    """An admin's request without the token, or with a wrong one."""


class AdminOff(RequestError):
    """An admin's request to a service that was given no admin token."""


class FeedbackOff(RequestError):
    """A correction for a service that keeps none."""


class CrossSite(RequestError):
    """A page of another site has had its visitor's browser send something that would change what is kept here."""


class CorrectionNotFound(RequestError):
    """No correction has that id, or not any more."""


class ReportNotFound(RequestError):
    """No training report is kept of the version."""


class TooManyFailures(RequestError):
    """Several wrong admin tokens came from one address."""

    def __init__(self, reason: str, seconds: float) -> None:
        self.retry_after = math.ceil(seconds)
        """Seconds to wait."""
        super().__init__(reason)


class UploadsBusy(RequestError):
    """Another version is being sent to this worker, and takes long."""


class InvalidUpload(RequestError):
    """The body is no version file that could be served."""


class DocumentRefused(RequestError):
    """An alias document that must not follow the one that is live."""

    def __init__(self, reason: str, *, news: bool = True) -> None:
        self.news = news
        """Whether it was not refused before."""
        super().__init__(reason)


class VersionRefused(RequestError):
    """A version that a worker cannot serve; what answered before still does."""


class SwapUnfinished(RequestError):
    """Not every worker has prepared a version in time; what answered before still does."""


class InvalidField(RequestError):
    """One or more places of a request are wrong, each with its reason."""

    def __init__(self, *problems: tuple[Location, str]) -> None:
        self.problems = [{"loc": list(where), "msg": message} for where, message in problems]
        super().__init__("; ".join(f"{'.'.join(map(str, where))}: {message}" for where, message in problems))

    @classmethod
    def of(cls, part: str, error: ValidationError) -> "InvalidField":
        """Give what pydantic found wrong in a part of the request, "query" or "body"."""
        found = error.errors(include_url=False, include_input=False)[:_MOST_NAMED]
        return cls(*[((part, *e["loc"]), e["msg"].removeprefix("Value error, ")) for e in found])


class BadItem(RequestError):
    """One picture of several is wrong: which, and the error that it has."""

    def __init__(self, where: Location, error: errors.MlpError) -> None:
        self.error = error
        self.problems = [{"loc": list(where), "msg": str(error)}]
        super().__init__(f"item {where[-1]}: {error}")


STATUS: Final[dict[type[Exception], HTTPStatus]] = {
    MalformedBody: HTTPStatus.BAD_REQUEST,
    UnknownContentType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    NotAcceptable: HTTPStatus.NOT_ACCEPTABLE,
    Unsupported: HTTPStatus.NOT_IMPLEMENTED,
    InvalidField: HTTPStatus.UNPROCESSABLE_ENTITY,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooManyPictures: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    NotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    QueueTooLong: HTTPStatus.SERVICE_UNAVAILABLE,
    Unauthorized: HTTPStatus.UNAUTHORIZED,
    AdminOff: HTTPStatus.FORBIDDEN,
    TooManyFailures: HTTPStatus.TOO_MANY_REQUESTS,
    FeedbackOff: HTTPStatus.FORBIDDEN,
    CrossSite: HTTPStatus.FORBIDDEN,
    CorrectionNotFound: HTTPStatus.NOT_FOUND,
    ReportNotFound: HTTPStatus.NOT_FOUND,
    InvalidUpload: HTTPStatus.UNPROCESSABLE_ENTITY,
    UploadsBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    DocumentRefused: HTTPStatus.CONFLICT,
    VersionRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    SwapUnfinished: HTTPStatus.SERVICE_UNAVAILABLE,
    SharedLockBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.PictureTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.PictureError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.MalformedNpy: HTTPStatus.BAD_REQUEST,
    errors.ArrayError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ModelNotFound: HTTPStatus.NOT_FOUND,
    errors.VersionNotFound: HTTPStatus.NOT_FOUND,
    errors.NothingToRollBack: HTTPStatus.CONFLICT,
    errors.OtherClasses: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.GenerationMoved: HTTPStatus.CONFLICT,
    errors.VersionInUse: HTTPStatus.CONFLICT,
    errors.InvalidChange: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.VersionFileError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TooManyCorrections: HTTPStatus.TOO_MANY_REQUESTS,
    errors.CorrectionsFull: HTTPStatus.INSUFFICIENT_STORAGE,
    errors.StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    MemoryError: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The nearest class in an error's ancestry counts."""

RETRY_AFTER_SECONDS: Final = 1

_RETRY_AFTER: Final = {
    HTTPStatus.SERVICE_UNAVAILABLE: RETRY_AFTER_SECONDS,
    HTTPStatus.TOO_MANY_REQUESTS: 60,  # the only limit of that kind counts by the minute
}


def status_of(error: Exception) -> HTTPStatus:
    """Give the status that answers an error; 500 for one that is nobody's fault but ours."""
    if isinstance(error, BadItem):
        return status_of(error.error)
    return status_of_kind(type(error))


def status_of_kind(kind: type[Exception]) -> HTTPStatus:
    """Give the status that answers errors of a kind; 500 for those that are nobody's fault but ours."""
    return next((STATUS[known] for known in kind.__mro__ if known in STATUS), HTTPStatus.INTERNAL_SERVER_ERROR)


def told_as(path: str, status: HTTPStatus) -> HTTPStatus:
    """Give the status as the protocol has it that a path belongs to: some know no 409 and no 422."""
    unknown = (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.CONFLICT)
    return HTTPStatus.BAD_REQUEST if status in unknown and _protocol(path) in FORMS else status


def _protocol(path: str) -> str:
    return path.lstrip("/").partition("/")[0]


def told(
    path: str, status: HTTPStatus, detail: str, request_id: str, problems: list[dict[str, Any]] | None = None
) -> tuple[HTTPStatus, dict[str, Any], str]:
    """Give the status, the body and its content type by which a request to `path` is told that it failed.

    A problem document (RFC 9457), or what the protocol has instead that the path belongs to.
    """
    form = FORMS.get(_protocol(path))
    if form is not None:
        status = told_as(path, status)
        return status, form(status, detail), "application/json"
    body: dict[str, Any] = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    if problems:
        body["errors"] = problems
    return status, body | {"request_id": request_id}, "application/problem+json"


FORMS: Final[dict[str, Callable[[HTTPStatus, str], dict[str, Any]]]] = {
    "v2": lambda _status, detail: {"error": detail},
    "v1": lambda _status, detail: {"error": detail},
    "invocations": lambda status, detail: {"error_code": status.name, "message": detail},
}
"""By the first part of a path: what clients of other protocols look for in an error."""


def _with_headers(response: Response, status: HTTPStatus) -> Response:
    if status in _RETRY_AFTER:
        response.headers["Retry-After"] = str(_RETRY_AFTER[status])
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="admin"'
    return response


class Rejections(Protocol):
    """What keeps count of errors."""

    def rejected(self, error: Exception) -> None:
        """Count one that answers a request."""


def register(app: Flask, rejections: Rejections) -> None:
    """Let every error of the app end in what `told` gives."""

    def from_http(error: HTTPException) -> Response | HTTPException:
        if error.code is not None and error.code >= HTTPStatus.BAD_REQUEST:
            rejections.rejected(error)
        return _from_http(error)

    def from_any(error: Exception) -> Response:
        rejections.rejected(error)
        return _from_any(error)

    app.register_error_handler(HTTPException, from_http)
    app.register_error_handler(Exception, from_any)


def _from_http(error: HTTPException) -> Response | HTTPException:
    if error.code is None or error.response is not None:  # a redirect or a ready-made answer, not an error
        return error
    response = _answer(HTTPStatus(error.code), error.description or HTTPStatus(error.code).description)
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value  # Allow, Retry-After
    return response


def _from_any(error: Exception) -> Response:
    status = status_of(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.exception("unexpected error", extra={"request_id": g.begun.id if "begun" in g else None})
        return _answer(status, "The service failed on this request; the log has the details under its request id.")
    if getattr(error, "inside", ""):
        _log.warning("not answered", extra={"reason": errors.in_full(error), "request_id": g.begun.id})
    detail = "there is no memory for this request now" if isinstance(error, MemoryError) else str(error)
    response = _answer(status, detail, getattr(error, "problems", None))
    if isinstance(error, TooManyFailures):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _answer(status: HTTPStatus, detail: str, problems: list[dict[str, Any]] | None = None) -> Response:
    request_id = g.begun.id if "begun" in g else ""
    status, body, content_type = told(request.path, status, detail, request_id, problems)
    return _with_headers(reply.json(body, status.value, content_type), status)
