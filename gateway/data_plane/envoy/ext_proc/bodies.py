"""
A body that Envoy has: it comes when a policy reads it, and stays where it is when none does.

Source: Envoy, ``ProcessingMode``: NONE in its configuration, BUFFERED by ``mode_override``.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.errors import GatewayError
from gateway.wire.body import Body, BodyStream
from gateway.wire.fields import fold_name
from gateway.wire.trailers import passes


def _nothing() -> None:
    """Nothing wants it any more."""


def _ignore(_: object) -> None:
    """Nothing takes it any more."""


class AwayBody:
    """
    One message's body as Envoy has it.

    Attributes:
        stream: What policies read; reading it asks Envoy for the body.
        delivered: The bytes, once they are here.
        is_paused: Whether whoever reads it wants no more of it for the moment.
    """

    __slots__ = ("_asked", "_failed", "_want", "delivered", "is_paused", "stream")

    def __init__(self, length: int | None, want: Callable[[], None]) -> None:
        """*want* is called once, when a policy reads the body."""
        self.stream = BodyStream(length, self._pause, self._ask)
        self._want = want
        self._asked = self._failed = self.is_paused = False
        self.delivered: bytes | None = None

    def _pause(self) -> None:
        self.is_paused = True

    def _ask(self) -> None:
        self.is_paused = False
        if not self._asked:
            self._asked = True
            self._want()

    def deliver(self, content: bytes) -> None:
        """All of it."""
        self.delivered = content
        if content:
            self.stream.feed(content)
        self.stream.finish()

    def pass_on(self, content: bytes, is_last: bool) -> None:
        """The next piece."""
        self.delivered = b""
        if content:
            self.stream.feed(content)
        if is_last:
            self.stream.finish()

    def release(self) -> None:
        """Nothing of it is needed any more: break the reference cycles, which the collector would be late to find."""
        self._want, self.stream = _nothing, BodyStream()

    @property
    def is_over(self) -> bool:
        """Whether it will not come."""
        return self._failed

    def fail(self, error: GatewayError) -> None:
        """It will not come."""
        self._asked = self._failed = True
        self.stream.fail(error)

    def is_left(self, body: Body | None) -> bool:
        """Whether *body*, which goes out, is this one, and Envoy still has it."""
        return body is not None and body.stream is self.stream and not self._asked

    def replacement(self, body: Body | None) -> bytes | None:
        """What goes out instead of what Envoy has; None: that is what goes out."""
        content = b"" if body is None else body.content
        return None if content == self.delivered else content


class Pieces:
    """The sink of a streamed body: *give* gets its bytes, and none at its end."""

    def __init__(self, give: Callable[[bytes], None], break_off: Callable[[Exception], None]) -> None:
        self.write = give
        self.fail = break_off

    def finish(self) -> None:
        """No more bytes follow."""
        self.write(b"")

    def release(self) -> None:
        """The stream may outlive the exchange."""
        self.write = self.fail = _ignore


def passes_behind(name: str, barred: frozenset[str] | None) -> bool:
    """Whether a trailer passes behind a message that bars these folded names; None: no trailer does."""
    key = fold_name(name)
    return barred is not None and key not in barred and passes(key)
