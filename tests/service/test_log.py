import io
import json
import logging

import pytest

from service import log


@pytest.fixture
def lines(monkeypatch):
    """Everything that is logged during a test, one parsed object a line."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stdout", stream)
    loggers = [logging.getLogger(name) for name in ("service", "mlp")]
    before = [(logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    log.configure("info")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers[:], logger.propagate = handlers, propagate
        logger.setLevel(level)


def test_a_request_is_one_line_of_json(client, lines):
    client.post(
        "/predict", data=bytes(784 * 2), content_type="application/octet-stream", headers={"X-Request-Id": "r1"}
    )

    (line,) = lines()
    assert line.pop("time").endswith("+00:00")
    assert line.pop("ms") > 0
    assert line == {
        "level": "info",
        "event": "request",
        "request_id": "r1",
        "method": "POST",
        "path": "/predict",
        "status": 200,
        "bytes": 1568,
        "model": "digits",
        "version": 1,
        "images": 2,
    }


def test_a_line_break_in_a_path_does_not_begin_a_line(client, lines):
    client.get("/nothing%0A%7B%22event%22%3A%22forged%22%7D")

    (line,) = lines()
    assert line["path"] == '/nothing\n{"event":"forged"}'


def test_an_exception_is_in_its_line(lines):
    try:
        int("oh")
    except ValueError:
        logging.getLogger("service").exception("failed")

    (line,) = lines()
    assert "ValueError: invalid literal" in line["exception"]


def test_what_a_store_warns_of_is_in_the_log_too(lines):
    logging.getLogger("mlp").warning("the store does not answer", extra={"store": "s3://models"})

    (line,) = lines()
    assert (line["level"], line["event"], line["store"]) == ("warning", "the store does not answer", "s3://models")
