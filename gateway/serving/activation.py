"""
Sockets that the service manager has bound: they stay open while the gateway is restarted, so that clients wait.

Each socket belongs to the listener of its name (``data``, ``management``, ``decisions``), or to the one whose address
it has. A socket that does not fit the configuration ends the start: which addresses are public decides who is asked for
a token.

Source: sd_listen_fds(3), systemd.socket(5).
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path

from gateway.config import Config
from gateway.errors import GatewayError
from gateway.reading.values import Address, Place, UnixAddress

FIRST = 3  # SD_LISTEN_FDS_START
MOST = 16
NAMES = ("data", "management", "decisions")
_FAMILIES = (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)


def taken_from(environment: MutableMapping[str, str], first: int = FIRST) -> list[tuple[str, socket.socket]]:
    """
    The sockets that were passed to this process, each with its name; the variables are removed in any case.

    Raises:
        GatewayError: What was passed is not a listening TCP or Unix socket.
    """
    process, count, names = (environment.pop(f"LISTEN_{key}", "") for key in ("PID", "FDS", "FDNAMES"))
    environment.pop("LISTEN_PIDFDID", None)
    if process != str(os.getpid()) or not count.isascii() or not count.isdigit():
        return []
    if int(count) > MOST:
        raise GatewayError(f"LISTEN_FDS: {count} sockets were passed, and the gateway has {len(NAMES)} listeners")
    given = names.split(":") if names else []
    named = [*given, *[""] * int(count)][: int(count)]
    return [(name, _adopted(number, name)) for number, name in enumerate(named, first)]


def _adopted(number: int, name: str) -> socket.socket:
    called = f"descriptor {number} ({name or 'without a name'})"
    try:
        passed = socket.socket(fileno=number)
    except OSError as error:
        raise GatewayError(f"socket activation: {called} is not a socket: {error.strerror}") from None
    is_stream = passed.family in _FAMILIES and passed.type == socket.SOCK_STREAM
    if not is_stream or not passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        passed.close()
        raise GatewayError(
            f"socket activation: {called} is not a listening TCP or Unix socket "
            "(write ListenStream=ADDRESS:PORT or a path, and Accept=no)"
        )
    passed.set_inheritable(False)
    return passed


def assigned(passed: Sequence[tuple[str, socket.socket]], wanted: Mapping[str, Place]) -> dict[str, socket.socket]:
    """
    The socket of each listener of *wanted* that has one.

    Raises:
        GatewayError: A socket belongs to none of them, to one that has another address, or to one that has one already.
    """
    sockets: dict[str, socket.socket] = {}
    for name, listening in passed:
        bound = place_of(listening)
        listener = name if name in NAMES else _at(bound, wanted)
        if listener not in wanted:
            configured = ", ".join(f"{key} {address}" for key, address in wanted.items())
            raise GatewayError(
                f"socket activation: no listener for the socket {name or 'without a name'} on {bound}; configured: "
                f"{configured} (call it {' or '.join(wanted)} with FileDescriptorName=, or let the addresses agree)"
            )
        if listener in sockets:
            raise GatewayError(
                f"socket activation: two sockets for {listener}, the second on {bound} (one for [::] with "
                "BindIPv6Only=both takes IPv4, too)"
            )
        if not _fits(bound, wanted[listener]):
            raise GatewayError(
                f"socket activation: the socket {listener} is bound to {bound}, and the configuration says "
                f"{wanted[listener]} (let ListenStream= and the configuration agree)"
            )
        sockets[listener] = listening
    return sockets


def place_of(listening: socket.socket) -> Place:
    """Where *listening* is bound."""
    name = listening.getsockname()
    return Address(*name[:2]) if isinstance(name, tuple) else UnixAddress(Path(os.fsdecode(name)))


def wanted_addresses(config: Config, data: Place | None = None) -> dict[str, Place]:
    """Listener → address, as configured; *data* replaces the data plane's."""
    wanted = {"data": data or config.listen, "management": config.management}
    return wanted if config.decisions is None else {**wanted, "decisions": config.decisions}


def _at(bound: Place, wanted: Mapping[str, Place]) -> str:
    return next((name for name, address in wanted.items() if _fits(bound, address)), "")


def _fits(bound: Place, wanted: Place) -> bool:
    """Whether a socket on *bound* is what *wanted* asks for; port 0 is any port, ``[::]`` and ``0.0.0.0`` are alike."""
    if not isinstance(bound, Address) or not isinstance(wanted, Address):
        return bound == wanted
    if wanted.port not in (0, bound.port):
        return False
    return _host(bound.host) in _hosts(wanted.host)


def _hosts(host: str) -> set[str]:
    hosts = {_host(host)}
    with suppress(OSError, ValueError):
        hosts |= {_host(str(info[4][0])) for info in socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)}
    return hosts


def _host(host: str) -> str:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return "any" if address.is_unspecified else str(address)
