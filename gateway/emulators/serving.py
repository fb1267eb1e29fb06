"""
Serve an ASGI application on a free loopback port: in a thread for tests, in the running loop for the demo.

An emulator must know its own URL (the issuer is made from it), and the port is only known once the socket is bound.
So ``serve`` binds first, tells the emulator, and then starts.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

START_TIMEOUT_S = 10.0


@runtime_checkable
class Emulator(Protocol):
    """An emulator for ``serve`` that, unlike a plain ASGI application, must know its own URL."""

    @property
    def app(self) -> Any: ...

    base_url: str


@runtime_checkable
class OwnDates(Protocol):
    """An emulator with a clock of its own: its answers carry their ``Date``."""

    sends_date: bool


@dataclass(frozen=True, slots=True)
class Binding:
    """
    Where to listen.

    Attributes:
        host: Address to bind; loopback, because emulators trust every client.
        port: 0 means any free port.
        name: Host in its URL, if that is not *host*, as where all addresses are listened on.
        tls: Server-side context, see ``certificates.throw_away``; None serves plain HTTP.
    """

    host: str = "127.0.0.1"
    port: int = 0
    tls: ssl.SSLContext | None = None
    name: str = ""

    def open(self) -> socket.socket:
        """A bound socket, so that the port is known before anything is served."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((self.host, self.port))
        except OSError:
            bound.close()
            raise
        return bound

    def url(self, bound: socket.socket) -> str:
        """Base URL of a bound socket, without a slash at the end."""
        scheme = "https" if self.tls else "http"
        name = self.name or self.host
        host = f"[{name}]" if ":" in name else name
        return f"{scheme}://{host}:{bound.getsockname()[1]}"


class DroppingProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol, plus a way for an application to cut the connection: extension ``emulator.drop``."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"emulator.drop": {"abort": self.transport.abort}}


class QuietServer(uvicorn.Server):
    """A uvicorn server that does not handle signals or exit the process; both belong to the tests or the demo."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:  # the application failed to start; the waiting side notices that the server has ended
            self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in list(self.server_state.connections):
            # A TLS client that keeps its connection and reads nothing would delay the shutdown.
            connection.transport.abort()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@contextmanager
def serve(served: Any, binding: Binding | None = None) -> Iterator[str]:
    """
    Serve *served* from a thread and yield its base URL, such as ``http://127.0.0.1:41234``.

    Args:
        served: An ASGI application, or an emulator (its ``base_url`` is set first).
        binding: Host, port and TLS; the default is plain HTTP on a free loopback port.

    Raises:
        TimeoutError: The server is not ready within ten seconds.
    """
    with _prepared(served, binding or Binding()) as (server, bound, base_url):
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        try:
            _wait_started(server, thread.is_alive)
            yield base_url
        finally:
            server.should_exit = True
            thread.join()


@asynccontextmanager
async def serve_here(served: Any, binding: Binding | None = None) -> AsyncIterator[str]:
    """The same as ``serve``, inside the running event loop: the demo keeps every part in one loop."""
    with _prepared(served, binding or Binding()) as (server, bound, base_url):
        task = asyncio.create_task(server.serve(sockets=[bound]))
        try:
            await _started(server, task, base_url)
            yield base_url
        finally:
            server.should_exit = True
            await asyncio.wait({task})


async def _started(server: uvicorn.Server, task: asyncio.Task[None], base_url: str) -> None:
    while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn reports its start by a flag only
        await asyncio.sleep(0.005)
    if task.done():
        raise TimeoutError(f"{base_url} did not start")


@contextmanager
def _prepared(served: Any, binding: Binding) -> Iterator[tuple[QuietServer, socket.socket, str]]:
    bound = binding.open()
    with bound:
        base_url = binding.url(bound)
        if isinstance(served, Emulator):
            served.base_url = base_url
        yield QuietServer(_settings(served, binding.tls)), bound, base_url


def _settings(served: Any, tls: ssl.SSLContext | None) -> uvicorn.Config:
    return uvicorn.Config(
        served.app if isinstance(served, Emulator) else served,
        http=DroppingProtocol,
        ws="none",
        log_config=None,  # logging belongs to the process that runs the emulator
        access_log=False,
        date_header=not (isinstance(served, OwnDates) and served.sends_date),
        timeout_graceful_shutdown=1,
        ssl_context_factory=(lambda _config, _default: tls) if tls else None,
    )


def _wait_started(server: uvicorn.Server, alive: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not server.started:
        if not alive() or time.monotonic() > deadline:
            raise TimeoutError("the server did not start")
        time.sleep(0.002)
