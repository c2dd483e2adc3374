"""The header `traceparent` (W3C Trace Context, level 2, section 3.2): which trace a request is a part of."""

import re
from collections.abc import Mapping
from typing import Any, Final

_TRACEPARENT: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})(?P<trace_id>[0-9a-f]{32})-(?!0{16})(?P<span_id>[0-9a-f]{16})-[0-9a-f]{2}(?P<more>-.*)?"
)


def ids(environ: Mapping[str, Any]) -> dict[str, str]:
    """Give `trace_id` and `span_id` of whoever sent a request, nothing when it does not say or is not well-formed."""
    given = environ.get("HTTP_TRACEPARENT")
    found = _TRACEPARENT.fullmatch(given) if given else None
    if found is None or (found["more"] is not None and found[0].startswith("00")):  # a later version may have more
        return {}
    return {"trace_id": found["trace_id"], "span_id": found["span_id"]}
