"""The whole product in one event loop: Entra emulator, recording backend, and the gateway from a configuration text."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.assembly.app import Gateway, build
from gateway.config import parse
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.entra.directory import API
from gateway.emulators.faults import Fault
from gateway.emulators.serving import serve_here
from gateway.serving.envoy_listener import reserve
from gateway.serving.live import LiveGateway
from gateway.serving.running import Sockets, serving_gateway
from gateway.wire.server.serve import bind
from tests.wire.rig import OK, Backend, Reply, Script, answer, ask, backend, settled

DOCUMENTS = Path(__file__).parents[2] / "policies"

CONFIG = """
management: 127.0.0.1:0
named-values:
  my-openid-configuration-url: {metadata}
  my-audience: {audience}
apis:
  - id: orders
    path: orders
    service-url: http://127.0.0.1:{backend}
    operations:
      - {{id: read, method: GET, url-template: "/items/{{id}}", policy: "{policy}"}}
      - {{id: write, method: POST, url-template: /items, policy: "{policy}"}}
      - {{id: open, method: GET, url-template: /open}}
"""


@dataclass
class Product:
    """
    Everything that runs; *port* is the gateway's, *management* the management plane's, *envoy* where Envoy asks.
    """

    port: int
    management: int
    gateway: Gateway
    entra: EntraEmulator
    backend: Backend
    live: LiveGateway | None = None

    @property
    def envoy(self) -> int:
        """The port of the gRPC listener."""
        assert self.live is not None
        assert self.live.envoy is not None
        return self.live.envoy.port

    async def call(self, path: str, *fields: str, token: str | None = None, method: str = "GET") -> Reply:
        """One request with raw header lines."""
        lines = [f"{method} {path} HTTP/1.1", "Host: api.example", *fields]
        if token is not None:
            lines.append(f"Authorization: Bearer {token}")
        return await ask(self.port, "\r\n".join([*lines, "", ""]).encode("latin-1"), method)

    def received(self, name: str) -> list[str]:
        """Values of every header line with the name *name*, in any spelling, that reached the backend."""
        found = []
        for line in self.backend.received.decode("latin-1").split("\r\n"):
            field, colon, value = line.partition(":")
            if colon and field.lower().replace("_", "-") == name:
                found.append(value.strip())
        return found


@asynccontextmanager
async def product(
    directory: Path,
    policy: str = "caller-objectid.xml",
    config: str = CONFIG,
    script: Script | None = None,
    warm: bool = True,
    faults: Iterable[Fault] = (),
) -> AsyncIterator[Product]:
    """
    The product with one API behind the ready-made document *policy* (or an absolute path).

    *warm* waits until the issuer's keys are there; else the first request may come before them. *faults* are the
    issuer's from the start.
    """
    entra = EntraEmulator()
    for fault in faults:
        entra.faults.add(fault)
    entra.mint()  # makes the keys, which takes a while, before anybody asks for them
    async with serve_here(entra), backend(script or answer(OK)) as behind:
        text = config.format(
            metadata=entra.metadata_url(), audience=API, backend=behind.port, policy=DOCUMENTS / policy
        )
        gateway = build(parse(text, "config.yaml", directory, os.environ))
        held = None if gateway.config.envoy is None else reserve(gateway.config.envoy.listen)
        sockets, live = Sockets(bind("127.0.0.1", 0), bind("127.0.0.1", 0), envoy=held), LiveGateway(gateway)
        async with serving_gateway(live, sockets) as server:
            assert not warm or await settled(lambda: all(issuer.ready for issuer in gateway.issuers.statuses()), 10)
            yield Product(server.port, sockets.management.getsockname()[1], gateway, entra, behind, live)
        if held is not None:
            held.close()
