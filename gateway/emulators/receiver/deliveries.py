"""What arrived: every request to a callback URL, with headers, body, time and the verdict on its signature."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from typing import Any

KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    One request to a callback URL.

    Attributes:
        path: With the query string.
        headers: In the order of arrival, names in lower case.
        at: Seconds since the epoch.
        signature: See ``signatures.check_signature``.
        status: The status answered; 0 if the connection was cut.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    at: float
    signature: str
    status: int

    def header(self, name: str) -> str | None:
        """The first value of a header field, whose *name* may be in any case."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    def json(self) -> Any:
        """The body as JSON; None if it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def to_json(self) -> dict[str, Any]:
        """For ``GET /deliveries``."""
        text = self.body.decode("utf-8", "replace")
        seen = {"method": self.method, "path": self.path, "at": self.at, "status": self.status}
        return seen | {
            "signature": self.signature,
            "headers": [*map(list, self.headers)],
            "body": text,
            "json": self.json(),
        }


class Deliveries:
    """The newest twenty thousand deliveries, oldest first."""

    def __init__(self) -> None:
        self._kept: deque[Delivery] = deque(maxlen=KEPT)

    def record(self, delivery: Delivery) -> None:
        """Keep one more."""
        self._kept.append(delivery)

    def under(self, path: str = "") -> list[Delivery]:
        """The deliveries whose path starts with *path*."""
        return [delivery for delivery in self._kept if delivery.path.startswith(path)]

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
