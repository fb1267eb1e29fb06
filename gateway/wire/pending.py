"""
A result that arrives later, without a task that waits for it.

A task and a future per request cost more than the proxying itself (reference: performance.md). Code that answers later
returns a ``Pending``; the driver hangs one callback on it, and code that likes ``await`` can await it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


class Pending(Generic[T]):
    """
    One value or one error, delivered once, from the event loop's thread.

    ``cancel`` tells the producer that nobody waits any more; what it does then is its own business.
    """

    __slots__ = ("_callback", "_error", "_value", "done", "on_cancel")

    def __init__(self, on_cancel: Callable[[], None] | None = None) -> None:
        self.done = False
        self.on_cancel = on_cancel
        self._value: T | None = None
        self._error: BaseException | None = None
        self._callback: Callable[[Pending[T]], None] | None = None

    def resolve(self, value: T) -> None:
        """Deliver *value*; too late is no error."""
        if not self.done:
            self._value = value
            self._finish()

    def reject(self, error: BaseException) -> None:
        """Deliver *error*; too late is no error."""
        if not self.done:
            self._error = error
            self._finish()

    def _finish(self) -> None:
        self.done = True
        callback, self._callback = self._callback, None
        if callback is not None:
            callback(self)

    def then(self, callback: Callable[[Pending[T]], None]) -> None:
        """Call *callback* with this object when it is done; at once if it is. There is one listener only."""
        if self.done:
            callback(self)
        else:
            self._callback = callback

    def result(self) -> T:
        """The value, or raise the error. Only when done."""
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]

    def map(self, function: Callable[[T], U]) -> Pending[U]:
        """A Pending of ``function(value)``; errors pass through, and cancelling it cancels this one."""
        mapped: Pending[U] = Pending(self.cancel)

        def forward(done: Pending[T]) -> None:
            try:
                mapped.resolve(function(done.result()))
            except BaseException as error:
                mapped.reject(error)

        self.then(forward)
        return mapped

    def cancel(self) -> None:
        """Nobody waits any more."""
        self._callback = None
        if not self.done and self.on_cancel is not None:
            self.on_cancel()

    def __await__(self) -> Generator[object, None, T]:
        if not self.done:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

            def wake(_: Pending[T]) -> None:
                if not future.done():
                    future.set_result(None)

            self.then(wake)
            try:
                yield from future
            except asyncio.CancelledError:
                self.cancel()
                raise
        return self.result()
