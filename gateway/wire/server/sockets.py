"""What a connection asks of the socket below its transport."""

from __future__ import annotations

import asyncio
import select

from cryptography import x509

from gateway.reading.values import UNIX


def shortage_of(transport: asyncio.BaseTransport, connections: int, most: int | None) -> str:
    """What there is too little of for a new connection, where there are *connections* and may be *most*; or nothing."""
    if most is not None and connections > most:
        return "Too many connections"
    descriptor = transport.get_extra_info("socket")
    is_last = descriptor is not None and is_near_limit(descriptor.fileno())
    return "Out of file descriptors" if is_last else ""


def is_near_limit(descriptor: int) -> bool:
    """Whether *descriptor* is one of the last: the kernel always allocates the lowest free one."""
    import resource  # which only the systems have that serve; configurations are checked everywhere

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return limit != resource.RLIM_INFINITY and descriptor >= limit - limit // 8


def peer_address(transport: asyncio.BaseTransport) -> str:
    """The address at the other end; ``unix:`` where a Unix socket has none."""
    name = transport.get_extra_info("peername")
    return name[0] if isinstance(name, tuple) else UNIX


def has_left(transport: asyncio.Transport) -> bool:
    """Whether the client has closed its side, after bytes that have not been read yet."""
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), select.POLLRDHUP)
    return bool(poll.poll(0))


def client_certificate(transport: asyncio.BaseTransport) -> x509.Certificate | None:
    """The client's certificate, if the listener asked for one."""
    tls = transport.get_extra_info("ssl_object")
    encoded = tls.getpeercert(binary_form=True) if tls is not None else None
    return x509.load_der_x509_certificate(encoded) if encoded else None
