"""
Backend entities: an upstream with its credentials and circuit breaker, and pools of them.

Each is a ``messages.Target``, so the engine does not know which one it sends to.

Source: Microsoft, "Backends in API Management" (https://learn.microsoft.com/azure/api-management/backends).
"""

from __future__ import annotations

from gateway.backends.backend import Backend, BackendInfo
from gateway.backends.circuit_breaker import BreakerRule, CircuitBreaker
from gateway.backends.credentials import Credentials
from gateway.backends.identity import BackendIdentity
from gateway.backends.pool import BackendPool, PoolMember, SessionAffinity

__all__ = [
    "Backend",
    "BackendIdentity",
    "BackendInfo",
    "BackendPool",
    "BreakerRule",
    "CircuitBreaker",
    "Credentials",
    "PoolMember",
    "SessionAffinity",
]
