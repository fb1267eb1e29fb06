"""Client certificates over a real TLS handshake: the revoked one is refused, by default."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.assembly.app import build
from gateway.config import parse
from gateway.errors import LoadError
from gateway.wire.server.serve import start
from tests.nginx import free_port
from tests.revocation.pki import Authority, Identity, openssl_responder

POLICY = """
<policies><inbound><base /><validate-client-certificate>
  <identities><identity issuer-subject="CN=Test CA" /></identities>
</validate-client-certificate><return-response><set-status code="204" /></return-response></inbound></policies>
"""
REQUEST = b"GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def configuration(folder: Path, authority: Authority, revocation: str) -> str:
    """The text of a configuration; its files are in *folder*."""
    server = authority.issue("localhost")
    files = [("ca.pem", authority.own.pem), ("server.pem", server.pem), ("server.key", server.key_pem)]
    for name, content in [*files, ("policy.xml", POLICY.encode())]:
        (folder / name).write_bytes(content)
    return (
        f"tls: {{certificate: server.pem, key: server.key, client-ca: ca.pem, revocation: {revocation}}}\n"
        "apis: [{id: a, path: a, service-url: 'http://127.0.0.1:9', policy: policy.xml}]\n"
    )


async def status(folder: Path, port: int, client: Identity | None) -> int:
    """The status that *client* gets."""
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    if client is not None:
        (folder / "client.pem").write_bytes(client.pem + client.key_pem)
        context.load_cert_chain(str(folder / "client.pem"))
    reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    writer.write(REQUEST)
    head = await reader.readline()
    writer.close()
    return int(head.split()[1])


async def statuses(folder: Path, config: str, clients: Sequence[Identity | None]) -> list[int]:
    """The statuses that *clients* get from a gateway with *config*, each asked twice."""
    parsed = parse(config, "config.yaml", folder, {})
    gateway = build(parsed)
    await gateway.start()
    server = await start(gateway.dispatcher, tls=parsed.tls)
    try:
        return [await status(folder, server.port, each) for each in clients for _ in range(2)]
    finally:
        await server.aclose()
        await gateway.aclose()


@pytest.mark.needs("openssl")
def test_a_responder_decides(tmp_path: Path) -> None:
    """A good certificate passes; a revoked one, one whose responder is down, and no certificate do not."""

    async def scenario() -> None:
        authority, port = Authority(), free_port()
        good, gone = (authority.issue(name, ocsp_url=f"http://127.0.0.1:{port}/") for name in ("good", "gone"))
        lost = authority.issue("lost", ocsp_url=f"http://127.0.0.1:{free_port()}/")
        config = configuration(tmp_path, authority, "{allow-private-networks: true, timeout: 2s}")
        async with openssl_responder(tmp_path, authority, port, [gone]):
            found = await statuses(tmp_path, config, [good, gone, lost, None])
        assert found == [204, 204, 403, 403, 403, 403, 403, 403]

    asyncio.run(scenario())


def test_a_file_decides_in_a_closed_network(tmp_path: Path) -> None:
    """A revocation list of the configuration is enough, and nothing is fetched."""
    authority = Authority()
    good, gone = authority.issue("good"), authority.issue("gone")
    (tmp_path / "ca.crl").write_bytes(authority.crl([gone]))
    config = configuration(tmp_path, authority, "{crl-files: [ca.crl]}")
    assert asyncio.run(statuses(tmp_path, config, [good, gone])) == [204, 204, 403, 403]


def test_inner_addresses_are_not_called_unasked(tmp_path: Path) -> None:
    """A responder on this machine decides nothing unless private networks are allowed."""
    authority = Authority()
    client = authority.issue("client", ocsp_url=f"http://127.0.0.1:{free_port()}/")
    assert asyncio.run(statuses(tmp_path, configuration(tmp_path, authority, "{}"), [client])) == [403, 403]


@pytest.mark.parametrize(("name", "code"), [("ca.crl", "bad-revocation-list"), ("ca.pem", "bad-certificate")])
def test_files_that_are_none(tmp_path: Path, name: str, code: str) -> None:
    """A list or a bundle that cannot be read is refused at load, with its place."""
    authority = Authority()
    (tmp_path / "ca.crl").write_bytes(authority.crl())
    config = configuration(tmp_path, authority, "{crl-files: [ca.crl]}")
    (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(LoadError, match=f"config.yaml:1.*{code}"):
        build(parse(config, "config.yaml", tmp_path, {}))
