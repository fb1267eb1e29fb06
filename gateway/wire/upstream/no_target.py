"""The target of an API without a backend."""

from __future__ import annotations

from gateway.errors import UpstreamError
from gateway.wire.messages import ForwardOptions, Request, Response, Url
from gateway.wire.pending import Pending, rejected


class NoTarget:
    """For an API without a backend: sending fails until a policy chooses one."""

    url = Url("http", "no-backend.invalid", 80, "/")

    def send(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        """Always fails."""
        return rejected(UpstreamError("BackendConnectionFailure", "no backend is configured for this API", 500))
