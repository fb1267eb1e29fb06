"""A client's TLS session in memory, whose records a test sends when and as it likes."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand


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


class KeyUpdates:
    """
    Makes the client's records of a TLS 1.3 session by hand, with as many key updates as wanted.

    Python's ssl module cannot send them. The session must not have sent anything after its handshake.

    Source: RFC 8446 §4.6.3, §5.2, §7.1 to §7.3.
    """

    def __init__(self, secret: bytes) -> None:
        """*secret*: ``CLIENT_TRAFFIC_SECRET_0`` of the session's key log; its cipher is TLS_AES_256_GCM_SHA384."""
        self._secret = secret
        self._begin()

    def _begin(self) -> None:
        self._cipher = AESGCM(self._expanded("key", 32))
        self._vector = int.from_bytes(self._expanded("iv", 12))
        self._count = 0

    def _expanded(self, label: str, length: int) -> bytes:
        name = b"tls13 " + label.encode()
        info = length.to_bytes(2) + len(name).to_bytes(1) + name + b"\0"
        return HKDFExpand(SHA384(), length, info).derive(self._secret)

    def _record(self, content: bytes, kind: int) -> bytes:
        inner = content + bytes([kind])
        head = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2)
        nonce = (self._vector ^ self._count).to_bytes(12)
        self._count += 1
        return head + self._cipher.encrypt(nonce, inner, head)

    def data(self, content: bytes) -> bytes:
        """A record of application data."""
        return self._record(content, 23)

    def update(self) -> bytes:
        """A key update that asks for none in return; the keys after it are new."""
        record = self._record(b"\x18\0\0\x01\0", 22)
        self._secret = self._expanded("traffic upd", 48)
        self._begin()
        return record
