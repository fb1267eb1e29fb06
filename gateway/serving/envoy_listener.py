"""
The listener that Envoy asks, in each worker.

gRPC binds and listens for itself, so workers share its port with SO_REUSEPORT: the kernel gives each connection to one
of them. That option would also let a second gateway take half of the questions by mistake; therefore the address is
tried without it first, and is held from then on by a socket that never listens.

Source: socket(7), SO_REUSEPORT.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable

from gateway.reading.values import Address
from gateway.serving.live import LiveGateway, answering


def reserve(address: Address) -> socket.socket:
    """
    A socket that holds *address* for the gRPC listeners of all workers, and takes no connection.

    Raises:
        OSError: The address, which the error names, cannot be used.
    """
    try:
        family, _, _, _, place = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
        _bound(family, place, shared=False).close()
        return _bound(family, place, shared=True)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"{address}") from None


def _bound(family: socket.AddressFamily, place: tuple[object, ...], shared: bool) -> socket.socket:
    held = socket.socket(family)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        held.bind(place)
    except OSError:
        held.close()
        raise
    return held


async def listen_for_envoy(live: LiveGateway, held: socket.socket) -> Callable[[], Awaitable[None]]:
    """
    Answer Envoy on the address that *held* has.

    Returns:
        What stops it: open questions have the drain time to be answered.

    Raises:
        GatewayError: The certificate cannot be used.
    """
    # gRPC's core writes a line of its own form to standard error for each handshake that a stranger spoils.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from gateway.data_plane.envoy.host import EnvoyHost  # the extra is for those who ask for it
    from gateway.data_plane.envoy.services import services

    settings = live.current.config.envoy
    assert settings is not None  # noqa: S101 (there is a socket)
    host = live.envoy = EnvoyHost(answering(live.current), settings)
    host.counts.show_in(live.current.metrics)
    place, port = held.getsockname()[:2]
    await host.start(place, port, services())
    return lambda: host.aclose(live.current.config.timeouts.drain_s)
