"""Collectors that answer badly: what comes back is bounded, and only a 2xx counts as taken."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests
from structlog.testing import capture_logs

from gateway.telemetry.otel.batches import SignalCounts
from gateway.telemetry.otel.http_session import MAX_ANSWER_BYTES, BoundedSession

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


@contextmanager
def collector(respond: Callable[[socket.socket], object]) -> Iterator[tuple[str, list[tuple[int, bytes]]]]:
    """Answers each request with *respond*: its URL, and what comes, with the number of its connection."""
    received: list[tuple[int, bytes]] = []

    def serve(connection: socket.socket, number: int) -> None:
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(65_536):
                received.append((number, data))
                if data.endswith(b"end"):
                    respond(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            for number in range(10):
                threading.Thread(target=serve, args=[listener.accept()[0], number], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1/traces", received
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _endless(sent: list[int]) -> Callable[[socket.socket], None]:
    def respond(connection: socket.socket) -> None:
        connection.sendall(HEAD % (1 << 40))
        while True:
            sent.append(connection.send(b"x" * 65_536))

    return respond


def _slow(connection: socket.socket) -> None:
    connection.sendall(HEAD % 1000)
    while True:
        connection.sendall(b"x")
        time.sleep(0.01)


def _redirect(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 307 Go\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n")


def test_an_endless_answer() -> None:
    """No more than the limit is read of it, and the export counts as its status says."""
    sent: list[int] = []
    with collector(_endless(sent)) as (url, _), BoundedSession() as session:
        assert session.request("POST", url, data=b"end", timeout=5).status_code == 200
    assert sum(sent) < MAX_ANSWER_BYTES + 16_000_000  # what the system's buffers took, besides


def test_a_slow_answer() -> None:
    """A body that comes byte by byte holds no one longer than the time-out."""
    with collector(_slow) as (url, _), BoundedSession() as session:
        assert session.request("POST", url, data=b"end", timeout=0.05).content == b""


def test_a_redirect_is_no_success() -> None:
    """It is not followed either: header fields with keys would go elsewhere."""
    with collector(_redirect) as (url, received), BoundedSession() as session, pytest.raises(requests.TooManyRedirects):
        session.request("POST", url, data=b"end", timeout=5)
    assert b"/else" not in b"".join(data for _, data in received)


def test_connections_are_kept() -> None:
    """An answer that was read leaves its connection to the next export."""

    def respond(connection: socket.socket) -> None:
        connection.sendall(HEAD % 2 + b"ok")

    with collector(respond) as (url, received), BoundedSession() as session:
        assert [session.request("POST", url, data=b"end", timeout=5).status_code for _ in range(3)] == [200] * 3
    assert {number for number, _ in received} == {0}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "HTTP 401"), (b"nonsense\r\n\r\n", "ConnectionError")],
)
def test_why_an_export_failed(answer: bytes, reason: str) -> None:
    """The line in the log has the status, or the kind of error, and nothing that the collector wrote."""
    counts = SignalCounts("traces")

    def export() -> bool:
        with contextlib.suppress(requests.RequestException):
            session.request("POST", url, data=b"end", timeout=5)
        return False

    def respond(connection: socket.socket) -> None:
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    with collector(respond) as (url, _), BoundedSession() as session, capture_logs() as lines:
        counts.export(export, 1)
    assert [line["reason"] for line in lines] == [reason]
