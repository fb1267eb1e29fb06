"""
One gateway over stand-ins, in a process of its own: ``python -m benchmarks.own_cost.driver TREE FOLDER``.

It starts ``gateway serve`` as a user does, with the package in TREE and an event loop that stands in for uvloop's. The
command and the names in ``config.yaml`` are what least changes from commit to commit, so that the driver of one works
with the gateway of another. For each line ``WORKLOAD<tab>REQUESTS`` on standard input it times one turn, and writes
nanoseconds of processor time per request, or what went wrong, as one line on standard output.
"""

from __future__ import annotations

import asyncio
import importlib
import io
import os
import signal
import socket
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TextIO

import uvloop

from benchmarks.issuer import METADATA_PATH
from benchmarks.own_cost.client import Client, Running, copying
from benchmarks.own_cost.stand_ins import Backend, StandInLoop
from benchmarks.own_cost.workloads import COPIED, KEYS_PATH, prepare

_BODY = b'{"batch":"' + b"x" * 1011 + b'"}\n'
_HEAD = b"""\
HTTP/1.1 200 OK\r
Server: nginx\r
Date: Mon, 01 Jan 2024 00:00:00 GMT\r
Content-Type: application/json\r
Content-Length: %d\r
Connection: keep-alive\r
ETag: "65920080-400"\r
\r
"""


class Driver:
    """A gateway with the files in *folder*; *commands* and *results* are as the module says."""

    def __init__(self, folder: Path, commands: TextIO, results: TextIO) -> None:
        self._folder, self._commands, self._results = folder, commands, results
        documents = {f"/{path}".encode(): _answer((folder / path).read_bytes()) for path in (METADATA_PATH, KEYS_PATH)}
        self._backend = Backend(documents, _answer(_BODY))
        self._loop = StandInLoop(self._backend)
        self._workloads = {workload.name: workload for workload in prepare(folder)}
        self._running: dict[str, Running] = {}
        self._ports = _free_port(), _free_port()

    def serve(self) -> None:
        """``gateway serve`` until there are no more commands."""
        uvloop.run = self._run  # type: ignore[assignment]
        sys.argv = ["gateway", "serve", "-c", str(self._configuration())]
        importlib.import_module("gateway.__main__").main()

    def _configuration(self) -> Path:
        """The configuration with ports of this process's own."""
        text = (self._folder / "config.yaml").read_text(encoding="utf-8")
        path = self._folder / f"config-{os.getpid()}.yaml"
        for name, port in zip(("LISTEN", "MANAGEMENT"), self._ports, strict=True):
            text = text.replace(name, str(port))
        path.write_text(text, encoding="utf-8")
        return path

    def _run(self, serving: Coroutine[Any, Any, None], **_: object) -> None:
        """What the gateway takes for ``uvloop.run``."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._beside(serving))

    async def _beside(self, serving: Coroutine[Any, Any, None]) -> None:
        """Serve, obey the commands, and stop."""
        task = asyncio.create_task(serving)
        await self._backend.serve(1.0)  # it begins to listen, and asks the issuer for its keys
        try:
            if not task.done():
                await self._obey()
        finally:
            self._loop.signals.get(signal.SIGTERM, task.cancel)()
            await task

    async def _obey(self) -> None:
        for command in self._commands:
            name, _, size = command.strip().partition("\t")
            nanoseconds = await (await self._workload(name)).turn(int(size))
            print(nanoseconds, file=self._results, flush=True)

    async def _workload(self, name: str) -> Running:
        if name not in self._running:
            self._running[name] = await Running.of(self._workloads[name], self._client(name))
        return self._running[name]

    def _client(self, name: str) -> Client:
        if name == COPIED:
            return copying(self._backend)
        return Client.of(self._loop.listeners[self._ports[0]](), self._backend)


def _answer(body: bytes) -> bytes:
    return _HEAD % len(body) + body


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Unread(io.TextIOBase):
    """Standard output of the gateway: writing its log costs what it costs, but for the kernel's part."""

    def write(self, text: str) -> int:
        return len(text)


def main() -> None:
    """Run with the gateway of the tree that the command line names. Raises SystemExit."""
    tree, folder = map(Path, sys.argv[1:3])
    sys.path.insert(0, str(tree))
    found = importlib.import_module("gateway").__file__
    if found is None or not Path(found).is_relative_to(tree):
        raise SystemExit(f"the gateway of {tree} is hidden by {found}")
    results, sys.stdout = sys.stdout, _Unread()
    Driver(folder, sys.stdin, results).serve()


if __name__ == "__main__":
    main()
