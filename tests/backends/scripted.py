"""An upstream that answers from a script, and a clock that stands still until told."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.errors import UpstreamError
from gateway.wire.headers import Headers
from gateway.wire.messages import ForwardOptions, Request, Response, Url
from gateway.wire.pending import Pending

OPTIONS = ForwardOptions()
REFUSED = UpstreamError("BackendConnectionFailure", "connection refused")
SLOW = UpstreamError("Timeout", "no answer in time", 504)


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class ScriptedTarget:
    """Answers each request with the next outcome, then always 200; keeps what it got."""

    def __init__(self, host: str = "one.example", outcomes: Iterable[int | Response | Exception] = ()) -> None:
        self.url = Url("https", host, 443, "/base")
        self.received: list[Request] = []
        self.pendings: list[Pending[Response]] = []
        self.held = False
        self._outcomes = list(outcomes)

    def send(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        """The next outcome, at once unless *held*."""
        self.received.append(request)
        self.pendings.append(Pending())
        if not self.held:
            self.answer(self.pendings[-1], self._outcomes.pop(0) if self._outcomes else 200)
        return self.pendings[-1]

    def answer(self, pending: Pending[Response], outcome: int | Response | Exception) -> None:
        """Resolve *pending*."""
        if isinstance(outcome, Exception):
            pending.reject(outcome)
        else:
            pending.resolve(Response(outcome) if isinstance(outcome, int) else outcome)


def answer(status: int, *fields: tuple[str, str]) -> Response:
    """A response with header fields."""
    return Response(status, Headers(fields))


def get(*fields: tuple[str, str], query: str = "", scheme: str = "http") -> Request:
    """A GET request."""
    return Request("GET", "/x", query, Headers(fields), scheme=scheme)
