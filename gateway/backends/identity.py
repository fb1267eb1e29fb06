"""
A backend that wants a token of the gateway's own identity with every request, as models in Azure do.

Source: Microsoft, "Backends in API Management", managed identity
(https://learn.microsoft.com/azure/api-management/backends).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from gateway.errors import UpstreamError
from gateway.outside.seam import CredentialSource
from gateway.wire.messages import Response
from gateway.wire.pending import Pending, rejected

Send = Callable[[str], Pending[Response]]


@dataclass(frozen=True, slots=True)
class BackendIdentity:
    """
    Tokens for one backend.

    Attributes:
        resource: What they are for: an App ID URI.
        client_id: A user-assigned identity; None: the gateway's own.
        source: Where they come from; None: the gateway has no identity.
    """

    resource: str
    client_id: str | None = None
    source: CredentialSource | None = field(default=None, repr=False)

    def sent(self, send: Send) -> Pending[Response]:
        """What *send* makes of a value for ``Authorization``; it is called when there is a token. Errors: as there."""
        if self.source is None:
            message = f"the backend wants a token for {self.resource}, and the gateway has no identity"
            return rejected(UpstreamError("BackendConnectionFailure", message, 500))
        try:
            token = self.source.token(self.resource, self.client_id)
        except UpstreamError as error:
            return rejected(error)
        return send(f"Bearer {token}") if isinstance(token, str) else _Later(token, send)


class _Later(Pending[Response]):
    """The answer to a request that waits for its token."""

    __slots__ = ("_send",)

    def __init__(self, token: Awaitable[str], send: Send) -> None:
        fetch = asyncio.ensure_future(token)
        super().__init__(partial(self._give_up, fetch))
        self._send = send
        fetch.add_done_callback(self._arrived)

    def _give_up(self, fetch: asyncio.Future[str]) -> None:
        fetch.cancel()

    def _arrived(self, fetch: asyncio.Future[str]) -> None:
        if fetch.cancelled():
            self.reject(UpstreamError("BackendConnectionFailure", "the token was not waited for", 500))
            return
        error = fetch.exception()
        if isinstance(error, Exception):
            self.reject(error)
            return
        sent = self._send(f"Bearer {fetch.result()}")
        self.on_cancel = sent.cancel
        sent.then(self._answered)

    def _answered(self, sent: Pending[Response]) -> None:
        try:
            self.resolve(sent.result())
        except Exception as error:
            self.reject(error)
