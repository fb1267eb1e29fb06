"""What is logged."""

from __future__ import annotations

from typing import Literal

from gateway.reading.settings import Block


class LogSettings(Block):
    """What is logged to standard output; never a header, a query, a body or a token."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Lowest level that is logged."""
    format: Literal["json", "console"] = "json"
    """One JSON object per line, or human-readable lines."""
    requests: Literal["all", "refused"] = "refused"
    """Which requests get a line: every one, or those that ended in an error."""
