"""
What this machine really gives a process: processors and memory, within the limits of its container.

A container sees every processor of its host, and may use a part of them: affinity takes processors away, and a quota
takes time away. Limits hold for a control group with everything below it, so all groups above ours count.

Source: cgroups(7); the kernel's "Control Group v2" (cpu.max, memory.max, memory.high) and "CFS Bandwidth Control".
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

_UNLIMITED = 1 << 60  # what version 1 writes where there is no limit is a little below 2**63


class _Usage(NamedTuple):
    """How a version of control groups tells the bytes in use, and which of them can be forgotten."""

    controller: str
    total: str
    forgettable: str

    def of(self, folder: Path) -> int | None:
        """That of the group *folder*; None: it does not say."""
        total = _number(folder / self.total)
        return None if total is None else max(0, total - _entry(folder / "memory.stat", self.forgettable))


_USAGES = (
    _Usage("", "memory.current", "inactive_file"),
    _Usage("memory", "memory.usage_in_bytes", "total_inactive_file"),
)


@dataclass(frozen=True, slots=True)
class Machine:
    """
    Where the kernel says it.

    Attributes:
        groups: Where control groups are mounted.
        process: The folder of a process in ``/proc``.
        affinity: Processors that the process may run on.
    """

    groups: Path = Path("/sys/fs/cgroup")
    process: Path = Path("/proc/self")
    affinity: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))

    def processors(self) -> float:
        """How many processors' time there is: 1.5 is one and a half."""
        quotas = [*self._quotas_v2(), *self._quotas_v1()]
        return min([float(self.affinity), *quotas])

    def memory_limit(self) -> int | None:
        """Bytes that the control group may use; None: no limit."""
        limits = [
            *self._numbers("", "memory.max"),
            *self._numbers("", "memory.high"),
            *self._numbers("memory", "memory.limit_in_bytes"),
        ]
        return min((limit for limit in limits if 0 < limit < _UNLIMITED), default=None)

    def memory_used(self) -> int | None:
        """Bytes that the control group uses, but for files that the kernel can forget; None: it does not say."""
        folders = [(folder, usage) for usage in _USAGES for folder in self._folders(usage.controller)]
        known = (usage.of(folder) for folder, usage in folders)
        return next((used for used in known if used is not None), None)

    def _quotas_v2(self) -> Iterator[float]:
        for folder in self._folders(""):
            with suppress(OSError, ValueError, ZeroDivisionError):
                quota, period = (folder / "cpu.max").read_text("ascii").split()
                yield int(quota) / int(period)

    def _quotas_v1(self) -> Iterator[float]:
        for folder in self._folders("cpu"):
            quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
            if quota and period and quota > 0:
                yield quota / period

    def _numbers(self, controller: str, file: str) -> Iterator[int]:
        numbers = (_number(folder / file) for folder in self._folders(controller))
        return (number for number in numbers if number is not None)

    def _folders(self, controller: str) -> Iterator[Path]:
        """
        The group of the process and those above it, from below; *controller* of version 1, empty for version 2.

        In a container the path may be the host's, of which the container sees only the end: then it is at the top.
        """
        mounted = self.groups / controller
        path = Path(self._path(controller).lstrip("/"))
        for part in (path, *path.parents):
            if ".." not in part.parts:
                yield mounted / part

    def _path(self, controller: str) -> str:
        try:
            lines = [line.split(":", 2) for line in (self.process / "cgroup").read_text("ascii").splitlines()]
        except OSError:
            return ""
        return next((path for _, controllers, path in lines if controller in controllers.split(",")), "")


def _number(file: Path) -> int | None:
    """The number in *file*; None where it is not there, or says something else (``max``)."""
    try:
        return int(file.read_text("ascii"))
    except (OSError, ValueError):
        return None


def _entry(file: Path, key: str) -> int:
    with suppress(OSError, ValueError):
        return dict(_pairs(file.read_text("ascii"))).get(key, 0)
    return 0


def _pairs(text: str) -> Iterator[tuple[str, int]]:
    for line in text.splitlines():
        name, _, number = line.partition(" ")
        yield name, int(number)
