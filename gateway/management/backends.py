"""The present state of one backend, for readiness and the console."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from gateway.backends import Backend, BackendPool
from gateway.management.health import Status
from gateway.wire.messages import Target
from gateway.wire.upstream.asgi_target import AsgiTarget
from gateway.wire.upstream.http_target import HttpTarget

BackendKind = Literal["http", "application", "pool"]


@dataclass(frozen=True, slots=True)
class BackendState:
    """
    One backend in one process.

    Attributes:
        name: Its id in the configuration, or the service URL of an API.
        url: Where it is; empty for a pool.
        members: Of a pool: names of the backends that share the load.
        open_for_s: Seconds for which its circuit stays open; 0 while it is closed; None: it has no circuit breaker.
        in_use, idle: HTTP/1.1 connections, those being opened counted as in use.
        waiting: Requests that wait for a connection.
    """

    name: str
    kind: BackendKind
    url: str = ""
    members: tuple[str, ...] = ()
    open_for_s: float | None = None
    in_use: int = 0
    idle: int = 0
    waiting: int = 0

    @property
    def status(self) -> Status:
        """
        Its line in ``/readyz``: always ready: docs/adr/0056. An open circuit is shown, and closes automatically.
        """
        if self.open_for_s:
            detail = f"circuit open for {math.ceil(self.open_for_s)} s: its requests get 503"
            return Status(True, detail, concern=True)
        return Status(True, "" if self.open_for_s is None else "circuit closed")


def backend_states(targets: Iterable[tuple[str, Target]]) -> tuple[BackendState, ...]:
    """Every backend that the configuration names, read from the target that requests go to; nothing is changed."""
    return tuple(_state(name, target) for name, target in targets)


def backend_statuses(targets: Iterable[tuple[str, Target]]) -> Mapping[str, Status]:
    """The same for readiness."""
    return {state.name: state.status for state in backend_states(targets)}


def _state(name: str, target: Target) -> BackendState:
    if isinstance(target, BackendPool):
        open_for_s = target.open_for_s or None
        return BackendState(name, "pool", members=_members(target), open_for_s=open_for_s)
    open_for_s = target.open_for_s if isinstance(target, Backend) else None
    upstream = target.target if isinstance(target, Backend) else target
    kind: BackendKind = "application" if isinstance(upstream, AsgiTarget) else "http"
    state = BackendState(name, kind, str(upstream.url), open_for_s=open_for_s)
    if not isinstance(upstream, HttpTarget):
        return state
    pool = upstream.pool
    return replace(state, in_use=pool.size - pool.idle, idle=pool.idle, waiting=pool.waiting)


def _members(pool: BackendPool) -> tuple[str, ...]:
    return tuple(
        f"{member.target.info.id} (priority {member.priority}, weight {member.weight})" for member in pool.members
    )
