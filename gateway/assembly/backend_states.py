"""How the configured backends are right now: read from the targets that requests go to, changing nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.assembly.targets import ConfiguredTargets
from gateway.backends import Backend, BackendPool
from gateway.management.backends import BackendState, Kind
from gateway.management.health import Status
from gateway.wire.messages import Target
from gateway.wire.upstream.asgi_target import AsgiTarget
from gateway.wire.upstream.http_target import HttpTarget


def backend_states(targets: ConfiguredTargets) -> tuple[BackendState, ...]:
    """Every backend that the configuration names."""
    return tuple(_state(name, target) for name, target in targets.named())


def backend_statuses(targets: ConfiguredTargets) -> Mapping[str, Status]:
    """The same for readiness."""
    return {state.name: state.status for state in backend_states(targets)}


def _state(name: str, target: Target) -> BackendState:
    if isinstance(target, BackendPool):
        open_for_s = None if target.available else _first_closes_s(target)
        return BackendState(name, "pool", members=_members(target), open_for_s=open_for_s)
    open_for_s = target.open_for_s if isinstance(target, Backend) else None
    upstream = target.target if isinstance(target, Backend) else target
    kind: Kind = "application" if isinstance(upstream, AsgiTarget) else "http"
    state = BackendState(name, kind, str(upstream.url), open_for_s=open_for_s)
    if not isinstance(upstream, HttpTarget):
        return state
    pool = upstream.pool
    return replace(state, in_use=pool.size - pool.idle, idle=pool.idle, waiting=pool.waiting)


def _members(pool: BackendPool) -> tuple[str, ...]:
    return tuple(f"{one.target.info.id} (priority {one.priority}, weight {one.weight})" for one in pool.members)


def _first_closes_s(pool: BackendPool) -> float:
    """Seconds until a pool without an available member has one again."""
    targets = (member.target for member in pool.members)
    return min((target.open_for_s or 0.0 for target in targets if isinstance(target, Backend)), default=0.0)
