"""The answer to a request that is not taken up, because others wait: made without the app, which takes longer.

It is the answer that service/errors.py would make, and counted and logged like any other.
"""

from functools import lru_cache
from typing import Final

from flask import Flask
from pydantic_core import to_json
from werkzeug.exceptions import HTTPException

from service import each_request, errors
from service.answering import Answer, Environ
from service.counters import Counters

_ROUTES: Final = 256
"""How many paths are known by their rules: clients may think of any number."""


class Refusing:
    """Makes the answers, for one app."""

    def __init__(self, flask: Flask) -> None:
        self._counters: Counters | None = flask.extensions.get("counters")
        self._urls = flask.url_map.bind("")
        self._route = lru_cache(_ROUTES)(self._rule)

    def __call__(self, environ: Environ, error: errors.RequestError) -> Answer:
        """Give the answer that says why."""
        begun = each_request.begin(environ, only_json=False)
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        status, said, kind = errors.told(path, errors.status_of(error), str(error), begun.id)
        body = to_json(said) + b"\n"
        headers = [
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Retry-After", str(errors.RETRY_AFTER_SECONDS)),
            ("X-Request-Id", begun.id),
        ]
        if self._counters is not None:
            self._counters.rejected(error)
            each_request.end(begun, environ, self._route(path, method), status.value, self._counters, {})
        return Answer(status.value, headers, b"" if method == "HEAD" else body)

    def _rule(self, path: str, method: str) -> str:
        try:
            rule, _ = self._urls.match(path, method, return_rule=True)
        except HTTPException:
            return ""
        return str(rule.rule)
