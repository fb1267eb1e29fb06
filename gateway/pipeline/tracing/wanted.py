"""
Requests whose traces someone waits for: the next ones that match.

What is asked for is bounded in number and time, so that nothing is noted for ever because somebody once wanted to know.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.pipeline.context import Context

MAX_PENDING = 20
MAX_COUNT = 50
MAX_PATTERN = 200  # characters
DEFAULT_FOR_S = 300.0
MAX_FOR_S = 3_600.0

_CALLER_CLAIMS = ("oid", "azp", "appid", "sub")


@dataclass(slots=True)
class Wanted:
    """
    One order for traces.

    Attributes:
        path: Pattern of the path as the client sends it, ``*`` for anything; empty: any path.
        api: Id; empty: any API.
        caller: Object id, application id or subject of the token, or the subscription's id; empty: any caller.
        count: Traces that are still wanted.
        until: ``time.monotonic`` when it expires.
    """

    path: str = ""
    api: str = ""
    caller: str = ""
    count: int = 1
    until: float = 0.0
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def matches(self, context: Context) -> bool:
        """Whether *context*'s request, which is over, is one of those."""
        return (
            self.api in ("", context.api.id)
            and (not self.path or fnmatchcase(context.request.original_path, self.path))
            and (not self.caller or self.caller in _callers(context))
        )

    def as_json(self, now: float) -> dict[str, Any]:
        """``{"id", "path", "api", "caller", "count", "seconds_left"}``."""
        return {
            "id": self.id,
            "path": self.path,
            "api": self.api,
            "caller": self.caller,
            "count": self.count,
            "seconds_left": round(max(0.0, self.until - now), 1),
        }


class WantedTraces:
    """
    What is asked for in this process.

    Attributes:
        orders: By id; while there is none, no request has to be looked at. Some may have expired.
        changed: Called when there are others.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.orders: dict[str, Wanted] = {}
        self.changed: Callable[[], None] = lambda: None
        self._now = now

    def add(self, wanted: Wanted) -> None:
        """One more; with the id of one that is there it replaces that. Raises ValueError: there are too many."""
        if wanted.id not in self.orders and len(self._current()) >= MAX_PENDING:
            raise ValueError(f"{MAX_PENDING} are pending already; delete one, or wait")
        self.orders[wanted.id] = wanted
        self.changed()

    def remove(self, wanted_id: str | None = None) -> int:
        """How many are no longer wanted: the one with that id, or all."""
        gone = list(self._current()) if wanted_id is None else [wanted_id]
        removed = sum(self.orders.pop(order_id, None) is not None for order_id in gone)
        self.changed()
        return removed

    def takes(self, context: Context) -> bool:
        """Whether the trace of *context*'s request is wanted; then one less is."""
        for wanted in self._current().values():
            if wanted.matches(context):
                wanted.count -= 1
                return True
        return False

    def pending(self) -> list[dict[str, Any]]:
        """What is still wanted."""
        now = self._now()
        return [wanted.as_json(now) for wanted in self._current().values()]

    def _current(self) -> dict[str, Wanted]:
        now = self._now()
        current = (order for order in self.orders.values() if order.count > 0 and order.until > now)
        self.orders = {order.id: order for order in current}
        self.changed()
        return self.orders


def _callers(context: Context) -> Iterator[object]:
    """Everything by which the caller of *context*'s request is known."""
    if context.subscription is not None:
        yield context.subscription.id
    if context.token is not None:
        yield from filter(None, map(context.token.payload.get, _CALLER_CLAIMS))
