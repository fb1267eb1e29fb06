"""Traces as the management plane needs them; the pipeline's book of traces is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Trace(Protocol):
    """One request's trace."""

    def as_json(self) -> Mapping[str, object]: ...


class Traces(Protocol):
    """The traces that are kept."""

    def ids(self) -> list[str]:
        """Newest first."""

    def summaries(self) -> list[dict[str, Any]]:
        """The same for people; the members are in docs/tracing.md."""

    def find(self, trace_id: str) -> Trace | None:
        """The trace, or None."""
