"""
Listeners: a server with workers for ``gateway serve``, and servers within a running event loop for the demo and tests.

uvicorn owns sockets, TLS, signals and worker processes; our protocol class is given to it as ``http``.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import uvicorn

from gateway.errors import GatewayError
from gateway.wire.server.connection import ServerConnection
from gateway.wire.server.listener import Application, Listener
from gateway.wire.settings import ServerSettings

_BACKLOG = 2048
_DEFAULT = ServerSettings()


@dataclass(frozen=True, slots=True)
class ListenerTls:
    """
    TLS towards clients.

    Attributes:
        client_ca_file: PEM bundle; when given, clients may present a certificate that leads to it.
        require_client_certificate: Whether they have to.
    """

    certificate_file: str
    key_file: str
    key_password: str = ""
    client_ca_file: str = ""
    require_client_certificate: bool = False


class EmbeddedServer(uvicorn.Server):
    """A uvicorn server that leaves signals to the program it runs in, and starts and stops on events."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.stop = asyncio.Event()

    async def begin(self, listening: socket.socket) -> asyncio.Task[None]:
        """
        Serve on a bound socket; the task ends when the server has stopped.

        Raises:
            GatewayError: It cannot serve there: its certificate cannot be used.
        """
        task = asyncio.create_task(self.serve(sockets=[listening]))
        ready = asyncio.create_task(self.ready.wait())
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if task.done() and (error := task.exception()):
            listening.close()
            raise GatewayError(f"cannot serve: {error}") from error
        return task

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        await self.stop.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(slots=True)
class RunningServer:
    """A server within this event loop. *port* is the one it got when 0 was asked for."""

    port: int
    server: EmbeddedServer
    _task: asyncio.Task[None]

    @property
    def connections(self) -> int:
        """Open client connections."""
        return len(self.server.server_state.connections)

    @property
    def streams(self) -> int:
        """Open WebSockets and streams of events among them."""
        connections = cast("set[ServerConnection]", self.server.server_state.connections)
        return sum(connection.is_lasting for connection in connections)

    async def aclose(self) -> None:
        """Stop listening, let running exchanges end within the drain time, then close everything."""
        self.server.stop.set()
        await self._task
        for connection in tuple(self.server.server_state.connections):
            connection.abort()  # type: ignore[union-attr]
        await asyncio.sleep(0)


def configure(
    listener: Listener, host: str, port: int, *, tls: ListenerTls | None = None, workers: int = 1
) -> uvicorn.Config:
    """uvicorn's configuration for *listener*."""
    config = uvicorn.Config(
        app=listener,
        host=host,
        port=port,
        http=ServerConnection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        proxy_headers=False,
        server_header=False,
        date_header=False,
        log_config=None,
        access_log=False,
        workers=workers,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=max(1, round(listener.settings.drain_timeout_s)),
        ssl_certfile=tls.certificate_file if tls else None,
        ssl_keyfile=tls.key_file if tls else None,
        ssl_keyfile_password=(tls.key_password or None) if tls else None,
        ssl_ca_certs=(tls.client_ca_file or None) if tls else None,
        ssl_cert_reqs=_client_certificates(tls),
    )
    return config


def _client_certificates(tls: ListenerTls | None) -> int:
    if tls is None or not tls.client_ca_file:
        return ssl.CERT_NONE
    return ssl.CERT_REQUIRED if tls.require_client_certificate else ssl.CERT_OPTIONAL


def bind(host: str, port: int) -> socket.socket:
    """
    A listening socket; several workers may share it. Connections wait until somebody serves.

    Raises:
        OSError: The address cannot be had: uvloop would only log that somebody else listens there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    listening.set_inheritable(True)
    return listening


async def start(
    application: Application,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    settings: ServerSettings = _DEFAULT,
    tls: ListenerTls | None = None,
    listening: socket.socket | None = None,
) -> RunningServer:
    """
    Serve *application* within the running event loop; *listening* is a bound socket that workers share.

    Raises:
        OSError: The address cannot be had.
        GatewayError: The certificate cannot be used.
    """
    listener = application if isinstance(application, Listener) else Listener(application, settings)
    listening = listening or bind(host, port)
    server = EmbeddedServer(configure(listener, host, port, tls=tls))
    task = await server.begin(listening)
    return RunningServer(listening.getsockname()[1], server, task)
