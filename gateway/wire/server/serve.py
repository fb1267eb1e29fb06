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
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.server import Server

from gateway.errors import GatewayError
from gateway.reading.values import revealed
from gateway.wire.paced_tls import paced
from gateway.wire.server.arrival import Arrivals
from gateway.wire.server.client_connection import ClientConnection
from gateway.wire.server.forwarded import Introduction
from gateway.wire.server.listener import Listener, RequestHandler
from gateway.wire.server.proxied import ProxiedListener
from gateway.wire.settings import ListenerTls, ServerSettings

BACKLOG = 2048
_GOODBYE_S = 2.0  # seconds for close frames to be sent, and for clients to close
_LOOK_S = 0.02
_DEFAULT = ServerSettings()


class EmbeddedServer(Server):
    """A uvicorn server that leaves signals to its program, and starts and stops on events."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.stop = asyncio.Event()

    async def begin(self, listening: socket.socket) -> asyncio.Task[None]:
        """
        Serve on a bound socket; the task ends when the server has stopped.

        Raises:
            GatewayError: It cannot serve, because its certificate cannot be used.
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
        if self.config.ssl is not None:
            paced(self.config.ssl)
        listener = self.config.loaded_app
        if isinstance(listener, Listener) and (listener.settings.proxy_protocol or self.config.ssl is not None):
            self._listen(listener, sockets or [])
        else:
            await super().startup(sockets)
        self.ready.set()

    def _listen(self, listener: Listener, sockets: list[socket.socket]) -> None:
        """What uvicorn does, but for what connections begin with: a PROXY header, or a handshake."""

        arrivals = cast(Arrivals, self.config.http_protocol_class)

        def serve(introduction: Introduction | None) -> asyncio.Protocol:
            return arrivals(self.config, self.server_state, {}, introduction=introduction)

        tls, count = self.config.ssl, self.server_state.connections.__len__
        self.servers = [cast(Any, ProxiedListener(listening, listener, serve, tls, count)) for listening in sockets]
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        listener = self.config.loaded_app
        if isinstance(listener, Listener):
            listener.is_stopping = True
        for server in cast("list[object]", self.servers):
            if isinstance(server, ProxiedListener):
                await server.settle(listener.settings.farewell_s)
        await super().shutdown(sockets)

    async def main_loop(self) -> None:
        await self.stop.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(slots=True)
class RunningServer:
    """A server within this event loop. *port* is the actual one if 0 was asked for; 0 on a Unix socket."""

    port: int
    server: EmbeddedServer
    _task: asyncio.Task[None]

    def serve_with(self, application: RequestHandler, settings: ServerSettings) -> None:
        """
        Let *application* answer every request that begins from now on; those that run end as they have begun.

        *settings* hold for heads and forwarding fields from now on; timeouts, for connections made from now on.
        """
        listener = cast(Listener, self.server.config.loaded_app)
        listener.application, listener.settings = application, settings
        self.server.config.timeout_graceful_shutdown = _drain_s(settings)
        if self.server.config.ssl is not None:
            arrivals = cast(Arrivals, self.server.config.http_protocol_class)
            self.server.config.ssl.set_alpn_protocols(arrivals.alpn_protocols)
        for connection in cast("set[ClientConnection]", self.server.server_state.connections):
            connection.caller.renew(settings)

    def renew_certificate(self, tls: ListenerTls) -> None:
        """
        Present the certificate of *tls* from the next handshake on.

        Raises:
            OSError, ValueError: It cannot be used; the one before is presented.
        """
        context = self.server.config.ssl
        if context is None:
            return
        password = revealed(tls.key_password) or ""
        # Tried apart: OpenSSL takes the certificate before it sees that the key is another one's.
        for each in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), context):
            each.load_cert_chain(tls.certificate, tls.key, lambda: password)  # without a password it would ask for one

    @property
    def connections(self) -> int:
        """Open client connections."""
        return len(self.server.server_state.connections)

    @property
    def streams(self) -> int:
        """Open WebSockets and streams of events among them."""
        connections = cast("set[ClientConnection]", self.server.server_state.connections)
        return sum(connection.lasting for connection in connections)

    async def aclose(self) -> None:
        """
        Stop listening, let running exchanges end within the drain time, then end tunnels and event streams between
        two frames (2 s), and cut everything else.
        """
        self.server.stop.set()
        await self._task
        open_ = cast("set[ClientConnection]", self.server.server_state.connections)
        await _say_goodbye(open_)
        for connection in tuple(open_):
            connection.abort()
        await asyncio.sleep(0)


async def _say_goodbye(open_: set[ClientConnection]) -> None:
    """End tunnels and streams of events as soon as no frame is incomplete, and wait until clients have that."""
    ending = {connection for connection in open_ if connection.lasting}
    patience = int(_GOODBYE_S / _LOOK_S)
    while patience and ending & open_:
        for connection in ending:
            connection.go_away()
        await asyncio.sleep(_LOOK_S)
        patience -= 1


def configure(listener: Listener, host: str, port: int, *, tls: ListenerTls | None = None, workers: int = 1) -> Config:
    """uvicorn's configuration for *listener*."""
    config = Config(
        app=listener,
        host=host,
        port=port,
        http=Arrivals(listener, tls is not None),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        interface="asgi3",
        proxy_headers=False,
        server_header=False,
        date_header=False,
        log_config=None,
        access_log=False,
        workers=workers,
        backlog=BACKLOG,
        timeout_graceful_shutdown=_drain_s(listener.settings),
        **({} if tls is None else _tls_options(tls)),
    )
    return config


def _drain_s(settings: ServerSettings) -> int:
    """Seconds that running exchanges have when the server stops."""
    return max(1, round(settings.timeouts.drain_s))


def _tls_options(tls: ListenerTls) -> dict[str, Any]:
    """uvicorn's options for *tls*."""
    demanded = ssl.CERT_REQUIRED if tls.client_certificate == "require" else ssl.CERT_OPTIONAL
    return {
        "ssl_certfile": str(tls.certificate),
        "ssl_keyfile": str(tls.key),
        "ssl_keyfile_password": revealed(tls.key_password),
        "ssl_ca_certs": None if tls.client_ca is None else str(tls.client_ca),
        "ssl_cert_reqs": ssl.CERT_NONE if tls.client_ca is None else demanded,
    }


def bind(host: str, port: int) -> socket.socket:
    """
    A listening socket; several workers may share it. Connections wait until a worker serves them.

    Raises:
        OSError: The address, which the error names, cannot be used; uvloop would only log that it is in use.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sends small pieces without delay, as uvloop always does.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keep_alive(listening)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise OSError(error.errno, error.strerror, f"{host}:{port}") from None
    listening.set_inheritable(True)
    return listening


def keep_alive(listening: socket.socket) -> None:
    """Let the kernel notice peers that vanish silently; connections inherit it (Linux, tcp(7))."""
    if listening.family == socket.AF_UNIX:
        return  # where that cannot happen
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4)):
        listening.setsockopt(socket.IPPROTO_TCP, option, value)


async def start(
    application: RequestHandler | Listener,
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
        OSError: The address cannot be used.
        GatewayError: The certificate cannot be used.
    """
    listener = application if isinstance(application, Listener) else Listener(application, settings)
    listening = listening or bind(host, port)
    server = EmbeddedServer(configure(listener, host, port, tls=tls))
    port = 0 if listening.family == socket.AF_UNIX else listening.getsockname()[1]
    task = await server.begin(listening)
    return RunningServer(port, server, task)
