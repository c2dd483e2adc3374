"""Traces of a real server, sent to a collector that reads OTLP over HTTP."""

import contextlib
import gzip
import http.client
import http.server
import json
import subprocess
import sys
import threading

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.drafts import ROOT, make_draft
from tests.live.conftest import serving

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(http.server.ThreadingHTTPServer):
    """Keeps the spans that it is sent."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Receiver)
        self.spans = []
        self.services = set()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        for found in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.server.services |= {a.value.string_value for a in found.resource.attributes if a.key == "service.name"}
            self.server.spans += [span for scope in found.scope_spans for span in scope.spans]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def collector():
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def published(store):
    make_draft(seed=1).publish(store)
    store.promote("digits", 1)
    return store


def ask(server, body, content_type, **headers):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.request("POST", "/predict", body, {"Content-Type": content_type, **headers})
        answer = connection.getresponse()
        answer.read()
        return answer.status


def logged(server, request_id):
    lines = [json.loads(line) for line in list(server.lines) if request_id in line]
    return lines[0] if lines else None


def test_a_prediction_is_a_span_with_its_phases_in_the_caller_s_trace(published, collector):
    picture = (ROOT / "examples/7.png").read_bytes()
    with serving(published.root, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="100") as server:
        asked = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "request-1"}
        assert ask(server, picture, "image/png", **asked) == 200
        line = server.wait_until(lambda: logged(server, "request-1"))
        spans = server.wait_until(lambda: {s.name: s for s in collector.spans if s.trace_id.hex() == TRACE})

    served = spans.pop("POST /predict")
    assert served.parent_span_id.hex() == PARENT
    assert {name: span.parent_span_id for name, span in spans.items()} == dict.fromkeys(
        ("parse", "prepare", "infer", "answer"), served.span_id
    )
    times = [(spans[name].start_time_unix_nano, spans[name].end_time_unix_nano) for name in spans]
    assert all(served.start_time_unix_nano <= start <= end <= served.end_time_unix_nano for start, end in times)
    attributes = {a.key: a.value.string_value or a.value.int_value for a in served.attributes}
    assert attributes["http.route"] == "/predict"
    assert attributes["http.response.status_code"] == 200
    assert (attributes["mlp.model"], attributes["mlp.version"], attributes["mlp.images"]) == ("digits", 1, 1)
    assert collector.services == {"mlp"}
    assert (line["trace_id"], line["span_id"]) == (TRACE, served.span_id.hex())


def test_what_was_not_sent_yet_is_sent_when_a_worker_ends(published, collector):
    late = {"OTEL_BSP_SCHEDULE_DELAY": "600000", "OTEL_SERVICE_NAME": "reader"}
    with serving(published.root, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **late) as server:
        assert ask(server, b"too short", "application/octet-stream") == 422

    (refused,) = [span for span in collector.spans if span.name == "POST /predict"]
    assert {a.key: a.value.int_value for a in refused.attributes}["http.response.status_code"] == 422
    assert collector.services == {"reader"}


def test_without_traces_a_log_line_names_the_caller_s_span_and_ignores_what_is_no_traceparent(published):
    with serving(published.root) as server:
        raw = "application/octet-stream"
        ask(server, bytes(784), raw, **{"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "right"})
        ask(server, bytes(784), raw, **{"traceparent": f"00-{TRACE}-{PARENT}", "X-Request-Id": "wrong"})
        right, wrong = (server.wait_until(lambda r=r: logged(server, r)) for r in ("right", "wrong"))

    assert (right["trace_id"], right["span_id"]) == (TRACE, PARENT)
    assert not {"trace_id", "span_id"} & wrong.keys()


@pytest.mark.parametrize(
    ("environment", "imported"),
    [({}, False), ({"OTEL_SDK_DISABLED": "true"}, False), ({"OTEL_TRACES_EXPORTER": "none"}, False)],
)
def test_what_is_not_asked_for_is_not_imported(environment, imported):
    program = (
        "import sys; from service.app import create_app; from service.settings import Settings;"
        "app = create_app(Settings.load()); app.extensions['tracing'].start(Settings.load());"
        "print(app.extensions['tracing'].on, any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    collector = {} if not environment else {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**collector, **environment, "MLP_LOG_LEVEL": "error"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines()[-1] == f"False {imported}"
