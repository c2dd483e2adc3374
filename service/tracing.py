"""Spans for OpenTelemetry, when the environment asks for them: one for each request, with its phases below it.

Nothing of OpenTelemetry is imported before it is asked for; its packages are the extra `tracing`. Where the spans go,
how many are kept and what they are called after is said by OpenTelemetry's own variables, which its SDK reads.
"""

import logging
import sys
import time
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from service.counters import PHASES, Moments
from service.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

_log = logging.getLogger("service")

_OURS: Final = 500
"""The first status that says that the service has failed, not the client."""


class Tracing:
    """One worker's spans. Every function may be called from any thread."""

    def __init__(self) -> None:
        self._provider: TracerProvider | None = None
        self._tracer: Tracer | None = None

    @property
    def on(self) -> bool:
        """Whether spans are made: then a request must go where they are."""
        return self._tracer is not None

    def start(self, settings: Settings) -> None:
        """Begin to make spans if the settings ask for them. Call it after the fork: threads do not survive one."""
        if settings.traces is None:
            return
        try:
            self._provider = _provider(settings.traces)
        except ImportError as error:
            _log.warning("no traces: the extra `tracing` is not installed", extra={"reason": str(error)})
        else:
            self._tracer = self._provider.get_tracer("mlp.service")

    def stop(self) -> None:
        """Send what has not been sent yet."""
        self._tracer = None
        if self._provider is not None:
            self._provider.shutdown()

    def begin(self, environ: Mapping[str, Any]) -> "Span | None":
        """Begin a request's span, as a part of the trace that its headers name; None when no spans are made."""
        if self._tracer is None:
            return None
        from opentelemetry import propagate
        from opentelemetry.trace import SpanKind

        headers = {
            name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")
        }
        method = environ["REQUEST_METHOD"]
        return self._tracer.start_span(
            method,
            propagate.extract(headers),
            SpanKind.SERVER,
            {"http.request.method": method, "url.path": environ["PATH_INFO"], "url.scheme": environ["wsgi.url_scheme"]},
        )

    def predicted(self, span: "Span | None", said: Mapping[str, str | int], moments: Moments) -> None:
        """Put the phases of a prediction below a request's span, and `said` on it.

        Of several pictures, one after the other parsed and prepared, the preparation is shown as if it had come last.
        """
        if self._tracer is None or span is None or not span.is_recording():
            return
        from opentelemetry.trace import set_span_in_context

        span.set_attributes({f"mlp.{name}": value for name, value in said.items()})
        below = set_span_in_context(span)
        now, epoch = time.perf_counter(), time.time_ns()
        at = [epoch - int((now - moment) * 1e9) for moment in moments]
        for name, (start, end) in zip(PHASES, pairwise(at), strict=True):
            if name != "prepare" or end > start:
                self._tracer.start_span(name, below, start_time=start).end(end)

    def end(self, span: "Span", route: str, method: str, status: int) -> None:
        """End a request's span; `route` is the app's rule, "" when there is none for its path."""
        from opentelemetry.trace import StatusCode

        span.update_name(f"{method} {route}".strip())
        span.set_attribute("http.response.status_code", status)
        if route:
            span.set_attribute("http.route", route)
        if status >= _OURS:
            span.set_attribute("error.type", str(status))
            span.set_status(StatusCode.ERROR)
        span.end()


def ids(span: "Span") -> dict[str, str]:
    """Give a span's `trace_id` and `span_id`, for a line of the log."""
    context = span.get_span_context()
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}


def _provider(traces: str) -> "TracerProvider":
    from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    said = OTELResourceDetector().detect()  # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "mlp"}).merge(said), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_exporter(traces)))
    return provider


def _exporter(traces: str) -> "SpanExporter":
    if traces == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stderr)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()
