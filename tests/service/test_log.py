import io
import json
import logging
import sys

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


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain/1", "plain/1"),
        ("two words", '"two words"'),
        ('a "b"', '"a \\"b\\""'),
        ("line\nbreak", '"line\\nbreak"'),
        ("separator\u2028", '"separator\\u2028"'),
        ({"production": 3}, '{"production":3}'),
        (None, "null"),
    ],
)
def test_a_value_in_a_line_of_text_cannot_be_taken_for_anything_else(value, written):
    record = logging.makeLogRecord({"msg": "request", "levelname": "INFO", "created": 0.0, "path": value, "n": 1})

    assert log.TextFormatter().format(record) == f"1970-01-01T00:00:00.000+00:00 INFO    request path={written} n=1"


def test_an_exception_in_text_follows_indented_whatever_it_says():
    def fail():
        raise ValueError("first\n2026-01-01T00:00:00 INFO    forged")

    try:
        fail()
    except ValueError:
        record = logging.makeLogRecord({"msg": "failed", "levelname": "ERROR", "exc_info": sys.exc_info()})

    lines = log.TextFormatter().format(record).splitlines()
    assert all(line.startswith("  ") for line in lines[1:])
    assert lines[-1].endswith("forged")
