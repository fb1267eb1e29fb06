"""Who the client is, and what the backend is told about it."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest

from gateway.wire.messages import Request, Response
from gateway.wire.server.listener import Listener, WireRefusal
from gateway.wire.server.serve import start
from gateway.wire.settings import ServerSettings
from tests.wire.rig import OK, Answerer, answer, ask, client, proxy

CLAIMS = (
    b"X-Forwarded-For: 1.1.1.1\r\nX_Forwarded_For: 2.2.2.2\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n"
    b"X-Forwarded-Port: 1\r\nX-Forwarded-Whatever: 1\r\nForwarded: for=1.1.1.1\r\nX-Real-IP: 1.1.1.1\r\n"
    b"X-Original-URL: /admin\r\nX-Rewrite-URL: /admin\r\nX-Original-Host: evil\r\nTrue-Client-IP: 1.1.1.1\r\n"
    b"Client-Cert: :MIIB:\r\nX-ARR-ClientCert: MIIB\r\nX-HTTP-Host-Override: evil\r\n"
)


def exchange(fields: bytes, trusted: str | None = None) -> tuple[Request, bytes]:
    """The request as policies see it, and the forwarding fields that the backend gets."""
    networks = (ipaddress.ip_network(trusted),) if trusted else ()

    async def scenario() -> tuple[Request, bytes]:
        async with proxy(answer(OK), ServerSettings(trusted_proxies=networks, via="")) as p:
            await ask(p.server.port, b"GET / HTTP/1.1\r\nHost: front:81\r\n" + fields + b"\r\n")
            return p.application.seen[0], p.backend.received.split(b"\r\n", 2)[2]

    return asyncio.run(scenario())


@pytest.mark.parametrize("fields", [b"", CLAIMS], ids=["no claims", "every claim"])
@pytest.mark.parametrize("trusted", [None, "10.0.0.0/8"])
def test_rebuilds_what_an_untrusted_client_claims(fields: bytes, trusted: str | None) -> None:
    """Forwarding fields say what the connection says."""
    request, received = exchange(fields, trusted)
    assert received == b"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: front:81\r\n\r\n"
    assert (request.ip_address, request.scheme, request.host, request.port) == ("127.0.0.1", "http", "front", 81)


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        pytest.param(b"9.9.9.9", "9.9.9.9", id="one"),
        pytest.param(b"6.6.6.6, 9.9.9.9, 127.0.0.2", "9.9.9.9", id="nearest untrusted"),
        pytest.param(b"127.0.0.2, 127.0.0.3", "127.0.0.2", id="all trusted: the farthest"),
        pytest.param(b"9.9.9.9:5000", "9.9.9.9", id="with a port"),
        pytest.param(b"[2001:db8::1]:443, 127.0.0.2:1", "2001:db8::1", id="IPv6 with a port"),
        pytest.param(b"[2001:db8::1]", "2001:db8::1", id="IPv6 in brackets"),
        pytest.param(b"::ffff:9.9.9.9", "9.9.9.9", id="IPv4 in IPv6"),
        pytest.param(b"nonsense, 9.9.9.9", "9.9.9.9", id="nonsense that a stranger wrote"),
        pytest.param(b"9.9.9.9, , 127.0.0.2,", "9.9.9.9", id="empty members"),
        pytest.param(b"2001:db8::1", "2001:db8::1", id="IPv6"),
        pytest.param(b"", "127.0.0.1", id="empty"),
    ],
)
def test_believes_a_trusted_proxy(chain: bytes, address: str) -> None:
    """The client is the nearest address that is no trusted proxy, and the chain grows by this hop."""
    request, received = exchange(b"X-Forwarded-For: " + chain + b"\r\n", "127.0.0.0/8")
    assert request.ip_address == address
    members = [member.strip() for member in chain.split(b",") if member.strip()]
    assert received.startswith(b"X-Forwarded-For: " + b", ".join([*members, b"127.0.0.1"]) + b"\r\n")


@pytest.mark.parametrize(
    ("fields", "origin"),
    [
        pytest.param(
            b"X-Forwarded-For: 9.9.9.9\r\nX_Forwarded_For: 6.6.6.6", "http://front:81/ 9.9.9.9", id="underscore"
        ),
        pytest.param(
            b"X_Forwarded_Proto: https\r\nX_Forwarded_Host: evil", "http://front:81/ 127.0.0.1", id="underscores"
        ),
        pytest.param(
            b"X-Forwarded-For: 6.6.6.6, 9.9.9.9\r\nX-Forwarded-Proto: https, http\r\nX-Forwarded-Host: evil, good",
            "http://good/ 9.9.9.9",
            id="lists from the trusted end",
        ),
        pytest.param(
            b"X-Forwarded-For: 9.9.9.9, 127.0.0.2\r\nX-Forwarded-Proto: https, http\r\nX-Forwarded-Host: good",
            "https://good/ 9.9.9.9",
            id="what the same proxy wrote",
        ),
        pytest.param(
            b'Forwarded: for=6.6.6.6, for="[2001:db8::1]:4711";proto=https;host="api.example", for=127.0.0.2',
            "https://api.example/ 2001:db8::1",
            id="Forwarded",
        ),
        pytest.param(
            b"Forwarded: for=9.9.9.9:80;by=_a, ,", "http://front:81/ 9.9.9.9", id="Forwarded, a port unquoted"
        ),
        pytest.param(
            b"Forwarded: for=9.9.9.9\r\nX-Forwarded-For: 9.9.9.9", "http://front:81/ 9.9.9.9", id="both agree"
        ),
    ],
)
def test_reads_what_the_trusted_proxies_wrote(fields: bytes, origin: str) -> None:
    """Both families, each list from its trusted end; misspelt names, and what strangers wrote before, never count."""
    request, received = exchange(fields + b"\r\n", "127.0.0.0/8")
    assert f"{request.original_url} {request.ip_address}" == origin
    assert b"X_Forwarded" not in received


@pytest.mark.parametrize(
    "fields",
    [
        b"X-Forwarded-For: unknown",
        b"X-Forwarded-For: 9.9.9.9, nonsense",
        b"X-Forwarded-For: 9.9.9.9, unknown, 127.0.0.2",
        b"X-Forwarded-For: 010.1.1.1",
        b"X-Forwarded-For: 9.9.9.9:99999999",
        b"X-Forwarded-For: [2001:db8::1",
        b"X-Forwarded-For: fe80::1%eth0",
        b"Forwarded: for=unknown",
        b"Forwarded: for=_hidden",
        b"Forwarded: proto=https",
        b'Forwarded: for="9.9.9.9',
        b"Forwarded: nonsense",
        b"Forwarded: for=9.9.9.9\r\nX-Forwarded-For: 6.6.6.6",
        b"Forwarded: for=9.9.9.9;proto=https\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: http",
    ],
)
def test_refuses_an_address_that_cannot_be_read(fields: bytes) -> None:
    """The proxy's own address never takes the client's place: rules about addresses would judge the wrong one."""

    async def scenario() -> None:
        refused: list[WireRefusal] = []
        settings = ServerSettings(trusted_proxies=(ipaddress.ip_network("127.0.0.0/8"),))
        application = Answerer(lambda _: Response())
        listener = Listener(application, settings, refused.append)
        server = await start(listener)
        reply = await ask(server.port, b"GET / HTTP/1.1\r\nHost: h\r\n" + fields + b"\r\n\r\n")
        await server.aclose()
        assert (reply.status, [refusal.status for refusal in refused]) == (400, [400])
        assert not application.seen

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "name",
    ["X-MS-CLIENT-PRINCIPAL-ID", "CF-Connecting-IP", "X-SSL-Client-S-DN", "Remote-User", "X_Auth_Request_User",
     "X-Azure-ClientIP", "X-Original-URI", "x-remote-extra-scopes"],
)  # fmt: skip
def test_strangers_do_not_speak_for_other_products(name: str) -> None:
    """Fields in which other proxies and platforms state who the client is never arrive from an untrusted client."""
    request, received = exchange(name.encode() + b": claimed\r\nX-Other: kept\r\n")
    assert name not in request.headers
    assert b"claimed" not in received
    assert b"X-Other: kept" in received


def test_takes_scheme_and_host_from_a_trusted_proxy() -> None:
    """Behind a proxy that ends TLS the original URL is what the client used."""
    fields = b"X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: api.example\r\n"
    request, received = exchange(fields, "127.0.0.1/32")
    assert str(request.original_url) == "https://api.example/"
    assert b"X-Forwarded-Proto: https\r\nX-Forwarded-Host: api.example\r\n" in received


@pytest.mark.parametrize(
    "fields",
    [
        *[
            b"X-Forwarded-Host: " + host
            for host in [b"a b", b"a/b", b"u@a", b"a:99999", b"a:" + b"9" * 5000, b"a\xc3\xa9"]
        ],
        *[b"X-Forwarded-Proto: " + scheme for scheme in [b"file", b"https://", b"a b"]],
    ],
)
def test_refuses_what_even_a_trusted_proxy_cannot_mean(fields: bytes) -> None:
    """A proxy passes on what its clients wrote, so what it is believed about is checked like a client's own."""

    async def scenario() -> None:
        async with proxy(answer(OK), ServerSettings(trusted_proxies=(ipaddress.ip_network("127.0.0.0/8"),))) as p:
            reply = await ask(p.server.port, b"GET / HTTP/1.1\r\nHost: h\r\n" + fields + b"\r\n\r\n")
            assert reply.status == 400
            assert not p.application.seen

    asyncio.run(scenario())


@pytest.mark.parametrize("trusted", [None, "127.0.0.0/8"])
@pytest.mark.parametrize("name", [b"Proxy", b"PROXY", b"proxy"])
def test_no_client_names_the_proxy_of_a_cgi_program(trusted: str | None, name: bytes) -> None:
    """``Proxy`` ends here, whoever sends it: CGI hands it to programs as HTTP_PROXY (httpoxy)."""
    request, received = exchange(name + b": http://evil:1\r\n", trusted)
    assert "proxy" not in request.headers
    assert b"evil" not in received


@pytest.mark.parametrize(
    ("fields", "via"),
    [
        pytest.param(b"", b"Via: 1.1 here\r\n", id="the first"),
        pytest.param(
            b"Via: 1.0 fred, 1.1 p.example\r\n", b"Via: 1.0 fred, 1.1 p.example, 1.1 here\r\n", id="behind others"
        ),
    ],
)
def test_names_itself_in_via(fields: bytes, via: bytes) -> None:
    """The backend sees which intermediaries a request has passed, us last."""

    async def scenario() -> None:
        async with proxy(answer(OK), ServerSettings(via="here")) as p, client(p.server.port) as c:
            for _ in range(2):  # the second head is not read again
                c.send(b"GET / HTTP/1.1\r\nHost: h\r\n" + fields + b"\r\n")
                assert (await c.reply()).status == 200
            assert p.backend.received.count(via) == 2

    asyncio.run(scenario())
