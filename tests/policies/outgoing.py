"""Outgoing calls on the bench: a client and credentials that remember what they were asked for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from gateway.errors import UpstreamError
from gateway.outside.seam import Call
from gateway.wire.body import Body
from gateway.wire.messages import Response


@dataclass
class Http:
    """Remembers calls; answers 200 with the URL, or fails."""

    failure: Exception | None = None
    calls: list[Call] = field(default_factory=list)
    delays: dict[str, float] = field(default_factory=dict)

    async def send(self, call: Call) -> Response:
        self.calls.append(call)
        await asyncio.sleep(self.delays.get(call.url, 0))
        if self.failure:
            raise self.failure
        return Response(200, body=Body(call.url.encode()))


@dataclass
class Credentials:
    """Gives a token for any resource but ``api://nope``, at once or later."""

    later: bool = False
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def token(self, resource: str, client_id: str | None) -> object:
        self.asked.append((resource, client_id))
        if self.later:
            return self._later(resource)
        return self._token(resource)

    def _token(self, resource: str) -> str:
        if resource == "api://nope":
            raise UpstreamError("BackendConnectionFailure", "no token")
        return f"token-for-{resource}"

    async def _later(self, resource: str) -> str:
        return self._token(resource)


def send(inner: str = "<set-url>http://a.test/x</set-url>", attributes: str = "") -> str:
    return f'<send-request response-variable-name="r" {attributes}>{inner}</send-request>'
