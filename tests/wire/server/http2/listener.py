"""A gateway of one API, whose listener speaks HTTP/1.1 and HTTP/2, with and without TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from gateway.assembly.app import build
from gateway.config import parse
from gateway.wire.server.serve import RunningServer, start
from gateway.wire.settings import ClientLimits, ListenerTls

POLICY = """
<policies>
  <inbound><set-header name="caller-objectid" exists-action="override"><value>the caller</value></set-header></inbound>
  <backend><forward-request /></backend><outbound /><on-error />
</policies>
"""
CONFIG = """
http2: {{tls: true, clear-text: true}}
trusted-proxies: {trusted}
apis: [{{id: all, path: "", service-url: "http://127.0.0.1:{backend}", policy: all.xml}}]
"""
DEFAULT_LIMITS = ClientLimits()


@asynccontextmanager
async def gateway(
    folder: Path,
    backend: int,
    tls: ListenerTls | None = None,
    trusted: bool = False,
    limits: ClientLimits = DEFAULT_LIMITS,
) -> AsyncIterator[RunningServer]:
    """A gateway in front of the port *backend*; *trusted*: its clients are proxies whose forwarding fields count."""
    (folder / "all.xml").write_text(POLICY)
    config = CONFIG.format(trusted="[127.0.0.0/8]" if trusted else "[]", backend=backend)
    built = build(parse(config, "config.yaml", folder, {}))
    await built.start()
    settings = replace(built.config.server_settings(), limits=limits)
    server = await start(built.dispatcher, settings=settings, tls=tls)
    try:
        yield server
    finally:
        await server.aclose()
        await built.aclose()
