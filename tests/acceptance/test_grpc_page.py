"""docs/grpc.md: what it shows is what happens."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
import yaml

from gateway.assembly.app import build
from gateway.config import parse
from gateway.wire.grpc.status import OF_HTTP, GrpcStatus, of_http
from tests.acceptance.grpc_rig import Service, fronted

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "grpc.md").read_text()
ORDER = b"\x0a\x01" + b"7" + b"\x12\x04PAID"


def blocks(language: str) -> list[str]:
    """The examples in *language*, in order."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@asynccontextmanager
async def orders() -> AsyncIterator[Service]:
    """The service of the page."""

    async def get(_: bytes, __: Any) -> bytes:
        return ORDER

    handler = grpc.unary_unary_rpc_method_handler(get)
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("acme.orders.v1.Orders", {"Get": handler}),))
    running = Service(server.add_insecure_port("127.0.0.1:0"))
    await server.start()
    try:
        yield running
    finally:
        await server.stop(0)


async def run(*command: str, folder: Path) -> str:
    """What *command* prints."""
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    return (await process.communicate())[0].decode()


def test_five_minutes(tmp_path: Path) -> None:
    """The first configuration answers grpcurl as the page shows; the .proto file imports to what the page shows."""
    first, imported = blocks("yaml")[:2]
    (tmp_path / "orders.proto").write_text(blocks("protobuf")[0])
    (tmp_path / "policies").symlink_to(ROOT / "policies")
    session, importing = blocks("console")
    asked, shown = re.search(r"\$ (grpcurl .*?)\n(.*)", session, re.DOTALL).groups()  # type: ignore[union-attr]

    async def scenario() -> None:
        async with orders() as behind:
            await run(*shlex.split(importing.strip().removeprefix("$ ")), folder=tmp_path)
            written = yaml.safe_load((tmp_path / "imported" / "config.yaml").read_text())["apis"][0]
            expected = yaml.safe_load(imported)["apis"][0]
            del expected["operations"][0]["policy"]
            assert written == {**expected, "subscription-required": False}
            for text in (first, f"http2: {{clear-text: true}}\n{imported}"):
                config = (
                    text.replace("50051", str(behind.port)).replace("8080", "0").replace("{", "{{").replace("}", "}}")
                )
                async with fronted(tmp_path, config=f"management: 127.0.0.1:0\n{config}", behind=behind) as front:
                    command = shlex.split(asked.replace("8080", str(front.port)))
                    assert await run(*command, folder=tmp_path) == shown

    asyncio.run(asyncio.wait_for(scenario(), 30))


@pytest.mark.parametrize("number", range(len(blocks("yaml"))))
def test_every_configuration_loads(tmp_path: Path, number: int) -> None:
    """Each example is one that the gateway takes."""
    (tmp_path / "policies").symlink_to(ROOT / "policies")
    assert build(parse(blocks("yaml")[number], "config.yaml", tmp_path, os.environ)).config.apis[0].type == "grpc"


@pytest.mark.parametrize("number", range(len(blocks("xml"))))
def test_every_policy_loads(tmp_path: Path, number: int) -> None:
    """Each example may stand in a document of an API of type grpc."""
    (tmp_path / "policy.xml").write_text(f"<policies><inbound><base/>{blocks('xml')[number]}</inbound></policies>")
    text = "apis: [{id: a, type: grpc, service-url: 'http://127.0.0.1:1', policy: policy.xml}]"
    build(parse(text, "config.yaml", tmp_path, os.environ))


def test_the_table_is_the_code() -> None:
    """The statuses that the page lists are those that answers get, all of them."""
    listed: dict[int, GrpcStatus] = {}
    for statuses, name in re.findall(r"^\| ([0-9, ]+) \| ([A-Z_]+) \|$", PAGE, re.MULTILINE):
        listed |= {int(status): GrpcStatus[name] for status in statuses.split(", ")}
    assert listed == OF_HTTP
    assert of_http(200) is of_http(418) is GrpcStatus.UNKNOWN
