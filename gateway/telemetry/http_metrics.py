"""
Durations of requests and calls by their attributes, as OpenTelemetry names them; bounded, and exported from elsewhere.

Source: OpenTelemetry semantic conventions 1.27 and later, "HTTP metrics"; SDK specification, "Cardinality limits".
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from typing import Final, TypeAlias

# The boundaries that the conventions advise, in seconds.
BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
MAX_SERIES: Final = 2_000
_METHODS = frozenset("GET HEAD POST PUT PATCH DELETE OPTIONS CONNECT TRACE QUERY".split())

AttributeValue: TypeAlias = str | int | float | bool
Series: TypeAlias = tuple[AttributeValue | None, ...]
OVERFLOW: Final[Series] = ("(overflow)",)

SERVER_ATTRIBUTES: Final = (
    "http.request.method",
    "url.scheme",
    "http.route",
    "http.response.status_code",
    "error.type",
)
CLIENT_ATTRIBUTES: Final = (
    "http.request.method",
    "url.scheme",
    "server.address",
    "server.port",
    "http.response.status_code",
    "error.type",
)


def known_method(method: str) -> str:
    """*method*, or ``_OTHER``: clients can send any word."""
    return method if method in _METHODS else "_OTHER"


class DurationSeries:
    """What was observed under one set of attributes: how many in each bucket, and their sum in seconds."""

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS_S) + 1)
        self.seconds = 0.0


class Durations:
    """
    A histogram.

    Attributes:
        attributes: Names of what tells one series from another, in the order of a series' values.
        series: By those values; None where an attribute is absent. Beyond the limit all share ``OVERFLOW``.
    """

    __slots__ = ("attributes", "series")

    def __init__(self, attributes: tuple[str, ...]) -> None:
        self.attributes = attributes
        self.series: dict[Series, DurationSeries] = {}

    def observe(self, values: Series, seconds: float) -> None:
        """One more."""
        series = self.series.get(values) or self._add(values)
        series.buckets[bisect_left(BOUNDS_S, seconds)] += 1
        series.seconds += seconds

    def _add(self, values: Series) -> DurationSeries:
        key = values if len(self.series) < MAX_SERIES else OVERFLOW
        return self.series.setdefault(key, DurationSeries())


class HttpMetrics:
    """
    All that is counted for OpenTelemetry and not for Prometheus.

    Attributes:
        server, client: ``http.server.request.duration`` and ``http.client.request.duration``.
        active: ``http.server.active_requests``, by method and scheme.
        since_ns: When counting began.
    """

    __slots__ = ("active", "client", "server", "since_ns")

    def __init__(self) -> None:
        self.server = Durations(SERVER_ATTRIBUTES)
        self.client = Durations(CLIENT_ATTRIBUTES)
        self.active: Counter[tuple[str, str]] = Counter()
        self.since_ns = time.time_ns()
