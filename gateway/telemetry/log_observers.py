"""
Log lines and traces: which request or job a line belongs to, and who else gets it.

Source: OpenTelemetry, "Trace Context in non-OTLP Log Formats".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from gateway.telemetry.spans import active, log_ids


class _Observer:
    """Gets each line of this process, before it is masked; None: nothing does."""

    take: Callable[[Mapping[str, Any]], object] | None = None


def observe(take: Callable[[Mapping[str, Any]], object] | None) -> None:
    """Let *take*, which must neither wait nor log, have each line from now on; None: nothing."""
    _Observer.take = take


def observed() -> bool:
    """Whether lines get trace ids, or something else gets them."""
    return _Observer.take is not None or active()


def traced(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: ``trace_id`` and ``span_id`` where they are known and the line does not have them yet."""
    if active() and "trace_id" not in event:
        event.update(log_ids())
    if _Observer.take is not None:
        _Observer.take(dict(event))
    return event
