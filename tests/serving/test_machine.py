"""Processors and memory: the least that affinity and the control groups allow, of both versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.serving.machine import Machine

MIB = 1024 * 1024
UNLIMITED = "9223372036854771712"


def machine(folder: Path, path: str, files: dict[str, str]) -> Machine:
    """One of eight processors, with *files* below its mount."""
    (folder / "process").mkdir()
    (folder / "process" / "cgroup").write_text(path)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text + "\n")
    return Machine(folder, folder / "process", affinity=8)


@pytest.mark.parametrize(
    ("path", "files", "processors", "memory"),
    [
        ("", {}, 8.0, None),
        ("0::/", {"cpu.max": "max 100000", "memory.max": "max"}, 8.0, None),
        ("0::/", {"cpu.max": "150000 100000", "memory.max": str(512 * MIB)}, 1.5, 512 * MIB),
        ("0::/a/b", {"a/b/cpu.max": "400000 100000", "a/cpu.max": "200000 100000"}, 2.0, None),
        ("0::/a/b", {"a/b/memory.max": "max", "a/memory.max": "1000", "a/b/memory.high": "900"}, 8.0, 900),
        ("0::/../of/the/host", {"cpu.max": "50000 100000"}, 0.5, None),
        ("0::/host/only", {"cpu.max": "300000 100000"}, 3.0, None),
        ("0::/", {"cpu.max": "1600000 100000"}, 8.0, None),
        ("0::/", {"cpu.max": "nonsense", "memory.max": "1 2"}, 8.0, None),
        ("0::/", {"cpu.max": "1 0"}, 8.0, None),
        ("3:io:/\n2:cpu,cpuacct:/d", {"cpu/d/cpu.cfs_quota_us": "25", "cpu/d/cpu.cfs_period_us": "50"}, 0.5, None),
        ("2:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8.0, None),
        ("4:memory:/d", {"memory/d/memory.limit_in_bytes": UNLIMITED}, 8.0, None),
        ("4:memory:/d", {"memory/memory.limit_in_bytes": str(64 * MIB)}, 8.0, 64 * MIB),
    ],
)  # fmt: skip
def test_the_least_limit_holds(
    path: str, files: dict[str, str], processors: float, memory: int | None, tmp_path: Path
) -> None:
    """Version 1 or 2, of the group itself or one above it, seen from the host or from within a container."""
    found = machine(tmp_path, path, files)
    assert (found.processors(), found.memory_limit()) == (processors, memory)


@pytest.mark.parametrize(
    ("path", "files", "used"),
    [
        ("0::/", {"memory.current": "1000", "memory.stat": "anon 1\ninactive_file 300"}, 700),
        ("0::/", {"memory.current": "1000"}, 1000),
        ("4:memory:/", {"memory/memory.usage_in_bytes": "50", "memory/memory.stat": "total_inactive_file 60"}, 0),
        ("", {}, None),
    ],
)
def test_files_in_memory_are_not_used_memory(
    path: str, files: dict[str, str], used: int | None, tmp_path: Path
) -> None:
    """What the kernel keeps of files, and would drop, does not come near a limit."""
    assert machine(tmp_path, path, files).memory_used() == used
