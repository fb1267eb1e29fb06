"""
A TCP proxy that can be broken: between a replica and its store, F&O, or the receivers of callbacks.

Its threads pass bytes on as they come. ``stall`` leaves connections open and passes nothing on (half open, as after a
firewall forgot them), ``cut`` resets them and refuses new ones, ``delay`` passes everything on later.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

Mode = Literal["pass", "stall", "cut", "delay"]
Address = tuple[str, int] | str

_RESET = struct.pack("ii", 1, 0)
_LATER_S = 0.7


class Proxy:
    """
    Listens on loopback, and passes connections on to *upstream*: host and port, or the path of a Unix socket.

    Attributes:
        port: Where it listens.
        mode: What it does with what comes now.
    """

    def __init__(self, upstream: Address) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False
        self.mode: Mode = "pass"
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def broken(self, mode: Mode) -> Iterator[None]:
        """Broken for the time of a ``with``."""
        self.mode = mode
        if mode == "cut":
            self._reset_all()
        try:
            yield
        finally:
            self.mode = "pass"

    def close(self) -> None:
        """Stop listening and reset what is open."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._reset_all()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.mode == "cut":
                _reset(client)
            else:
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        self._wait_until_passing()
        try:
            server = self._dial()
        except OSError:
            _reset(client)
            return
        with self._lock:
            self._open |= {client, server}
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _dial(self) -> socket.socket:
        if isinstance(self._upstream, tuple):
            return socket.create_connection(self._upstream, 5)
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._upstream)
        return server

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            source.settimeout(None)
            while data := source.recv(65_536):
                self._wait_until_passing()
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        with self._lock:
            self._open -= {source, sink}

    def _wait_until_passing(self) -> None:
        if self.mode == "delay":
            time.sleep(_LATER_S)
        while self.mode == "stall" and not self._closed:
            time.sleep(0.02)

    def _reset_all(self) -> None:
        with self._lock:
            found, self._open = self._open, set()
        for connection in found:
            _reset(connection)


def _reset(connection: socket.socket) -> None:
    """Both sides see a reset connection; a thread that reads from it wakes."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
