"""Redirects that the gateway follows: same origin, repeatable body, bounded."""

from __future__ import annotations

import asyncio

import pytest

from gateway.wire.body import Body, BodyStream
from gateway.wire.messages import ForwardOptions, Request, Response
from gateway.wire.upstream.http_target import HttpTarget
from tests.wire.rig import OK, Backend, answer, backend

FOLLOW = ForwardOptions(follow_redirects=True)


def redirect(location: str, status: int = 302) -> bytes:
    """A redirect with a small body."""
    return f"HTTP/1.1 {status} R\r\nLocation: {location}\r\nContent-Length: 2\r\n\r\nno".encode()


def follow(answers: list[bytes], request: Request, base: str = "/base") -> tuple[Response, Backend]:
    """The final response, and the backend as it was asked."""

    async def scenario() -> tuple[Response, Backend]:
        async with backend(answer(*answers)) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}{base}")
            response = await target.send(request, FOLLOW)
            await target.aclose()
            return response, behind

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("location", "line"),
    [
        ("/base/b?c=d", b"GET /base/b?c=d HTTP/1.1"),
        ("b", b"GET /base/b HTTP/1.1"),
        ("./b", b"GET /base/b HTTP/1.1"),
        ("?e", b"GET /base/a?e HTTP/1.1"),
    ],
)
def test_follows_within_the_backend(location: str, line: bytes) -> None:
    """A redirect within the base path is followed, relative or not."""
    response, behind = follow([redirect(location), OK], Request("GET", "/a"))
    assert (response.status_code, response.body.content) == (200, b"ok")
    assert line in behind.received


@pytest.mark.parametrize(
    "location",
    ["http://other.example/base/b", "https://127.0.0.1/base/b", "/outside", "/base/../x", "/base/%2e%2e/x", "http://["],
)
def test_passes_other_redirects_on(location: str) -> None:
    """Credentials never follow a redirect to another origin, or out of the base path."""
    response, behind = follow([redirect(location), OK], Request("GET", "/a"))
    assert response.status_code == 302
    assert behind.received.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    ("status", "method", "second"),
    [
        (301, "POST", b"GET"),
        (302, "POST", b"GET"),
        (303, "PUT", b"GET"),
        (303, "HEAD", b"HEAD"),
        (307, "POST", b"POST"),
        (308, "PUT", b"PUT"),
    ],
)
def test_changes_the_method_as_the_status_says(status: int, method: str, second: bytes) -> None:
    """303, and POST on 301 and 302, become GET without body; 307 and 308 repeat the request."""
    if method == "HEAD":
        answers = [redirect("b", status).removesuffix(b"no"), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"]
        request = Request(method, "/a")
    else:
        answers, request = [redirect("b", status), OK], Request(method, "/a", body=Body(b"abc"))
    _, behind = follow(answers, request)
    assert second + b" /base/b HTTP/1.1" in behind.received
    assert behind.received.endswith(b"abc") is (second in (b"POST", b"PUT"))


def test_stops_after_five() -> None:
    """A loop of redirects ends with the redirect as the answer."""
    response, behind = follow([redirect("b")], Request("GET", "/a"))
    assert response.status_code == 302
    assert behind.received.count(b"HTTP/1.1") == 6


def test_does_not_repeat_a_stream() -> None:
    """A body that has flowed through is gone: the redirect is the client's business."""

    async def scenario() -> None:
        async with backend(answer(redirect("b", 307))) as behind:
            stream = BodyStream(3)
            target = HttpTarget(f"http://127.0.0.1:{behind.port}")
            pending = target.send(Request("POST", "/a", body=Body(stream=stream)), FOLLOW)
            stream.feed(b"abc")
            stream.finish()
            assert (await pending).status_code == 307
            await target.aclose()

    asyncio.run(scenario())


def test_cancelling_and_failing_reach_through() -> None:
    """Whoever cancels, or whatever fails, the redirected request is one request."""

    async def scenario() -> None:
        async with backend(answer(b"")) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}")
            pending = target.send(Request("GET", "/a"), FOLLOW)
            await asyncio.sleep(0.05)
            pending.cancel()
            await asyncio.sleep(0.05)
            assert target.pool.size == 0
        refused = target.send(Request("GET", "/a"), FOLLOW)
        with pytest.raises(Exception, match="No connection"):
            await refused

    asyncio.run(scenario())
