"""What the gateway runs on: versions, how Python was built, the machine, and what its container allows."""

from __future__ import annotations

import functools
import os
import platform
import re
import ssl
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from gateway.telemetry.version import version

_DISTRIBUTION = "apim-policy-gateway"
_GROUPS = Path("/sys/fs/cgroup")
# Version 2 first; where only version 1 is mounted, its controllers have folders of their own.
_LIMITS = (
    "memory.max memory.high memory.current memory.events cpu.max cpu.stat pids.max "
    "memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us pids/pids.max"
).split()
_PLAIN = re.compile(r"[\w .,:;=+/()\n-]{0,4000}")


@functools.cache
def versions() -> dict[str, object]:
    """The gateway, Python and every library that the gateway needs."""
    from cryptography.hazmat.backends.openssl import backend

    return {
        "gateway": version(),
        "python": {
            "version": sys.version,
            "implementation": platform.python_implementation(),
            "built with": sysconfig.get_config_var("CONFIG_ARGS") or "",
            "optimised": _optimised(),
        },
        "openssl": {"ssl": ssl.OPENSSL_VERSION, "cryptography": backend.openssl_version_text()},
        "libraries": dict(sorted(_libraries(_DISTRIBUTION, set()))),
    }


def _optimised() -> dict[str, bool]:
    """What makes an interpreter a quarter faster or slower."""
    flags = " ".join(str(sysconfig.get_config_var(name) or "") for name in ("CONFIG_ARGS", "PY_CORE_CFLAGS", "CFLAGS"))
    return {"pgo": "--enable-optimizations" in flags or "-fprofile-use" in flags, "lto": "-flto" in flags}


def _libraries(name: str, seen: set[str]) -> Iterator[tuple[str, str]]:
    """What the distribution *name* needs, as far as it is installed, with what those need."""
    try:
        needed = metadata.requires(name) or ()
    except metadata.PackageNotFoundError:
        return
    for requirement in needed:
        library = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower()
        if library not in seen and (version := _version(library)):
            seen.add(library)
            yield library, version
            yield from _libraries(library, seen)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def machine() -> dict[str, object]:
    """Kernel, processors, memory and the limits of the container, as far as this system has them."""
    return {
        "system": platform.system(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "libc": " ".join(platform.libc_ver()),
        "processors": os.cpu_count(),
        "usable processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "load": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "memory": _memory(),
        "container": _container(),
        "limits": _process_limits(),
    }


def _memory() -> dict[str, str]:
    lines = _read(Path("/proc/meminfo")).splitlines()
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {name: value.strip() for name, value in pairs if name in ("MemTotal", "MemAvailable", "SwapTotal")}


def _container() -> Mapping[str, str]:
    marks = {"/.dockerenv": "docker", "/run/.containerenv": "podman"}
    kinds = [kind for path, kind in marks.items() if Path(path).exists()]
    kinds += ["kubernetes"] if "KUBERNETES_SERVICE_HOST" in os.environ else []
    limits = {name: _read(_GROUPS / name).strip() for name in _LIMITS}
    return {"kind": ", ".join(kinds) or "none known", **{name: text for name, text in limits.items() if text}}


def _process_limits() -> dict[str, object]:
    if sys.platform == "win32":
        return {}
    import resource

    limits = {"open files": resource.RLIMIT_NOFILE, "processes": resource.RLIMIT_NPROC, "memory": resource.RLIMIT_AS}
    return {name: resource.getrlimit(limit) for name, limit in limits.items()}


def _read(path: Path) -> str:
    """A small file of the kernel; empty where there is none, or where it is not what is expected."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return ""
    return text if _PLAIN.fullmatch(text) else ""
