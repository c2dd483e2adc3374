"""Who may change models: the tokens, how often somebody may guess one, and the record of who changed what.

The routes that need a token are in service/admin.py and service/v2/repository.py.
"""

import hashlib
import hmac
import logging
import re
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final

from flask import g, request

from mlp.aliases import Note
from service.errors import AdminOff, SettingsError, TooManyFailures, Unauthorized
from service.settings import Settings

_log = logging.getLogger("service.audit")

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")

_SHORTEST: Final = 16
"""Characters of a token in a file: of 16 hexadecimal digits half are guessed after 2^63 tries."""

_FAILURES: Final = 10
"""Wrong tokens from one address within a window, after which nothing from there is looked at until it is over."""

_WINDOW_SECONDS: Final = 60.0

_ADDRESSES: Final = 10_000
"""Most addresses of which a worker keeps count; then the one that has failed longest ago is forgotten."""

_THE_ONE: Final = "admin"
"""Who has the token in MLP_ADMIN_TOKEN."""


class Admins:
    """The admin tokens of one service: the one in its environment, and those in a file, which may change meanwhile."""

    def __init__(self, settings: Settings) -> None:
        """Read the tokens. Raises SettingsError for a file of them that cannot be used."""
        self._file = Path(settings.admin_tokens_file).expanduser() if settings.admin_tokens_file else None
        token = settings.admin_token
        self._fixed = {} if token is None else {_digest(token.get_secret_value().encode()): _THE_ONE}
        self._read: dict[bytes, str] = {}
        self._seen: object = None
        self._failures: OrderedDict[str, tuple[float, int]] = OrderedDict()
        if self._file is not None:
            try:
                self._read, self._seen = _tokens(self._file), _state(self._file)
            except (OSError, ValueError) as error:
                raise SettingsError(f"MLP_ADMIN_TOKENS_FILE: {_said(error)}") from error

    def name(self, authorization: str) -> str | None:
        """Give whose token a request's header `Authorization` has; None for nobody's."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        given = _digest(token.strip().encode("latin-1"))  # WSGI gives a header's bytes as latin-1, whatever they are
        found = None
        for known, name in self._known().items():  # all of them: the time says nothing of which it was
            if hmac.compare_digest(given, known):
                found = name
        return found

    def authorize(self) -> None:
        """Let Flask's request go on if it has a token, and remember whose. Raises AdminOff, Unauthorized,
        TooManyFailures.
        """  # noqa: D205
        if not self._known():
            raise AdminOff(
                "this service has no admin token, so its models cannot be changed over HTTP: set MLP_ADMIN_TOKEN or "
                "MLP_ADMIN_TOKENS_FILE"
            )
        address = request.remote_addr or ""
        if (wait := self._blocked(address)) > 0:
            raise TooManyFailures(f"{_FAILURES} wrong admin tokens came from here: wait", wait)
        name = self.name(request.headers.get("Authorization", ""))
        if name is None:
            if "Authorization" in request.headers:  # who shows none has guessed nothing
                self._failed(address)
            raise Unauthorized("this needs an admin token: Authorization: Bearer …")
        g.admin = name

    def _known(self) -> dict[bytes, str]:
        """Give the names by their tokens' digests, those of the file as it is now."""
        if self._file is None:
            return self._fixed
        state = _state(self._file)
        if state != self._seen:
            try:
                self._read = _tokens(self._file)
                _log.info("admin tokens read", extra={"names": sorted(self._read.values())})
            except (OSError, ValueError) as error:  # better nobody than somebody whose token was taken away
                self._read = {}
                _log.error("admin tokens cannot be read", extra={"reason": _said(error)})
            self._seen = state
        return self._fixed | self._read

    def _blocked(self, address: str) -> float:
        """Give the seconds for which nothing from an address is looked at any more."""
        begun, count = self._failures.get(address, (0.0, 0))
        return begun + _WINDOW_SECONDS - time.monotonic() if count >= _FAILURES else 0.0

    def _failed(self, address: str) -> None:
        now = time.monotonic()
        begun, count = self._failures.pop(address, (now, 0))
        begun, count = (now, 0) if now > begun + _WINDOW_SECONDS else (begun, count)
        self._failures[address] = begun, count + 1
        if len(self._failures) > _ADDRESSES:
            self._failures.popitem(last=False)
        _log.warning("wrong admin token", extra={"request_id": g.begun.id, "address": address, "times": count + 1})


def note(api: str, why: str) -> Note:
    """Give who makes this request's change, through which API, and why, for the alias document's history."""
    return Note(api if g.admin == _THE_ONE else f"{g.admin}, by {api}", why)


def changed(change: str, **what: Any) -> None:
    """Record a change that this request has made."""
    address = request.remote_addr or ""
    _log.info(change, extra={"request_id": g.begun.id, "admin": g.admin, "address": address, **what})


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


def _state(file: Path) -> object:
    """Give what changes when a file is written or replaced, also by way of a link."""
    try:
        found = file.stat()
    except OSError as error:
        return error.errno
    return found.st_mtime_ns, found.st_size, found.st_ino


def _tokens(file: Path) -> dict[bytes, str]:
    """Give the names in a file by their tokens' digests. Raises OSError, ValueError."""
    found: dict[bytes, str] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2 or not _NAME.fullmatch(words[0]):
            raise ValueError(f"{file}, line {number}: a name and a token are expected, with a space between them")
        if len(words[1]) < _SHORTEST:
            raise ValueError(f"{file}, line {number}: the token of {words[0]} has fewer than {_SHORTEST} characters")
        found[_digest(words[1].encode())] = words[0]
    return found


def _said(error: OSError | ValueError) -> str:
    return f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
