"""A whole gateway whose documents choose how backends are reached: HTTP/2, and a client certificate."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.assembly.app import build
from gateway.config import parse
from gateway.wire.messages import Response
from gateway.wire.server.serve import start
from tests.wire.rig import Answerer, Reply, ask, serving
from tests.wire.server.test_serve import Files
from tests.wire.test_http2_nginx import target_behind_nginx

CONFIG = """
backends: {{orders: {{url: 'https://localhost:{port}', tls: {{ca-file: {ca}}}}}}}
certificates: {{mine: {{file: {client}}}}}
apis: [{{id: a, path: a, backend: orders, policy: policy.xml}}]
"""
POLICY = "<policies><inbound>{0}</inbound><backend>{1}</backend></policies>"
GET = b"GET /a/ok HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Certificates of one authority."""
    return Files(tmp_path_factory.mktemp("tls"))


async def asked(
    folder: Path, files: Files, port: int, inbound: str = "", forward: str = "<forward-request />"
) -> Reply:
    """What a client gets from a gateway in front of *port*."""
    (folder / "policy.xml").write_text(POLICY.format(inbound, forward))
    text = CONFIG.format(port=port, ca=files.ca, client=files.client)
    gateway = build(parse(text, "config.yaml", folder, {}))
    await gateway.start()
    server = await start(gateway.dispatcher)
    try:
        return await ask(server.port, GET)
    finally:
        await server.aclose()
        await gateway.aclose()


@pytest.mark.needs("nginx")
@pytest.mark.parametrize(("version", "protocol"), [("1", "HTTP/1.1"), ("2or1", "HTTP/2.0"), ("2", "HTTP/2.0")])
def test_the_document_chooses_the_protocol(tmp_path: Path, files: Files, version: str, protocol: str) -> None:
    """forward-request determines the protocol to nginx, and the backend's own authority is sent."""

    async def scenario() -> None:
        async with target_behind_nginx(tmp_path, "ssl http2", files) as target:
            forward = f'<forward-request http-version="{version}" />'
            reply = await asked(tmp_path, files, target.url.port, forward=forward)
            assert (reply.status, reply.field("X-Protocol"), reply.body) == (200, protocol, b"ok")

    asyncio.run(scenario())


def test_the_document_chooses_the_certificate(tmp_path: Path, files: Files) -> None:
    """authentication-certificate presents it to a backend that demands one; without the policy there is no answer."""

    async def scenario() -> None:
        tls = files.demanding()
        async with serving(Answerer(lambda _: Response(204)), tls=tls) as behind:
            policy = '<authentication-certificate certificate-id="mine" />'
            assert (await asked(tmp_path, files, behind.port, policy)).status == 204
            assert (await asked(tmp_path, files, behind.port)).status == 502

    asyncio.run(scenario())
