"""A header that the pipeline sets cannot come from the client, in any disguise."""

from __future__ import annotations

import asyncio

import pytest

from gateway.wire.contract import HeaderContract
from gateway.wire.headers import Headers
from gateway.wire.messages import ForwardOptions, Request, Response
from gateway.wire.pending import Pending
from gateway.wire.upstream.http_target import HttpTarget
from tests.wire.rig import OK, Forwarder, answer, ask, backend, serving

FORGED = [
    b"caller-objectid: forged\r\n",
    b"CALLER-OBJECTID: forged\r\n",
    b"caller_objectid: forged\r\n",
    b"Caller_ObjectId: forged\r\ncaller-objectid: forged\r\nCaller-ObjectID: forged\r\n",
    b"Connection: caller-objectid\r\ncaller-objectid: forged\r\n",
    b"Connection: close, Caller_ObjectId\r\nCALLER_OBJECTID: forged\r\n",
]


class Guarded(Forwarder):
    """Strips the contracted header and, on a protected route, sets the trusted value."""

    contract = HeaderContract(["Caller-ObjectId"])

    def handle(self, request: Request) -> Pending[Response]:
        if self.contract.is_broken(request.headers):
            self.contract.strip(request.headers)
        if request.path == "/protected":
            request.headers.replace("caller-objectid", "trusted")
        return super().handle(request)


def _shown(forged: bytes) -> str:
    """A name for the case without the line ends, which mutmut could not repeat."""
    return forged.decode().replace("\r\n", "; ")


@pytest.mark.parametrize("path", ["/protected", "/anonymous"])
@pytest.mark.parametrize("forged", [*FORGED, b"Transfer-Encoding: chunked\r\n"], ids=_shown)
def test_exactly_one_trusted_value_or_none_leaves(forged: bytes, path: str) -> None:
    """The backend sees the trusted value once on a protected route, and none on an anonymous one."""
    body = b"0\r\ncaller-objectid: forged\r\n\r\n" if b"chunked" in forged else b""

    async def scenario() -> bytes:
        async with backend(answer(OK)) as behind:
            target = HttpTarget(f"http://127.0.0.1:{behind.port}")
            async with serving(Guarded(target, ForwardOptions())) as server:
                request = b"POST " + path.encode() + b" HTTP/1.1\r\nHost: h\r\n" + forged + b"\r\n" + body
                assert (await ask(server.port, request)).status == 200
            await target.aclose()
            return behind.received.lower()

    received = asyncio.run(scenario())
    assert b"forged" not in received
    assert received.replace(b"_", b"-").count(b"objectid") == (1 if path == "/protected" else 0)
    assert b"connection" not in received


def test_names_that_are_not_there() -> None:
    """A request with some of the contract's headers loses these, whatever the others are; without any it stays."""
    contract = HeaderContract(["a", "b", "c"])
    headers = Headers([("X", "1"), ("B", "2"), ("b", "3")])
    contract.strip(headers)
    contract.strip(headers)
    assert list(headers) == [("X", "1")]
