"""A client's TLS session in memory, whose records a test sends when and as it likes."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TlsSession:
    """A session after its handshake; *outgoing* has the records to be sent, *incoming* takes those that came."""

    session: ssl.SSLObject
    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO


def shaken(connection: socket.socket, context: ssl.SSLContext, host: str | None = None) -> TlsSession:
    """The session of a new *connection*."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname=host)
    while True:
        try:
            session.do_handshake()
            return TlsSession(session, incoming, outgoing)
        except ssl.SSLWantReadError:
            connection.sendall(outgoing.read())
            incoming.write(connection.recv(65536))
