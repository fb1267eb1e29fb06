"""
A result that arrives later, without a task that waits for it.

A task and a future per request cost more than the proxying itself (docs/performance.md). Code that answers later
returns a ``Pending``; the driver hangs one callback on it, and code that likes ``await`` can await it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterator
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")
U = TypeVar("U")

Step: TypeAlias = tuple[Callable[[Any], Any], Callable[[Exception], Any] | None]


class Pending(Generic[T]):
    """
    One value or one error, delivered once, from the event loop's thread.

    ``cancel`` tells the producer that the result is not wanted any more; what it does then is up to it.
    """

    __slots__ = ("_callback", "_error", "_steps", "_value", "done", "on_cancel")

    def __init__(self, on_cancel: Callable[[], None] | None = None) -> None:
        self.done = False
        self.on_cancel = on_cancel
        self._value: Any = None
        self._error: Exception | None = None
        self._callback: Callable[[Pending[T]], None] | None = None
        self._steps: list[Step] | None = None

    def resolve(self, value: T) -> None:
        """Deliver *value*; ignored if already settled."""
        if not self.done:
            self._value = value
            self._finish()

    def reject(self, error: Exception) -> None:
        """Deliver *error*; ignored if already settled."""
        if not self.done:
            self._error = error
            self._finish()

    def _finish(self) -> None:
        self.done = True
        self.on_cancel = None  # often a method of this very object: a cycle that only the collector would undo
        callback, self._callback = self._callback, None
        if callback is not None:
            callback(self)

    def then(self, callback: Callable[[Pending[T]], None]) -> None:
        """Call *callback* with this object when it is done, or now if it is. There is one listener only."""
        if self.done:
            callback(self)
        else:
            self._callback = callback

    def map(self, function: Callable[[T], U], recover: Callable[[Exception], U] | None = None) -> Pending[U]:
        """
        This object, which now delivers ``function(value)`` instead; the caller must not use the original any more.

        *recover* turns an error, one of *function* included, into a value, or raises one itself; without it errors pass
        through. Either may return an awaitable: then the result is still to come, and ``await`` waits for that too.
        """
        if self._steps is None:
            self._steps = []
        self._steps.append((function, recover))
        return self  # type: ignore[return-value]

    def result(self) -> T:
        """The value, or raise the error. Only when done."""
        steps, self._steps = self._steps, None
        if steps is not None:
            self._go_on(iter(steps))
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[no-any-return]

    def _go_on(self, steps: Iterator[Step]) -> None:
        """Take *steps* in turn; where one raises, or there is an error already, a step recovers or none is left."""
        recover: Callable[[Exception], Any] | None = None
        try:
            for step in steps if self._error is None else ():
                recover = step[1]
                self._value = step[0](self._value)
        except Exception as error:
            self._error = error
        if self._error is not None:
            self._recover(recover, steps)

    def _recover(self, recover: Callable[[Exception], Any] | None, steps: Iterator[Step]) -> None:
        """Give the error to *recover*, else to the first of *steps* that has one, and go on behind it."""
        recover = recover or next((other for _, other in steps if other is not None), None)
        error = self._error
        if recover is None or error is None:
            return
        self._error = None
        try:
            self._value = recover(error)
        except Exception as another:
            self._error = another
        self._go_on(steps)

    def cancel(self) -> None:
        """The result is not wanted any more."""
        # What was to come of it refers to the request and its body, and on_cancel often to this very object.
        on_cancel, self.on_cancel, self._callback, self._steps = self.on_cancel, None, None, None
        if not self.done and on_cancel is not None:
            on_cancel()

    def __await__(self) -> Generator[object, None, T]:
        if not self.done:
            yield from self._wait()
        value = self.result()
        if isinstance(value, Awaitable):
            value = yield from value.__await__()
        return value

    def _wait(self) -> Generator[object, None, None]:
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


def rejected(error: Exception) -> Pending[Any]:
    """A result that failed before it began."""
    pending: Pending[Any] = Pending()
    pending.reject(error)
    return pending
