"""Fetching over real sockets: bounded in time and size, no redirects, private certificate authorities."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import threading
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from gateway.tokens.fetch import FetchResult, HttpFetch, inflate
from gateway.tokens.issuer_error import IssuerError

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def raw(head: str, body: bytes = b"") -> Answer:
    """An answer of exactly these bytes."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()

    return answer


async def _endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def _dripping(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def _silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def _hanging_up(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def fetched(answer: Answer, fetch: HttpFetch, tls: ssl.SSLContext | None = None) -> FetchResult:
    """What *fetch* makes of a server that gives *answer*."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        return await fetch(f"{'https' if tls else 'http'}://localhost:{port}/keys")
    finally:
        server.close()


def test_answer() -> None:
    """Status, body and Retry-After arrive."""
    result = asyncio.run(fetched(raw("429 Busy\r\nRetry-After: 120", b"{}"), HttpFetch()))
    assert result == FetchResult(429, b"{}", 120.0)


def test_compressed_answer() -> None:
    """A server that compresses although it was asked not to is still understood."""
    body = gzip.compress(b'{"keys":[]}')
    assert asyncio.run(fetched(raw("200 OK\r\nContent-Encoding: gzip", body), HttpFetch())).body == b'{"keys":[]}'


def test_redirects_are_not_followed() -> None:
    """A redirect is an answer like any other, and an answer that is not 200 is a failure for the reader."""
    assert asyncio.run(fetched(raw("302 Found\r\nLocation: http://169.254.169.254/"), HttpFetch())).status == 302


HOSTILE: dict[str, tuple[Answer, str]] = {
    "endless": (_endless, "larger than 100000 bytes"),
    "dripping": (_dripping, "no answer within 0.3 s"),
    "silent": (_silent, "no answer within 0.3 s"),
    "hanging up": (_hanging_up, "cannot be reached"),
    "not HTTP": (raw("garbage\0"), "cannot be reached"),
    "bomb": (
        raw("200 OK\r\nContent-Encoding: gzip", gzip.compress(b"0" * 50_000_000)),
        "larger than 100000 bytes when",
    ),
    "unknown coding": (raw("200 OK\r\nContent-Encoding: br", b"x"), "unknown Content-Encoding"),
}


@pytest.mark.parametrize(("answer", "why"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_endpoints(answer: Answer, why: str) -> None:
    """Time and memory stay bounded, and the failure is an IssuerError that says why."""
    with pytest.raises(IssuerError, match=why):
        asyncio.run(fetched(answer, HttpFetch(timeout_s=0.3 if "0.3 s" in why else 10, max_bytes=100_000)))


def test_nobody_listens() -> None:
    """A refused connection is a failure like any other."""
    with pytest.raises(IssuerError, match="cannot be reached"):
        asyncio.run(HttpFetch()("http://127.0.0.1:1/"))


def test_private_certificate_authority(tmp_path: Path) -> None:
    """An issuer behind a private CA is trusted with its file, and only with it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    assert asyncio.run(fetched(raw("200 OK", b"{}"), HttpFetch(str(tmp_path / "ca.pem")), tls)).status == 200
    with pytest.raises(IssuerError, match="cannot be reached"):
        asyncio.run(fetched(raw("200 OK", b"{}"), HttpFetch(), tls))


def test_authorities_are_read_once_and_never_on_the_loop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Reading them takes longer than a turn of the loop may: it waits in a thread, and the next fetch shares them."""
    authorities, readers = tmp_path / "ca.pem", list[threading.Thread]()
    trustme.CA().cert_pem.write_to_path(str(authorities))
    read = ssl.create_default_context

    def noted(*arguments: Any, **options: Any) -> ssl.SSLContext:
        readers.append(threading.current_thread())
        return read(*arguments, **options)

    monkeypatch.setattr(ssl, "create_default_context", noted)
    fetch = HttpFetch(str(authorities))
    for _ in range(2):
        assert asyncio.run(fetched(raw("200 OK", b"{}"), fetch)).status == 200
    assert len(readers) == 1
    assert readers[0] is not threading.main_thread()


def test_missing_ca_file() -> None:
    """A CA file that is gone makes the issuer fail, not the gateway."""
    with pytest.raises(IssuerError, match="cannot be reached"):
        asyncio.run(HttpFetch("/nowhere/ca.pem")("https://localhost/"))


@pytest.mark.parametrize(
    ("body", "coding", "expected"),
    [
        (b"x", "", b"x"),
        (b"x", " Identity", b"x"),
        (gzip.compress(b"x", mtime=0), "GZIP", b"x"),
        (zlib.compress(b"x"), "deflate", b"x"),
    ],
)
def test_inflate(body: bytes, coding: str, expected: bytes) -> None:
    """Codings are named in any case."""
    assert inflate(body, coding, 10) == expected


@pytest.mark.parametrize("body", [b"x", b"not gzip at all", gzip.compress(b"x" * 9, mtime=0)[:-9]])
def test_broken_coding(body: bytes) -> None:
    """A body that does not unpack, or is cut off, is a failure."""
    with pytest.raises(IssuerError, match="broken"):
        inflate(body, "gzip", 10)
