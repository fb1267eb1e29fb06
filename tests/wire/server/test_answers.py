"""The head of an answer: its status line, the fields that the wire owns, and the default error body."""

from __future__ import annotations

import json

import pytest

from gateway.wire.headers import Headers
from gateway.wire.messages import Response
from gateway.wire.server.answers import error_response, render_head, render_interim, status_line

DATE = "Date: Mon, 30 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize("message", ["plain", 'with "quotes"', "with\r\nline ends", "ä"])
def test_the_default_error_body(message: str) -> None:
    """JSON whatever the message holds."""
    answer = error_response(401, message, [("WWW-Authenticate", "Bearer")])
    assert json.loads(answer.body.content) == {"statusCode": 401, "message": message}
    assert dict(answer.headers) == {"Content-Type": "application/json", "WWW-Authenticate": "Bearer"}


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        ("OK", "HTTP/1.1 200 OK\r\n"),
        ("", "HTTP/1.1 200 \r\n"),
        ("a\r\nX: 1", "HTTP/1.1 200 aX: 1\r\n"),
        ("\u20ac\x00\x7f", "HTTP/1.1 200 \r\n"),
        ("\u00e9", "HTTP/1.1 200 \u00e9\r\n"),
    ],
    ids=["usual", "empty", "line end", "unprintable", "latin-1"],
)
def test_a_status_line_is_one_line(reason: str, line: str) -> None:
    """Marks that would break the line are left out, on the first use and from the cache."""
    assert status_line(200, reason) == line
    assert status_line(200, reason) == line


@pytest.mark.parametrize(
    ("fields", "status", "framing", "lines"),
    [
        ([("A", "1"), ("A", "2")], 200, "Content-Length: 0\r\n", ["A: 1", "A: 2", "Content-Length: 0", DATE]),
        ([("Date", "then")], 200, "", ["Date: then"]),
        (
            [("Content-Length", "7"), ("Connection", "x"), ("A", "1")],
            200,
            "Content-Length: 0\r\n",
            ["A: 1", "Content-Length: 0", DATE],
        ),
        ([], 204, "", [DATE]),
        ([("Upgrade", "h2c")], 200, "", [DATE]),
        ([("Upgrade", "h2c")], 426, "", ["Upgrade: h2c", "Connection: upgrade", DATE]),
        ([("Upgrade", "h2c")], 426, "Connection: close\r\n", ["Upgrade: h2c", "Connection: upgrade, close", DATE]),
    ],
    ids=["fields", "own date", "owned fields", "nothing", "no upgrade", "upgrade", "upgrade and close"],
)
def test_a_head(fields: list[tuple[str, str]], status: int, framing: str, lines: list[str]) -> None:
    """The fields in order, the framing of the wire instead of the policies', and one Date. Source: RFC 9110 §6.6.1."""
    head = render_head(Response(status, Headers(fields), reason="R"), framing, DATE).decode("latin-1")
    first, *rest = head.split("\r\n")
    assert first == f"HTTP/1.1 {status} R"
    assert rest == [*lines, "", ""]


def test_an_interim_head() -> None:
    """Its fields without those that the wire owns, and no Date."""
    response = Response(103, Headers([("Link", "</a>"), ("Connection", "close")]), reason="Early Hints")
    assert render_interim(response) == b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
