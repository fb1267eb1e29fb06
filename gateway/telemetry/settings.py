"""What is logged."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.reading.settings import Block
from gateway.reading.values import Secret


class LogSettings(Block):
    """What is logged to standard output; never a header, a query, a body or a token."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Lowest level that is logged."""
    format: Literal["json", "console"] = "json"
    """One JSON object per line, or human-readable lines."""
    requests: Literal["all", "refused", "none"] = "refused"
    """Which requests get a line: every one, those that were refused or failed, or none."""
    sample: Annotated[float, Field(ge=0, le=1)] = 1.0
    """With `requests: all`: which share of the answered ones gets a line, 0 to 1."""
    callers: Literal["clear", "hashed", "off"] = "clear"
    """Whether lines show who is calling (object id, application id, subscription, address): as it is, as a keyed hash,
    or not at all."""
    callers_key: Secret | None = None
    """Key of the hashes, the same in all gateways whose lines are joined. None: a new one with each start."""


class RequestLogSettings(Block):
    """Which of the last requests each process keeps in memory; never a header, a query, a body or a token."""

    refused: Annotated[int, Field(ge=0, le=100_000)] = 1_000
    """Requests that were refused or failed; when there are more, the most frequent cause loses its oldest. 0: none."""
    answered: Annotated[int, Field(ge=0, le=100_000)] = 200
    """Other requests."""
    sample: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Which share of the other requests is kept, 0 to 1."""

    @property
    def share(self) -> float:
        """*sample*, unless there is no room for what it chooses."""
        return self.sample if self.answered else 0.0
