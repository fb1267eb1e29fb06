"""A backend's head that varies the last one of its connection means what it means on a connection of its own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.settings import UpstreamSettings
from gateway.wire.upstream import head_reader
from gateway.wire.upstream.head_reader import HeadReader
from gateway.wire.upstream.response_head import ResponseError, ResponseHead, parse_response

BASE = ("HTTP/1.1 200 OK", "Date: 1", "Content-Type: a/b", "Content-Length: 3", "ETag: 1")

STATUS_LINES = ("HTTP/1.1 200 OK", "HTTP/1.1 204 No Content", "HTTP/1.1 304 ", "HTTP/1.0 200 OK", "HTTP/1.1 101 ")
FIELDS = (
    "Date: 1",
    "Date: 2",
    "date: 3",
    "ETag: \xe9\t",
    "ETag: \x01",
    "ETag: a\nb",
    "E Tag: 1",
    "ETag",
    "Content-Length: 0",
    "Content-Length: 3",
    "Content-Length: 3, 3",
    "Content-Length: 3, 4",
    "Content-Length: -1",
    "content_length: 7",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip",
    "Connection: close",
    "Connection: date",
    "Connection: upgrade",
    "Upgrade: websocket",
    "Keep-Alive: timeout=5",
    "Keep-Alive: timeout=9",
    "Set-Cookie: a",
    "Set-Cookie: b",
)
HEADS = st.tuples(st.sampled_from(STATUS_LINES), st.lists(st.sampled_from(FIELDS), max_size=6)).map(
    lambda parts: [parts[0], *parts[1]]
)


def meaning(reader: HeadReader, sent: list[str], method: str) -> object:
    """Everything that the head says, with what stands behind it, or how it is refused."""
    try:
        head = reader.read("\r\n".join([*sent, "", "xyz"]).encode("latin-1"), method)
    except ResponseError as refusal:
        return str(refusal)
    if head is None:
        return None
    lines = list(head.lines.items())
    return head.status, head.reason, lines, head.length, head.keep_alive, head.idle_s, head.upgrade, reader.rest


def reader() -> HeadReader:
    return HeadReader(UpstreamSettings(), lambda _: None)


@settings(max_examples=800)
@given(
    HEADS,
    st.dictionaries(st.integers(0, 6), st.sampled_from(STATUS_LINES + FIELDS), max_size=3),
    st.sampled_from(["GET", "HEAD"]),
)
def test_means_the_same(first: list[str], changes: dict[int, str], method: str) -> None:
    """Whatever head came before, and whatever lines of it change."""
    second = [changes.get(number, line) for number, line in enumerate(first)]
    connection = reader()
    for sent in (first, second, first, second):
        alone = meaning(reader(), sent, method)
        assert meaning(connection, sent, method) == alone
        if isinstance(alone, str):  # such a connection carries nothing more
            return


@pytest.mark.parametrize(
    ("at", "line", "method", "varies", "length"),
    [
        (1, "Date: 2", "GET", True, 3),
        (3, "Content-Length: 12", "GET", True, 12),
        (3, "Content-Length: 12", "HEAD", True, 0),
        (4, "ETag: \xe9\t2", "GET", True, 3),
        (1, "date: 2", "GET", False, 3),
        (2, "Content-Type: a\x7f", "GET", False, None),
        (0, "HTTP/1.1 404 Not Found", "GET", False, 3),
        (4, "Connection: close", "GET", False, 3),
    ],
)
def test_reads_only_what_has_changed(
    monkeypatch: pytest.MonkeyPatch, at: int, line: str, method: str, varies: bool, length: int | None
) -> None:
    """The usual changes cost no whole reading; an answer that was passed on keeps its own lines."""
    connection, parsed = reader(), list[str]()

    def noted(data: bytes, lines: list[str], method: str, max_fields: int) -> ResponseHead:
        parsed.append(lines[0])
        return parse_response(data, lines, method, max_fields)

    monkeypatch.setattr(head_reader, "parse_response", noted)
    for sent in (list(BASE), [*BASE[:at], line, *BASE[at + 1 :]]):
        data = "\r\n".join([*sent, "", ""]).encode("latin-1") + b"x" * 20
        try:
            head = connection.read(data, method)
        except ResponseError:
            assert length is None
        else:
            assert head is not None
            assert head.length == (length if sent[at] == line else 0 if method == "HEAD" else 3)
    assert len(parsed) == 2 - varies
