"""The gRPC listener: who may ask, how much, and how it stops and is reloaded with the gateway."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import pytest
import trustme
from grpc import aio

from gateway.assembly.app import build
from gateway.config import parse
from gateway.errors import LoadError
from gateway.reading.values import Address
from gateway.serving.envoy_listener import reserve
from gateway.serving.live import answering as answering_of
from tests.acceptance.rig import CONFIG, Product, product
from tests.data_plane.envoy.rig import CHECK, ENVOY, HEALTH, connected, healthy

PROCESSING = "\nenvoy: {{listen: 127.0.0.1:0, ext-proc: true}}\n"
STRANGERS = '\nenvoy: {{listen: "127.0.0.1:0", callers: [192.0.2.0/24]}}\n'
TLS = """
envoy:
  listen: 127.0.0.1:0
  tls: {{certificate: server.pem, key: server.key, client-ca: ca.pem}}
"""


def play(folder: Path, config: str, scenario: Callable[[Product], Awaitable[None]]) -> None:
    """Run *scenario* with a gateway that has the listener of *config*."""

    async def run() -> None:
        async with product(folder, config=CONFIG + config, warm=False) as whole:
            await scenario(whole)

    asyncio.run(run())


def test_health_and_draining(tmp_path: Path) -> None:
    """A gateway is serving until it drains; what it does not serve is not found."""

    async def scenario(whole: Product) -> None:
        async with connected(whole.envoy) as channel:
            assert await healthy(channel) == "SERVING"
            assert await healthy(channel, "nothing.of.the.kind") == "NOT_FOUND"
            whole.gateway.readiness.draining = True
            assert await healthy(channel) == "NOT_SERVING"

    play(tmp_path, ENVOY, scenario)


def test_strangers_may_not_ask(tmp_path: Path) -> None:
    """A peer that is not among the callers is refused; a reload that lists it lets its next question in, and back."""

    async def scenario(whole: Product) -> None:
        assert whole.live is not None
        assert whole.live.envoy is not None
        async with connected(whole.envoy) as channel:
            assert await healthy(channel) == "PERMISSION_DENIED"
            text = f"envoy: {{listen: '127.0.0.1:{whole.envoy}'}}"
            await whole.live.replace(build(parse(text, "config.yaml", tmp_path, os.environ), whole.live.current))
            assert await healthy(channel) == "SERVING"
        assert (whole.live.envoy.counts.refused, whole.live.envoy.counts.asked) == (1, 1)
        assert whole.live.envoy.counts.open == 0

    play(tmp_path, STRANGERS, scenario)


@pytest.mark.parametrize(
    ("peer", "admitted"),
    [
        ("ipv4:127.0.0.1:5000", True),
        ("ipv6:%5B::1%5D:5000", True),
        ("ipv6:[::ffff:127.0.0.1]:5000", True),
        ("ipv4:192.0.2.7:5000", False),
        ("unix:", False),
        ("", False),
        ("ipv4:127.0.0.1", True),
        ("ipv4:localhost:80", False),
    ],
)
def test_peers(peer: str, admitted: bool) -> None:
    """A peer is its address, in every form in which gRPC writes one; what has none may not ask."""
    gateway = build(parse("envoy: {listen: '127.0.0.1:0'}", "config.yaml", Path(), {}))
    answering = answering_of(gateway)
    assert answering.admits(peer) is answering.admits(peer) is admitted


def test_large_questions(tmp_path: Path) -> None:
    """A question beyond message-bytes is refused before it is read; the next one is answered."""

    async def scenario(whole: Product) -> None:
        async with connected(whole.envoy) as channel:
            with pytest.raises(aio.AioRpcError) as refusal:
                await channel.unary_unary(HEALTH)(b"\x0a" + b"\x80\x80\x08" + bytes(128 * 1024), timeout=5)
            assert refusal.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert await healthy(channel) == "SERVING"

    play(tmp_path, "\nenvoy: {{listen: 127.0.0.1:0, message-bytes: 16384}}\n", scenario)


@pytest.mark.parametrize("rubbish", [b"GET / HTTP/1.1\r\n\r\n", bytes(200), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" * 50])
def test_rubbish(tmp_path: Path, rubbish: bytes) -> None:
    """What is not HTTP/2 costs its own connection only."""

    async def scenario(whole: Product) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", whole.envoy)
        writer.write(rubbish)
        await asyncio.wait_for(reader.read(), 5)
        writer.close()
        async with connected(whole.envoy) as channel:
            assert await healthy(channel) == "SERVING"

    play(tmp_path, ENVOY, scenario)


def test_too_many_connections(tmp_path: Path) -> None:
    """One connection more than allowed is closed; those that are open stay."""

    async def scenario(whole: Product) -> None:
        async with connected(whole.envoy) as first, connected(whole.envoy) as second:
            assert await healthy(first) == await healthy(second) == "SERVING"
            async with connected(whole.envoy) as third:
                assert await healthy(third) in ("UNAVAILABLE", "DEADLINE_EXCEEDED")
            assert await healthy(first) == "SERVING"

    play(tmp_path, "\nenvoy: {{listen: 127.0.0.1:0, connections: 2}}\n", scenario)


def test_tls(tmp_path: Path) -> None:
    """With client-ca only an Envoy that has one of its certificates may connect; a reload renews the gateway's own."""
    authority, stranger = trustme.CA(), trustme.CA()

    def issue(name: str) -> None:
        own = authority.issue_cert("localhost", common_name=name)
        own.private_key_pem.write_to_path(tmp_path / "server.key")
        (tmp_path / "server.pem").write_bytes(b"".join(blob.bytes() for blob in own.cert_chain_pems))

    def shown(by: trustme.CA) -> grpc.ChannelCredentials:
        own = by.issue_cert("envoy.internal")
        chain = b"".join(blob.bytes() for blob in own.cert_chain_pems)
        return grpc.ssl_channel_credentials(authority.cert_pem.bytes(), own.private_key_pem.bytes(), chain)

    def presented(port: int) -> bytes | None:
        context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
        context.set_alpn_protocols(["h2"])
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as connection,
            context.wrap_socket(connection, server_hostname="localhost") as secured,
        ):
            return secured.getpeercert(binary_form=True)

    issue("first")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    async def scenario(whole: Product) -> None:
        assert whole.live is not None
        assert whole.live.envoy is not None
        async with connected(whole.envoy, shown(authority)) as channel:
            assert await healthy(channel) == "SERVING"
        for bad in (shown(stranger), grpc.ssl_channel_credentials(authority.cert_pem.bytes())):
            async with connected(whole.envoy, bad) as channel:
                assert await healthy(channel) == "UNAVAILABLE"
        before = presented(whole.envoy)
        assert presented(whole.envoy) == before
        issue("second")
        whole.live.envoy.renew_certificate()
        assert presented(whole.envoy) != before
        (tmp_path / "server.pem").write_text("broken")
        with pytest.raises(OSError, match="PEM"):
            whole.live.envoy.renew_certificate()
        async with connected(whole.envoy, shown(authority)) as channel:
            assert await healthy(channel) == "SERVING"

    play(tmp_path, TLS, scenario)


def test_a_stopped_listener_is_gone(tmp_path: Path) -> None:
    """When the gateway has stopped nothing answers on its port."""
    ports: list[int] = []

    async def scenario(whole: Product) -> None:
        async with connected(whole.envoy) as channel:
            assert await healthy(channel) == "SERVING"
        ports.append(whole.envoy)

    play(tmp_path, ENVOY, scenario)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", ports[0])) != 0


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration that needs the libraries is refused at load where they are missing, with the remedy."""
    config = parse("\nenvoy: {listen: '127.0.0.1:0'}", "config.yaml", tmp_path, {})
    monkeypatch.setitem(sys.modules, "grpc", None)
    with pytest.raises(LoadError, match="missing-extra") as refusal:
        build(config)
    assert refusal.value.problems[0].location.line == 2
    assert "apim-policy-gateway[envoy]" in refusal.value.problems[0].remedy


def test_an_address_in_use(tmp_path: Path) -> None:
    """A second gateway on the address is refused at the start: it would get half of the questions."""

    async def scenario(whole: Product) -> None:
        with pytest.raises(OSError, match="in use") as refusal:
            reserve(Address("127.0.0.1", whole.envoy))
        assert refusal.value.filename == f"127.0.0.1:{whole.envoy}"

    play(tmp_path, ENVOY, scenario)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("envoy: {listen: '127.0.0.1:8080'}", "conflict"),
        ("envoy: {listen: nowhere}", "bad-address"),
        ("envoy: {tls: {certificate: none.pem, key: none.pem}}", "no-such-file"),
        ("envoy: {message-bytes: 100}", "bad-value"),
        ("envoy: {streams-per-connection: 0}", "bad-value"),
        ("envoy: {callers: [everybody]}", "bad-network"),
        ("envoy: {port: 8083}", "unknown-key"),
    ],
)
def test_settings(tmp_path: Path, text: str, found: str) -> None:
    """What cannot be meant is refused at load."""
    with pytest.raises(LoadError, match=found):
        build(parse(text, "config.yaml", tmp_path, {}))


@pytest.mark.parametrize("message", [b"\xff\xff\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x02\x0a", bytes(9)])
def test_what_is_not_a_question(tmp_path: Path, message: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Octets that are not a message get an error, and gRPC logs nothing, however many there are."""

    async def scenario(whole: Product) -> None:
        async with connected(whole.envoy) as channel:
            with pytest.raises(aio.AioRpcError) as refusal:
                await channel.unary_unary(CHECK)(message, timeout=5)
            assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
            stream = channel.stream_stream("/envoy.service.ext_proc.v3.ExternalProcessor/Process")()
            await stream.write(message)
            assert await stream.code() != grpc.StatusCode.OK
            with pytest.raises(aio.AioRpcError):
                await channel.unary_unary("/envoy.service.auth.v2.Authorization/Check")(b"", timeout=5)
            assert await healthy(channel) == "SERVING"

    play(tmp_path, PROCESSING, scenario)
    assert [record.name for record in caplog.records if record.name.startswith("grpc")] == []
