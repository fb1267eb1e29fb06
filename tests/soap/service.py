"""
A real SOAP service, in a process of its own because spyne changes how its process imports.

``python -m tests.soap.service FILE`` prints two ports, of SOAP 1.1 and of SOAP 1.2, and writes each call to FILE.
"""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from spyne import Application, Integer, ServiceBase, Unicode, rpc
from spyne.protocol.soap import Soap11, Soap12
from spyne.server.wsgi import WsgiApplication

NAMESPACE = "urn:acme:calculator"
CALLS = Path(sys.argv[1])


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


class CalculatorService(ServiceBase):  # type: ignore[misc]
    """Three operations."""

    @rpc(Integer, Integer, _returns=Integer)  # type: ignore[untyped-decorator]
    def add(ctx: Any, a: int, b: int) -> int:
        """The sum."""
        note("add")
        return a + b

    @rpc(Integer, Integer, _returns=Integer)  # type: ignore[untyped-decorator]
    def divide(ctx: Any, a: int, b: int) -> int:
        """The quotient, or a fault."""
        note("divide")
        return a // b

    @rpc(Unicode, _returns=Unicode)  # type: ignore[untyped-decorator]
    def wipe(ctx: Any, what: str) -> str:
        """What nobody should do."""
        note("wipe")
        return f"{what} is gone"


def note(call: str) -> None:
    """Write *call* to the file."""
    with CALLS.open("a", encoding="utf-8") as file:
        file.write(f"{call}\n")


def serve(protocol: Any) -> int:
    """A port where the service speaks *protocol*, in a thread."""
    application = Application([CalculatorService], NAMESPACE, in_protocol=protocol(), out_protocol=protocol())
    server = make_server("127.0.0.1", 0, WsgiApplication(application), handler_class=Quiet)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
    return server.server_port


if __name__ == "__main__":
    print(serve(Soap11), serve(Soap12), flush=True)
