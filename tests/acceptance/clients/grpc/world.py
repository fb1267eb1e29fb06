"""One service, and the gateway in front of it, without TLS and with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc.aio
from google.protobuf import wrappers_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from tests.acceptance.clients.grpc.exchange import Place, Way, read, write
from tests.acceptance.grpc_rig import KINDS, SERVICE, Service, fronted, service
from tests.acceptance.refusals import policies
from tests.wire.server.test_serve import Files

PACKAGE = SERVICE.rpartition(".")[0]
GUARDED, LIMITED, SMALL = (f"{PACKAGE}.{name}" for name in ("Guarded", "Limited", "Small"))
LISTED = sorted([SERVICE, "grpc.health.v1.Health", reflection.SERVICE_NAME])
CONFIG = f"""
listen: 127.0.0.1:0
management: 127.0.0.1:0
http2: {{{{clear-text: true}}}}
{{more}}
apis:
  - {{{{id: all, type: grpc, service-url: "{{backend}}", grpc: {{{{web: true}}}}}}}}
  - id: guarded
    type: grpc
    path: {GUARDED}
    service-url: {{backend}}/{SERVICE}
    policy: guarded.xml
    grpc: {{{{web: true}}}}
  - id: limited
    type: grpc
    path: {LIMITED}
    service-url: {{backend}}/{SERVICE}
    policy: limited.xml
    grpc: {{{{web: true}}}}
  - id: small
    type: grpc
    path: {SMALL}
    service-url: {{backend}}/{SERVICE}
    grpc: {{{{web: true, max-request-message-bytes: 100, max-response-message-bytes: 200}}}}
"""
INBOUND = {
    "guarded": policies(1)["token"],
    "limited": '<rate-limit-by-key calls="1" renewal-period="60" '
    'counter-key="@(context.Request.Headers.GetValueOrDefault(&quot;x-key&quot;, &quot;&quot;))"/>',
}


@dataclass
class Scene:
    """Everything that runs."""

    service: Service
    clear: Place
    secure: Place

    def place(self, way: Way) -> Place:
        """The gateway that a call of *way* goes to."""
        return self.secure if way is Way.TLS else self.clear


def _pool() -> DescriptorPool:
    """What reflection tells: the service's methods, and those of the routes to it, as a .proto file would have them."""
    file = FileDescriptorProto(
        name="acme/orders/v1/orders.proto",
        package=PACKAGE,
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    for name in (SERVICE, GUARDED, LIMITED, SMALL):
        described = file.service.add(name=name.rpartition(".")[2])
        for kind in KINDS:
            described.method.add(
                name=kind,
                input_type=".google.protobuf.StringValue",
                output_type=".google.protobuf.StringValue",
                client_streaming=kind.startswith("Stream"),
                server_streaming=kind.endswith("Stream"),
            )
    pool = DescriptorPool()
    for known in (wrappers_pb2, health_pb2, reflection_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return pool


def _describe(server: grpc.aio.Server) -> None:
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
    reflection.enable_server_reflection(LISTED, server, _pool())


@asynccontextmanager
async def acting(folder: Path) -> AsyncIterator[Scene]:
    """A scene."""
    files = Files(folder)
    for name, inbound in INBOUND.items():
        (folder / f"{name}.xml").write_text(f"<policies><inbound><base/>{inbound}</inbound></policies>")
    tls = f"tls: {{certificate: {files.certificate}, key: {files.key}}}"
    async with (
        service(more=_describe, codec=(read, write)) as behind,
        fronted(folder, config=CONFIG, behind=behind) as clear,
        fronted(folder, tls, CONFIG, behind) as secure,
    ):
        yield Scene(
            behind,
            Place(f"127.0.0.1:{clear.port}"),
            Place(f"127.0.0.1:{secure.port}", Path(files.ca)),
        )
