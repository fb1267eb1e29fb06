"""
Whether the machine's limits are enough for the configuration: said at the start, measured while it runs.

Source: getrlimit(2), RLIMIT_NOFILE; proc(5), ``/proc/self/fd`` and ``statm``.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import structlog

from gateway.config import Config
from gateway.serving.machine import Machine
from gateway.telemetry.metrics import GatewayMetrics

log = structlog.get_logger("gateway.resources")

LimitName: TypeAlias = Literal["descriptors", "memory"]

MIB = 1024 * 1024
NEAR = 0.9
FAR = 0.8  # below this a warning may be given again
_HIGHEST_DESCRIPTORS = 1_048_576  # a limit of a billion, which some containers have, is none
_OWN_DESCRIPTORS = 64  # files, sockets, pipes of the process itself
_FEWEST_CONNECTIONS = 1_024  # that should be possible where no number is configured
_PROCESS_MIB = 45  # of a worker, what it shares divided among those who share it: docs/performance.md
_SUPERVISOR_MIB = 60
_RESPONSES_MIB = 64  # of the response cache
_BODIES_HELD = 2  # of the largest size, at the same time, in one worker


@dataclass(frozen=True, slots=True)
class Shortage:
    """
    A limit of the machine that is too low.

    Attributes:
        what: ``descriptors`` or ``memory``.
        limit, wanted: In descriptors, or in MiB.
    """

    what: LimitName
    limit: int
    wanted: int
    remedy: str

    def write_log(self) -> None:
        """One line."""
        log.warning(
            "few_descriptors" if self.what == "descriptors" else "little_memory",
            limit=self.limit,
            wanted=self.wanted,
            remedy=self.remedy,
        )


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open descriptors to the hard one; what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _HIGHEST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _HIGHEST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return descriptor_limit()


def descriptor_limit() -> int:
    """How many descriptors this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _HIGHEST_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft


def shortages(config: Config, workers: int, descriptors: int, machine: Machine) -> Iterator[Shortage]:
    """What is too low for *config* with that many *workers*."""
    wanted = wanted_descriptors(config)
    if descriptors < wanted:
        remedy = (
            f"raise the limit (LimitNOFILE={wanted} in a unit, ulimit -n {wanted}), or lower limits/connections and "
            "the backends' max-connections"
        )
        yield Shortage("descriptors", descriptors, wanted, remedy)
    limit, needed = machine.memory_limit(), wanted_memory(config, workers)
    if limit is not None and limit < needed:
        remedy = (
            f"raise the memory limit to {needed // MIB} MiB, or lower workers, token-cache/max-bytes or "
            "limits/body-buffer-bytes"
        )
        yield Shortage("memory", limit // MIB, needed // MIB, remedy)


def wanted_descriptors(config: Config) -> int:
    """How many descriptors one worker may need: of clients, of backends, where some lie idle, and its own."""
    clients = config.limits.connections or _FEWEST_CONNECTIONS
    backends = sum(backend.max_connections for backend in config.backends.values() if backend.url)
    envoys = 0 if config.envoy is None else config.envoy.connections
    return clients + envoys + min(backends, 2 * clients) + _OWN_DESCRIPTORS


def wanted_memory(config: Config, workers: int) -> int:
    """How many bytes all processes may need, with full caches, and while a reload has two gateways."""
    return _SUPERVISOR_MIB * MIB + workers * worker_memory(config)


def worker_memory(config: Config) -> int:
    """How many bytes one worker may need, in the order of size."""
    responses = 0 if config.redis is not None else _RESPONSES_MIB * MIB
    tokens = config.token_cache.max_bytes if config.token_cache.entries else 0
    return _PROCESS_MIB * MIB + responses + tokens + _BODIES_HELD * config.limits.body_buffer_bytes


@dataclass(slots=True)
class ResourceWatch:
    """
    Open descriptors and memory of this process; adds them to *metrics*.

    Attributes:
        descriptors: How many are open.
        memory: Bytes in use by this process.
    """

    metrics: GatewayMetrics
    machine: Machine = field(default_factory=Machine)
    descriptors: int = 0
    memory: int = 0
    _limit: int = field(default_factory=descriptor_limit)
    _memory_limit: int | None = None
    _warned: set[LimitName] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._memory_limit = self.machine.memory_limit()
        gauges = self.metrics.gauges
        gauges["gateway_descriptors"] = ("Open descriptors.", lambda: self.descriptors)
        gauges["gateway_descriptors_limit"] = ("Descriptors that may be open.", lambda: self._limit)
        gauges["gateway_memory_bytes"] = ("Memory of the process, with what it shares.", lambda: self.memory)
        gauges["gateway_memory_limit_bytes"] = (
            "Memory that the container may use, all processes together; 0: no limit.",
            lambda: self._memory_limit or 0,
        )

    def look(self) -> None:
        """Measure, and warn when a limit is near; not on the event loop."""
        with suppress(OSError):
            self.descriptors = len(os.listdir("/proc/self/fd"))
            self.memory = int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
        self._warn("descriptors", self.descriptors, self._limit, "raise LimitNOFILE or ulimit -n")
        used = self.machine.memory_used() if self._memory_limit else None
        if used is not None and self._memory_limit:
            self._warn("memory", used, self._memory_limit, "raise the container's memory limit")

    def _warn(self, what: LimitName, used: int, limit: int, remedy: str) -> None:
        if used >= NEAR * limit and what not in self._warned:
            self._warned.add(what)
            log.warning(
                "descriptors_nearly_used_up" if what == "descriptors" else "memory_nearly_used_up",
                used=used,
                limit=limit,
                process=os.getpid(),
                remedy=remedy,
            )
        elif used < FAR * limit:
            self._warned.discard(what)
