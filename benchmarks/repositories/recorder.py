"""An HTTP server on loopback that answers 200 to everything and records what arrives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_BODY = b'{"recorded": true}'
# Fields that say nothing about policies.
_USUAL = frozenset({"host", "accept-encoding", "connection", "user-agent", "accept", "content-length"})


@dataclass(frozen=True, slots=True)
class Arrived:
    """One request: method, target, and the names of its header fields that are not usual."""

    method: str
    target: str
    fields: tuple[str, ...]


@dataclass(slots=True)
class Recorder:
    """The server's URL, and what has arrived."""

    url: str
    arrived: list[Arrived] = field(default_factory=list)


@contextmanager
def recording() -> Iterator[Recorder]:
    """A server for as long as the context lasts."""
    recorder = Recorder("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            names = sorted({name.lower() for name in self.headers} - _USUAL)
            recorder.arrived.append(Arrived(self.command, self.path, tuple(names)))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(_BODY)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(_BODY)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_any

        def log_message(self, format: str, *values: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    recorder.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield recorder
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
