"""The SOAP service of ``service`` as a test sees it, and the gateway in front of something."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import httpx2
import pytest

from gateway.assembly.app import build
from gateway.config import parse
from gateway.serving.live import LiveGateway
from gateway.serving.running import Sockets, serving_gateway
from gateway.wire.server.serve import bind
from tests.processes import started

NAMESPACE = "urn:acme:calculator"
ROOT = Path(__file__).parents[2]
needs_spyne = pytest.mark.skipif(find_spec("spyne") is None, reason="spyne needs Python 3.11")

T = TypeVar("T")


@dataclass
class Calculator:
    """The running service; *ports* by protocol, *file* has its calls."""

    ports: dict[str, int]
    file: Path

    @property
    def calls(self) -> list[str]:
        """The operations that have run."""
        return self.file.read_text().split() if self.file.exists() else []

    def wsdl(self, protocol: str) -> bytes:
        """The service's own description."""
        return httpx2.get(f"http://127.0.0.1:{self.ports[protocol]}/?wsdl").content


@contextmanager
def calculator(folder: Path) -> Iterator[Calculator]:
    """The service, in a process of its own."""
    file = folder / "calls"
    command = [sys.executable, "-W", "ignore", "-m", "tests.soap.service", str(file)]
    with started(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        old, new = map(int, process.stdout.readline().split())
        yield Calculator({"1.1": old, "1.2": new}, file)


@asynccontextmanager
async def fronting(folder: Path, config: str) -> AsyncIterator[int]:
    """The gateway of the text *config*, whose paths begin in *folder*; its port."""
    gateway = build(parse(config, "config.yaml", folder, os.environ))
    sockets = Sockets(bind("127.0.0.1", 0), bind("127.0.0.1", 0))
    async with serving_gateway(LiveGateway(gateway), sockets) as server:
        yield server.port


async def in_thread(work: Callable[[], T]) -> T:
    """What *work*, which blocks, returns."""
    return await asyncio.to_thread(work)
