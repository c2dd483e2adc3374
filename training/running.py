"""What a running service says of a model, asked over HTTP as anyone may ask."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, Final

from training.errors import NotFollowed

_TIMEOUT_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.2

State = dict[str, Any]
"""The answer of GET /models/{name}; see docs/http.md."""


def state(url: str, model: str) -> State | None:
    """Give what the service at `url` says of a model, None if it knows none of that name.

    Raises NotFollowed when no such service answers there.
    """
    address = f"{url.rstrip('/')}/models/{model}"
    if not address.startswith(("http://", "https://")):
        raise NotFollowed(f"{url!r} is no address of a service: http://host:port is expected")
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - http, just above
            found: State = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 404 and "json" in error.headers.get_content_type():
                return None
            raise NotFollowed(f"{address} answers {error.code} {error.reason}") from error
    except (OSError, ValueError) as error:
        raise NotFollowed(f"no service answers at {address}: {getattr(error, 'reason', error)}") from error


def until(url: str, model: str, generation: int, seconds: float, reached: Callable[[State], bool]) -> State | None:
    """Give the first state of a model that is `reached`, None when there is none within so many seconds.

    Raises NotFollowed when the service refuses the store's alias document of that generation or a later one, or does
    not answer at the end.
    """
    end, failed = time.monotonic() + seconds, None
    while True:
        try:
            found, failed = state(url, model), None
        except NotFollowed as error:  # a service may be restarted meanwhile
            found, failed = None, error
        refused = (found or {}).get("refused")
        if refused and refused["generation"] >= generation:
            raise NotFollowed(f"the service at {url} refuses it: {refused['reason']}")
        if found and reached(found):
            return found
        if time.monotonic() > end:
            if failed:
                raise failed
            return None
        time.sleep(_PAUSE_SECONDS)
