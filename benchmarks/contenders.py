"""The programs under test, each on the same core, and the backend on the other."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.bench_notifications import emulated
from benchmarks.issuer import Issuer, write_certificate
from benchmarks.machine import find, pinned

CONFIGS = Path(__file__).parent / "configs"
ROOT = Path(__file__).parent.parent
GATEWAY_CORE, LOAD_CORE = 0, 1
BACKEND = "http://127.0.0.1:19900"
OPERATIONS = 200
BATCH_JOBS = 2_000

# Kinds of workloads: what passes, what is refused or verified anew, what only policies do, and special set-ups.
PASSING, VERIFYING, POLICIES, TLS, TWO, BATCH = "passing", "verifying", "policies", "tls", "two", "batch"
BESIDE = "beside"  # the contender that is another tree's gateway
ALGORITHMS = "algorithms"  # verifying with other keys than RSA's


@dataclass(frozen=True, slots=True)
class Contender:
    """
    One program under test.

    Attributes:
        kinds: Kinds of workloads in which it takes part, see ``Workload``.
    """

    name: str
    port: int
    process: subprocess.Popen[bytes]
    kinds: frozenset[str]

    @property
    def origin(self) -> str:
        """Where it listens."""
        return f"{'https' if 'tls' in self.kinds else 'http'}://127.0.0.1:{self.port}"

    def peak_mib(self) -> float:
        """The largest resident memory so far, its children included."""
        return sum(status_kib(pid, "VmHWM:") for pid in self._pids()) / 1024

    def cpu_s(self) -> float:
        """Processor time so far of all its threads, its children included; in ticks it would be 10 ms more or less."""
        threads = [thread for pid in self._pids() for thread in Path(f"/proc/{pid}/task").iterdir()]
        return sum(int((thread / "schedstat").read_text(encoding="utf-8").split()[0]) for thread in threads) / 1e9

    def _pids(self) -> list[str]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [str(self.process.pid), *children.read_text(encoding="utf-8").split()]

    def idle_mib(self) -> float:
        """Resident memory now."""
        return status_kib(str(self.process.pid), "VmRSS:") / 1024


def status_kib(pid: str, key: str) -> int:
    with suppress(FileNotFoundError):
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith(key)), 0)
    return 0


@contextmanager
def running(
    work: Path, issuer: Issuer, without: Sequence[str] = (), beside: Path | None = None
) -> Iterator[list[Contender]]:
    """Backend and contenders, ready, *beside* is another tree's gateway; everything is stopped at the end."""
    with emulated(BATCH_JOBS, LOAD_CORE) as d365:
        write_files(work, issuer, d365)
        with _launched(work, without, beside) as contenders:
            yield contenders


@contextmanager
def _launched(work: Path, without: Sequence[str], beside: Path | None) -> Iterator[list[Contender]]:
    processes: list[subprocess.Popen[bytes]] = []

    def launch(core: int | None, *command: str, tree: Path = ROOT) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "BENCH_PUBLIC_KEY": str(work / "public.pem"), "PYTHONPATH": str(tree)}
        log = (work / f"{Path(command[0]).name}-{len(processes)}.log").open("wb")
        whole = list(command) if core is None else pinned(core, list(command))
        process = subprocess.Popen(whole, cwd=work, env=environment, stdout=log, stderr=log)
        processes.append(process)
        return process

    try:
        launch(LOAD_CORE, _program("nginx"), "-p", str(work), "-c", str(work / "nginx-backend.conf"))
        await_port(19900)
        contenders = [
            Contender(
                entry.name, entry.port, launch(entry.core, *entry.command, tree=entry.tree), frozenset(entry.kinds)
            )
            for entry in entries(work, beside)
            if entry.name not in without and find(entry.command[0])
        ]
        for contender in contenders:
            await_port(contender.port)
        yield contenders
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=40)


class Entry(NamedTuple):
    """How one contender is started; *core* None: it may use both; *tree*: where a gateway's package is."""

    name: str
    port: int
    kinds: Sequence[str]
    core: int | None
    command: Sequence[str]
    tree: Path = ROOT


def entries(work: Path, beside: Path | None = None) -> list[Entry]:
    """All contenders, the gateway of the tree *beside* included; a program that is not installed does not take part."""
    core, python = GATEWAY_CORE, sys.executable
    gateway = str(Path(python).parent / "gateway")
    nginx, haproxy = [_program("nginx"), "-p", str(work), "-c"], [_program("haproxy"), "-db", "-f"]
    naive = [python, "-m", "uvicorn", "benchmarks.naive:app", "--port", "19904", "--no-access-log"]
    envoy = [_program("envoy"), "-c", "envoy.yaml", "--concurrency", "1", "--disable-hot-restart", "-l", "error"]
    both = PASSING, VERIFYING
    others = (
        []
        if beside is None
        else [
            Entry(
                BESIDE,
                19918,
                (*both, POLICIES, ALGORITHMS),
                core,
                [gateway, "serve", "-c", "gateway-beside.yaml"],
                beside,
            ),
            Entry(BESIDE, 19920, (TLS,), core, [gateway, "serve", "-c", "gateway-tls-beside.yaml"], beside),
        ]
    )
    return [
        *others,
        Entry("gateway", 19901, (*both, POLICIES, ALGORITHMS), core, [gateway, "serve", "-c", "gateway.yaml"]),
        Entry("haproxy", 19902, both, core, [*haproxy, "haproxy.cfg"]),
        Entry("envoy", 19907, (*both, ALGORITHMS), core, envoy),
        Entry("nginx-plain", 19903, (PASSING,), core, [*nginx, str(work / "nginx-proxy.conf")]),
        Entry("null", 19908, (PASSING,), core, [python, "-m", "benchmarks.copier", "19908", "19900"]),
        Entry("naive", 19904, both, core, naive),
        Entry("gateway", 19909, (TLS,), core, [gateway, "serve", "-c", "gateway-tls.yaml"]),
        Entry("haproxy", 19913, (TLS,), core, [*haproxy, "haproxy-tls.cfg"]),
        Entry("gateway", 19914, (TWO,), None, [gateway, "serve", "-c", "gateway-two.yaml", "--workers", "2"]),
        Entry("haproxy", 19915, (TWO,), None, [*haproxy, "haproxy-two.cfg"]),
        Entry("gateway", 19906, (BATCH,), core, [gateway, "serve", "-c", "gateway-batch.yaml"]),
    ]


def _program(name: str) -> str:
    return find(name) or name


# Configurations that differ from another one in little: which, and what is replaced by what.
_VARIANTS = {
    "gateway-tls.yaml": (
        "gateway.yaml",
        {"127.0.0.1:19901": "127.0.0.1:19909\ntls: {certificate: tls.crt, key: tls.key}", "19911": "19916"},
    ),
    "gateway-beside.yaml": ("gateway.yaml", {"127.0.0.1:19901": "127.0.0.1:19918", "19911": "19919"}),
    "gateway-tls-beside.yaml": ("gateway-tls.yaml", {"19909": "19920", "19916": "19921"}),
    "gateway-two.yaml": ("gateway.yaml", {"127.0.0.1:19901": "127.0.0.1:19914", "19911": "19917"}),
    "haproxy-tls.cfg": ("haproxy.cfg", {"127.0.0.1:19902": "127.0.0.1:19913 ssl crt tls.pem alpn http/1.1"}),
    "haproxy-two.cfg": ("haproxy.cfg", {"127.0.0.1:19902": "127.0.0.1:19915", "nbthread 1": "nbthread 2"}),
}


def write_files(work: Path, issuer: Issuer, d365: Mapping[str, str] | None = None) -> None:
    """Documents of the backend, keys, and every configuration; *d365* is where the emulated F&O is."""
    www = work / "www"
    www.mkdir()
    issuer.publish(www, BACKEND)
    issuer.write_public_key(work / "public.pem")
    for folder in (www, www / "api"):  # the gateway takes its API's prefix away, the others leave it
        folder.mkdir(exist_ok=True)
        (folder / "small.json").write_text('{"batch":"' + "x" * 1010 + '"}\n', encoding="utf-8")
        (folder / "large.bin").write_bytes(b"x" * (1 << 20))
    operations = [
        f'\n      - {{id: o{n}, method: GET, url-template: "/part{n % 14}/o{n}/{{id}}"}}' for n in range(OPERATIONS)
    ]
    write_certificate(work)
    replacements = {
        **{f"D365_{name.upper()}": value for name, value in (d365 or {}).items()},
        "PUBLIC_KEY": str(work / "public.pem"),
        " OPERATIONS": "".join(operations),
        "../../policies": str(ROOT / "policies"),
        "policy: policies/": f"policy: {CONFIGS}/policies/",
        "policy: own_cost/": f"policy: {CONFIGS.parent}/own_cost/",
    }
    for template in CONFIGS.glob("*.*"):
        text = template.read_text(encoding="utf-8")
        for old, new in replacements.items():
            text = text.replace(old, new)
        (work / template.name).write_text(text, encoding="utf-8")
    for name, (origin, changes) in _VARIANTS.items():
        text = (work / origin).read_text(encoding="utf-8")
        for old, new in changes.items():
            text = text.replace(old, new)
        (work / name).write_text(text, encoding="utf-8")


def await_port(port: int, timeout_s: float = 30.0) -> None:
    """Wait until something listens at *port*. Raises SystemExit after *timeout_s*."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise SystemExit(f"nothing listens on port {port}; see the logs")
