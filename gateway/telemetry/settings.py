"""What is logged."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.reading.settings import Block


class LogSettings(Block):
    """What is logged to standard output; never a header, a query, a body or a token."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Lowest level that is logged."""
    format: Literal["json", "console"] = "json"
    """One JSON object per line, or human-readable lines."""
    requests: Literal["all", "refused"] = "refused"
    """Which requests get a line: every one, or those that ended in an error."""


class RequestLogSettings(Block):
    """Which of the last requests each process keeps in memory; never a header, a query, a body or a token."""

    refused: Annotated[int, Field(ge=0, le=100_000)] = 1_000
    """Requests that were refused or failed; when there are more, the most frequent cause loses its oldest. 0: none."""
    answered: Annotated[int, Field(ge=0, le=100_000)] = 200
    """Other requests."""
    sample: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Which share of the other requests is kept, 0 to 1."""
