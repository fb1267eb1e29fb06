"""guard.py: no other site can make a browser read the console."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from gateway.management.guard import HEADERS, INSIDE, Guard, TokenRule, Visitors, guarded
from gateway.management.logins import Logins


def status(
    configured: str, fields: list[tuple[str, str]], server: tuple[str, int] = ("10.0.0.5", 8081), **rule: Any
) -> int:
    """The answer's status, whatever ``Host`` lines a client sends."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    headers = [(name.encode(), value.encode("latin-1")) for name, value in fields]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "server": server}
    asyncio.run(Guard(PlainTextResponse("secret"), configured, **rule)(scope, receive, send))
    answer: int = sent[0]["status"]
    return answer


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8081",
        "127.0.0.1",
        "127.0.0.1:8081",
        "127.9.9.9",
        "[::1]:8081",
        "[::1]",
        "console.internal:1",
    ],
)
def test_who_means_this_gateway(host: str) -> None:
    """Loopback in every spelling and the configured name are accepted, with any port because of tunnels."""
    assert status("console.internal", [("host", host)]) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8081",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example#localhost",
        "localhost@evil.example",
        "evil.example@localhost",
        "evil.example@127.0.0.1:8081",
        "10.0.0.5:8081",
        "[::ffff:10.0.0.5]",
        "0.0.0.0",
        "[::",
        "",
        ":8081",
        "localhost, evil.example",
    ],
)
def test_who_means_another_site(host: str) -> None:
    """Any other name or address is refused: a browser that sends it was lured here."""
    assert status("127.0.0.1", [("host", host)]) == 421


@pytest.mark.parametrize("fields", [[], [("host", "localhost"), ("host", "evil.example")]])
def test_one_host_and_no_other(fields: list[tuple[str, str]]) -> None:
    """Without Host, or with two, it is unclear which site is meant."""
    assert status("127.0.0.1", fields) == 421


@pytest.mark.parametrize(
    ("configured", "host", "answer"),
    [
        ("0.0.0.0", "10.0.0.5", 200),
        ("::", "10.0.0.5:8081", 200),
        ("0.0.0.0", "10.0.0.6", 421),
        ("0.0.0.0", "evil", 421),
    ],
)
def test_all_addresses(configured: str, host: str, answer: int) -> None:
    """A listener on all addresses may be called by the address of the connection, to which no foreign name is equal."""
    assert status(configured, [("host", host)]) == answer


def test_all_addresses_of_both_kinds() -> None:
    """Where it listens on `::`, a client that has come by IPv4 names the IPv4 address."""
    assert status("::", [("host", "10.0.0.5")], ("::ffff:10.0.0.5", 8081)) == 200
    assert status("::", [("host", "10.0.0.6")], ("::ffff:10.0.0.5", 8081)) == 421


def test_headers() -> None:
    """Every answer, a refusal too, forbids foreign scripts, frames, other origins and storing."""

    async def ask(host: str) -> httpx2.Response:
        transport = httpx2.ASGITransport(Guard(PlainTextResponse("x"), "127.0.0.1"))
        async with httpx2.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return await client.get("/")

    for host in ("localhost", "evil.example"):
        answer = asyncio.run(ask(host))
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "fields", [[], [("host", "10.9.9.9:8081")], [("host", "[2001:db8::1]")], [("host", "Scraper.X")]]
)
def test_programs_are_served(fields: list[tuple[str, str]]) -> None:
    """Load balancers name an address or nothing, scrapers a configured name: no lured browser sends those."""
    assert status("127.0.0.1", fields, names=["scraper.x"], programs=True) == 200


@pytest.mark.parametrize("host", ["evil.example", "scraper.x.evil.example", "127.0.0.1.evil.example", ""])
def test_programs_that_a_browser_can_be(host: str) -> None:
    """A name that nobody configured is another site's, whatever is read."""
    assert status("127.0.0.1", [("host", host)], names=["scraper.x"], programs=True) == 421


TOKEN = "0123456789abcdef"
SHOWN = f"Bearer {TOKEN}".encode()


def asked(
    visitors: Visitors, kind: str, shown: bytes | None, server: tuple[str, int | None], inside: bool = False
) -> httpx2.Response:
    """What a page behind the guard *kind* answers to a request to 10.0.0.5, on a connection to *server*."""

    async def secret(_: Request) -> Response:
        return PlainTextResponse("secret")

    guards = {"pages": visitors.pages, "programs": visitors.programs, "probes": visitors.probes}
    route = guarded([("/", secret)], guards[kind]())[0]

    async def behind(scope: Scope, receive: Receive, send: Send) -> None:
        await route.handle({**scope, "server": server, INSIDE: inside}, receive, send)

    async def ask() -> httpx2.Response:
        transport = httpx2.ASGITransport(behind)
        async with httpx2.AsyncClient(transport=transport, base_url="http://10.0.0.5:8081") as client:
            return await client.get("/", headers=[] if shown is None else [(b"authorization", shown)])

    return asyncio.run(ask())


REMOTE, LOOPBACK = ("10.0.0.5", 8081), ("127.0.0.1", 8081)
# configured address, token, where the connection came to, what it shows → the answer's status
RULE: dict[str, tuple[str, str | None, tuple[str, int | None], bytes | None, int]] = {
    "beyond, none configured": ("0.0.0.0", None, REMOTE, None, 403),
    "beyond, none configured, one shown": ("0.0.0.0", None, REMOTE, SHOWN, 403),
    "beyond, by a tunnel": ("0.0.0.0", None, LOOPBACK, None, 403),
    "a name is beyond": ("console.internal", None, LOOPBACK, None, 403),
    "beyond, not shown": ("0.0.0.0", TOKEN, REMOTE, None, 401),
    "beyond, shown": ("0.0.0.0", TOKEN, REMOTE, SHOWN, 200),
    "beyond, any case of the scheme": ("0.0.0.0", TOKEN, REMOTE, f"bearer {TOKEN}".encode(), 200),
    "beyond, another one": ("0.0.0.0", TOKEN, REMOTE, b"Bearer 0123456789abcdeF", 401),
    "beyond, its beginning": ("0.0.0.0", TOKEN, REMOTE, b"Bearer 0123", 401),
    "beyond, another scheme": ("0.0.0.0", TOKEN, REMOTE, f"Basic {TOKEN}".encode(), 401),
    "beyond, not ASCII": ("0.0.0.0", TOKEN, REMOTE, b"Bearer \xe9", 401),
    "loopback, none configured": ("127.0.0.1", None, LOOPBACK, None, 200),
    "localhost, none configured": ("LocalHost", None, LOOPBACK, None, 200),
    "loopback, but a socket that was passed in": ("127.0.0.1", None, REMOTE, None, 403),
    "loopback, not shown": ("127.0.0.1", TOKEN, LOOPBACK, None, 401),
    "loopback, shown": ("127.0.0.1", TOKEN, LOOPBACK, SHOWN, 200),
    "a socket file, none configured": ("localhost", None, ("/run/gateway/management.sock", None), None, 200),
    "a socket file, not shown": ("localhost", TOKEN, ("/run/gateway/management.sock", None), None, 401),
    "a socket file, shown": ("localhost", TOKEN, ("/run/gateway/management.sock", None), SHOWN, 200),
}


@pytest.mark.parametrize(("host", "token", "server", "shown", "answer"), RULE.values(), ids=RULE.keys())
def test_token(host: str, token: str | None, server: tuple[str, int | None], shown: bytes | None, answer: int) -> None:
    """Where other machines can connect, or a token is configured, nothing is read without it; probes need none."""
    visitors = Visitors(host, ["10.0.0.5"], Logins(token))
    for kind in ("pages", "programs"):
        assert asked(visitors, kind, shown, server).status_code == answer, kind
    assert asked(visitors, "probes", None, server).status_code == 200


def test_the_gateway_itself() -> None:
    """Over a worker's own socket, in a private folder, the gateway's management process shows no token."""
    own = ("/run/worker.sock", None)
    visitors = Visitors("0.0.0.0", ["10.0.0.5"], Logins(TOKEN))
    assert asked(visitors, "programs", None, own, inside=True).status_code == 200
    assert asked(visitors, "programs", None, own).status_code == 401


def test_refusal_names_the_remedy() -> None:
    """Without a configured token the answer says what to set; with one, how to send it. No answer has it."""
    unset = asked(Visitors("0.0.0.0"), "programs", None, REMOTE)
    assert "console: {token: {env: NAME}}" in unset.text
    missing = asked(Visitors("0.0.0.0", (), Logins(TOKEN)), "programs", None, REMOTE)
    assert missing.headers["www-authenticate"] == 'Bearer realm="management"'
    assert TOKEN not in missing.text


def test_two_tokens() -> None:
    """Two Authorization fields are none: a proxy may have judged the other one."""
    fields = [("host", "localhost"), *[("authorization", f"Bearer {TOKEN}")] * 2]
    assert status("127.0.0.1", fields, token_rule=TokenRule(Logins(TOKEN), is_private=True)) == 401
