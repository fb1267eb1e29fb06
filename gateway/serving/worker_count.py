"""``--workers auto``: as many processes as there are processors and memory for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from gateway.config import Config
from gateway.serving.machine import Machine
from gateway.serving.resources import MIB, wanted_memory, worker_memory

Workers: TypeAlias = int | Literal["auto"]
MOST = 64


@dataclass(frozen=True, slots=True)
class WorkerCount:
    """*count* workers, and the reason for that number; empty where it was given."""

    count: int
    reason: str = ""


def worker_count(config: Config, wanted: Workers, machine: Machine) -> WorkerCount:
    """How many workers *wanted* means on *machine*."""
    if wanted != "auto":
        return WorkerCount(wanted)
    if config.notifications is not None and config.notifications.embedded:
        return WorkerCount(1, "a SQLite store has one worker")
    processors = machine.processors()
    count = max(1, min(MOST, int(processors)))
    limit = machine.memory_limit()
    if limit is not None and wanted_memory(config, count) > limit:
        fitting = max(1, (limit - wanted_memory(config, 0)) // worker_memory(config))
        return WorkerCount(min(count, fitting), f"{limit // MIB} MiB of memory, {processors:g} processors")
    return WorkerCount(count, f"{processors:g} processors")
