"""
Request metrics: plain numbers on the request path, turned into Prometheus families only during a scrape.

Labels come from the configuration (API, operation) and fixed lists (status, reason), never from a request, so their
number is bounded.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from gateway.telemetry.logs import dropped_lines
from gateway.telemetry.loop_watch import LoopWatch
from gateway.telemetry.tool_calls import ToolCalls

_LAST_GRPC_STATUS = 16  # UNAUTHENTICATED
# Upper bounds in seconds; finest where a gateway's own time lies.
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


# What an operation has that was never called: of thousands most are not.
_NO_BUCKETS = (0,) * (len(BUCKETS_S) + 1)
_NO_COUNTS: Counter[int] = Counter()
_NO_KINDS: Counter[str] = Counter()
_NO_EXEMPLARS: dict[int, tuple[str, float, float]] = {}


class OperationMetrics:
    """
    What one operation has answered.

    Attributes:
        statuses: Number of answers by status code; 0 stands for a client that left.
        calls: Number of gRPC calls by grpc-status; -1 stands for a client that left.
        graphql: Number of GraphQL requests that went to a backend or to resolvers, by kind.
        exemplars: By bucket, the last request of it that the request log has: see ``exemplify``.
    """

    __slots__ = ("api", "buckets", "calls", "exemplars", "graphql", "operation", "seconds", "statuses")

    def __init__(self, api: str, operation: str) -> None:
        self.api = api
        self.operation = operation
        self.statuses = _NO_COUNTS
        self.calls = _NO_COUNTS
        self.graphql = _NO_KINDS
        self.buckets: Sequence[int] = _NO_BUCKETS
        self.seconds = 0.0
        self.exemplars = _NO_EXEMPLARS

    def observe(self, status_code: int, elapsed_s: float) -> None:
        """One exchange has ended."""
        if self.statuses is _NO_COUNTS:
            self.statuses, self.buckets = Counter(), list(_NO_BUCKETS)
        self.statuses[status_code] += 1
        self.buckets[bisect_left(BUCKETS_S, elapsed_s)] += 1  # type: ignore[index]  # a list by now
        self.seconds += elapsed_s

    def observe_call(self, grpc_status: int | None) -> None:
        """One gRPC call has ended; numbers that are not in gRPC's table count as UNKNOWN: backends could make many."""
        if self.calls is _NO_COUNTS:
            self.calls = Counter()
        if grpc_status is None:
            self.calls[-1] += 1
        else:
            self.calls[grpc_status if grpc_status <= _LAST_GRPC_STATUS else 2] += 1

    def observe_graphql(self, kinds: Iterable[str] | Mapping[str, int]) -> None:
        """GraphQL requests have gone on: each one's kind, or the number of each kind."""
        if self.graphql is _NO_KINDS:
            self.graphql = Counter()
        self.graphql.update(kinds)

    def exemplify(self, request_id: str, elapsed_s: float, at: float) -> None:
        """The request log has this one, which took that long and ended *at*, in seconds since the epoch."""
        if self.exemplars is _NO_EXEMPLARS:
            self.exemplars = {}
        self.exemplars[bisect_left(BUCKETS_S, elapsed_s)] = request_id, elapsed_s, at


@dataclass(frozen=True, slots=True)
class Totals:
    """
    Sums over all operations.

    Attributes:
        errors: Answers with a status of 500 or more.
        refusals: Requests that ended in an error of any kind, by a policy or on the way to a backend.
        buckets: Durations, one number for each of ``BUCKETS_S`` and one beyond.
    """

    requests: int
    errors: int
    refusals: int
    buckets: tuple[int, ...]


class GatewayMetrics(Collector):
    """
    All request metrics of one process, as a Prometheus collector.

    Attributes:
        refusals: Requests refused, by (policy, reason).
        wire_refusals: Requests that the wire refused before any policy, by status.
        loop: Turns of the event loop that took too long.
        expired_streams: WebSockets and event streams ended because the token that opened them had expired.
        gauges, counters: Further numbers read at each scrape: name → (help text, function).
    """

    def __init__(self) -> None:
        self._operations: dict[tuple[str, str], OperationMetrics] = {}
        self.refusals: Counter[tuple[str, str]] = Counter()
        self.gauges: dict[str, tuple[str, Callable[[], float]]] = {
            "gateway_loop_longest_turn_seconds": (
                "Processor time of the longest turn of the event loop above 20 ms.",
                lambda: self.loop.longest_s,
            ),
        }
        self._tools: dict[str, ToolCalls] = {}
        self.expired_streams = 0
        self.wire_refusals: Counter[int] = Counter()
        self.loop = LoopWatch()
        self.counters: dict[str, tuple[str, Callable[[], float]]] = {
            "gateway_streams_expired": ("Streams ended with their token.", lambda: self.expired_streams),
            "gateway_log_lines_dropped": ("Log lines not written: standard output was not read.", dropped_lines),
        }

    def operation(self, api: str, operation: str) -> OperationMetrics:
        """The numbers of one operation, asked for at load; those of a later configuration go on counting."""
        return self._operations.setdefault((api, operation), OperationMetrics(api, operation))

    def tool_calls(self, api: str) -> ToolCalls:
        """The calls of one MCP API, asked for at load; those of a later configuration go on counting."""
        return self._tools.setdefault(api, ToolCalls())

    @property
    def busy(self) -> list[OperationMetrics]:
        """The operations that have answered anything."""
        return [operation for operation in list(self._operations.values()) if operation.statuses]

    def totals(self) -> Totals:
        """All operations together, since the start."""
        busy = self.busy
        statuses = [(status, count) for operation in busy for status, count in list(operation.statuses.items())]
        return Totals(
            requests=sum(count for _, count in statuses),
            errors=sum(count for status, count in statuses if status >= 500),
            refusals=sum(self.refusals.values()),
            buckets=tuple(map(sum, zip(*(operation.buckets for operation in busy), strict=True))) or _NO_BUCKETS,
        )

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily]:
        """The families, for a scrape."""
        yield self._requests()
        yield self._calls()
        yield self._called()
        yield self._graphql()
        yield self._durations()
        yield self._refused()
        yield self._refused_by_wire()
        yield self._held_turns()
        for name, (text, read) in self.counters.items():
            yield CounterMetricFamily(name, text, value=read())
        for name, (text, read) in self.gauges.items():
            yield GaugeMetricFamily(name, text, value=read())

    def _requests(self) -> CounterMetricFamily:
        family = _by_status("gateway_requests", "Requests by answer; status 0: the client left.", "status")
        return self._filled(family, lambda operation: operation.statuses)

    def _calls(self) -> CounterMetricFamily:
        family = _by_status("gateway_grpc_calls", "gRPC calls by status; status -1: the client left.", "grpc_status")
        return self._filled(family, lambda operation: operation.calls)

    def _called(self) -> CounterMetricFamily:
        text = "Messages to MCP servers that call a tool, by answer; status 0: the client left."
        family = CounterMetricFamily("gateway_mcp_calls", text, labels=["api", "tool", "status"])
        for api, calls in self._tools.items():
            for (tool, status), count in list(calls.statuses.items()):
                family.add_metric([api, tool, str(status)], count)
        return family

    def _graphql(self) -> CounterMetricFamily:
        text = "GraphQL requests that went on, over HTTP or a WebSocket, by kind: query, mutation, subscription."
        family = _by_status("gateway_graphql_operations", text, "kind")
        return self._filled(family, lambda operation: operation.graphql)

    def _filled(
        self, family: CounterMetricFamily, counts: Callable[[OperationMetrics], Mapping[Any, int]]
    ) -> CounterMetricFamily:
        """*family* with the *counts* of each operation."""
        for operation in self.busy:
            for status, count in list(counts(operation).items()):
                family.add_metric([operation.api, operation.operation, str(status)], count)
        return family

    def _durations(self) -> HistogramMetricFamily:
        text = "Seconds from the request's head to the end of the answer."
        family = HistogramMetricFamily("gateway_request_seconds", text, labels=["api", "operation"])
        for operation in self.busy:
            labels = [operation.api, operation.operation]
            family.add_metric(labels, _cumulative(operation), operation.seconds)
        return family

    def _refused(self) -> CounterMetricFamily:
        text = "Requests that a policy refused, by APIM's reason."
        family = CounterMetricFamily("gateway_refusals", text, labels=["policy", "reason"])
        for (policy, reason), count in list(self.refusals.items()):
            family.add_metric([policy, reason], count)
        return family

    def _refused_by_wire(self) -> CounterMetricFamily:
        text = "Requests refused before any policy ran: malformed, too large, too late, too many."
        family = CounterMetricFamily("gateway_wire_refusals", text, labels=["status"])
        for status, count in list(self.wire_refusals.items()):
            family.add_metric([str(status)], count)
        return family

    def _held_turns(self) -> CounterMetricFamily:
        text = "Turns of the event loop above 20 ms of processor time, by the policy or connection that held it."
        family = CounterMetricFamily("gateway_loop_held", text, labels=["holder"])
        for holder, count in list(self.loop.held.items()):
            family.add_metric([holder], count)
        return family


_Bound: TypeAlias = tuple[str, float] | tuple[str, float, Exemplar]


def _cumulative(operation: OperationMetrics) -> list[_Bound]:
    total, bounds, exemplars = 0, list[_Bound](), dict(operation.exemplars)
    for number, bound in enumerate([*map(str, BUCKETS_S), "+Inf"]):
        total += operation.buckets[number]
        shown = exemplars.get(number)
        if shown is None:
            bounds.append((bound, float(total)))
        else:
            request_id, elapsed_s, at = shown
            bounds.append((bound, float(total), Exemplar({"request_id": request_id}, elapsed_s, at)))
    return bounds


def _by_status(name: str, text: str, label: str) -> CounterMetricFamily:
    """A counter by API, operation and a status."""
    return CounterMetricFamily(name, text, labels=["api", "operation", label])
