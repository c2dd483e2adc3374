"""An answer → HTTP/1.1 as it is sent, and answers to what is not for the app."""

from http import HTTPStatus
from typing import Final

from pydantic_core import to_json

from service.answering import Answer
from service.clients import Clients

_STATUS_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


def head(answer: Answer, date: str, *, keep_alive: bool) -> bytes:
    """Give an answer's status line and headers, with the empty line behind them; `date` is a header's whole line."""
    lines = [f"{name}: {value}\r\n" for name, value in answer.headers]
    end = "\r\n" if keep_alive else "Connection: close\r\n\r\n"
    status = _STATUS_LINES.get(answer.status) or f"HTTP/1.1 {answer.status} \r\n"
    return "".join([status, date, *lines, end]).encode("latin-1")


def problem(status: HTTPStatus, detail: str, *headers: tuple[str, str]) -> Answer:
    """Give the answer that says what is wrong: application/problem+json, RFC 9457."""
    told = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    body = to_json(told) + b"\n"
    about = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body))), *headers]
    return Answer(status.value, about, body)


FULL: Final = problem(HTTPStatus.SERVICE_UNAVAILABLE, "there are too many connections", ("Retry-After", "1"))
"""What answers a client for whom there is no room."""


def full(clients: Clients) -> bytes:
    """Give all that such a client hears."""
    return head(FULL, clients.date, keep_alive=False) + FULL.body
