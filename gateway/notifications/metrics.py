"""
What the service counts. No caller, batch id or host in any label: their number has no bound, and some are secrets.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_PREFIX = "gateway_notifications_"


class Metrics:
    """All meters of the service, in the registry that the caller owns."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        self.registry = registry
        self.accepted = Counter(f"{_PREFIX}accepted", "Jobs accepted.", registry=registry)
        self.refused = Counter(f"{_PREFIX}refused", "Requests refused, by reason.", ["reason"], registry=registry)
        self.outcomes = Counter(f"{_PREFIX}outcomes", "Watches ended, by outcome.", ["outcome"], registry=registry)
        self.attempts = Counter(
            f"{_PREFIX}callback_attempts", "Callback attempts, by decision.", ["decision"], registry=registry
        )
        self.exhausted = Counter(f"{_PREFIX}callback_exhausted", "Callbacks given up.", registry=registry)
        self.jobs = Gauge(f"{_PREFIX}jobs", "Jobs not yet final, by state.", ["state"], registry=registry)
        self.oldest = Gauge(
            f"{_PREFIX}oldest_pending_seconds", "Age of the oldest job not yet final.", registry=registry
        )
        self.watches = Gauge(f"{_PREFIX}watches", "Batch jobs this process is polling for.", registry=registry)
        self.polls = Counter(f"{_PREFIX}poll_queries", "Coalesced status queries.", registry=registry)
        self.taken_over = Counter(f"{_PREFIX}taken_over", "Workflows taken over from dead replicas.", registry=registry)
        self.d365_requests = Counter(
            f"{_PREFIX}d365_requests", "Calls to F&O.", ["environment", "method", "status"], registry=registry
        )
        self.paused = Gauge(
            f"{_PREFIX}d365_paused_seconds",
            "Seconds until F&O is called again after a 429; 0: now.",
            ["environment"],
            registry=registry,
        )
        self.circuits = Gauge(
            f"{_PREFIX}callback_circuits_open",
            "Callback hosts with an open circuit for some caller.",
            registry=registry,
        )
        self.accept_time = Histogram(
            f"{_PREFIX}accept_seconds",
            "From a parsed request to its durable record.",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0),
            registry=registry,
        )
