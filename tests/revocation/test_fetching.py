"""Fetching from URLs that stand in certificates: bounded, and never inwards unless that is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.revocation import fetching
from gateway.revocation.evidence import Undecided
from gateway.revocation.fetching import Fetcher
from tests.wire.rig import answer_and_close, backend

Scenario = Callable[[], Awaitable[None]]


def refusal(url: str, fetcher: Fetcher) -> str:
    """Why *url* is not fetched."""

    async def scenario() -> str:
        try:
            with pytest.raises(Undecided) as caught:
                await fetcher.get(url)
            return str(caught.value)
        finally:
            await fetcher.aclose()

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    "url",
    [
        "ldap://ldap.test/cn=ca?certificateRevocationList",
        "file:///etc/passwd",
        "http://user:word@crl.test/",
        "http:///ca.crl",
        "http://[::1/",
        "http://crl.test/" + "a" * 3_000,
        "",
    ],
)
def test_urls_that_are_not_fetched(url: str) -> None:
    """Only plain http and https URLs are fetched."""
    assert refusal(url, Fetcher(1.0, allow_private=True))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "localhost", "169.254.169.254", "[::1]", "10.0.0.1"])
def test_nothing_inside_is_called(host: str) -> None:
    """A certificate cannot make the gateway call something of ours."""
    assert "must not be called" in refusal(f"http://{host}/ca.crl", Fetcher(1.0))


def test_the_switch_for_closed_networks_is_narrow() -> None:
    """Where private networks are allowed, metadata services still are not."""
    assert "must not be called" in refusal("http://169.254.169.254/ca.crl", Fetcher(1.0, allow_private=True))


ANSWERS = [
    ("answer is 404", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    ("answer is 302", b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"),
    ("longer than", b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"a" * 2_000),
    ("cannot be fetched", b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\nabc"),
    ("cannot be fetched", b"SSH-2.0-OpenSSH\r\n"),
]


@pytest.mark.parametrize(("reason", "answer"), ANSWERS)
def test_answers_that_are_none(reason: str, answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors, redirects, endless and broken answers are no list."""
    monkeypatch.setattr(fetching, "MAX_BYTES", 1_000)

    async def scenario() -> None:
        async with backend(answer_and_close(answer)) as server:
            fetcher = Fetcher(1.0, allow_private=True)
            with pytest.raises(Undecided, match=reason):
                await fetcher.get(f"http://127.0.0.1:{server.port}/ca.crl")
            await fetcher.aclose()

    asyncio.run(scenario())


def test_silence_is_bounded() -> None:
    """A server that never answers costs the time-out and no more."""

    async def silent(*_: object) -> None:
        await asyncio.sleep(30)

    async def scenario() -> None:
        async with backend(silent) as server:
            fetcher = Fetcher(0.1, allow_private=True)
            with pytest.raises(Undecided, match="no answer within"):
                await fetcher.get(f"http://127.0.0.1:{server.port}/ca.crl")
            await fetcher.aclose()

    asyncio.run(scenario())
