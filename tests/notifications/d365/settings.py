"""Settings of a D365 that is a function."""

from __future__ import annotations

from collections.abc import Callable

import httpx2 as httpx
from pydantic import SecretStr

from gateway.notifications.d365.connection import D365Answer, D365Call
from gateway.notifications.settings import D365Settings
from gateway.wire.headers import Headers

SETTINGS = D365Settings(
    instance_url="https://Contoso.operations.dynamics.com/",
    token_url="https://login.test/t/oauth2/v2.0/token",
    client_id="id",
    client_secret=SecretStr("s+/=e"),
)


Handler = Callable[[httpx.Request], httpx.Response]


class FunctionWire:
    """Calls to an F&O that is a function: it gets a request and returns a response, or raises."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def send(self, call: D365Call, check: Callable[[], None] | None = None) -> D365Answer:
        """See D365Wire."""
        if check is not None:
            check()
        url = SETTINGS.instance_url + call.path + (f"?{call.query}" if call.query else "")
        request = httpx.Request(
            call.method, url, headers={"authorization": f"Bearer {call.token}"}, content=call.content
        )
        response = self._handler(request)
        return D365Answer(response.status_code, response.content, Headers(response.headers.items()))

    async def close(self) -> None:
        """Nothing to close."""
