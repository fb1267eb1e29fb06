"""The programs under test, each on the same core, and the backend on the other."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from benchmarks.bench_notifications import emulated
from benchmarks.issuer import Issuer
from benchmarks.machine import find, pinned

CONFIGS = Path(__file__).parent / "configs"
ROOT = Path(__file__).parent.parent
GATEWAY_CORE, LOAD_CORE = 0, 1
BACKEND = "http://127.0.0.1:19900"
OPERATIONS = 200
BATCH_JOBS = 2_000


@dataclass(frozen=True, slots=True)
class Contender:
    """
    One program under test.

    Attributes:
        verifies: Whether it checks tokens.
        whole: Whether it is a gateway with policies: then it takes part in every workload.
        batch: Whether it is the gateway with the notification service: it takes part in W7 only.
    """

    name: str
    port: int
    process: subprocess.Popen[bytes]
    verifies: bool = True
    whole: bool = False
    batch: bool = False

    @property
    def origin(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def peak_mib(self) -> float:
        """The largest resident memory so far, its children included."""
        return sum(status_kib(pid, "VmHWM:") for pid in self._pids()) / 1024

    def cpu_s(self) -> float:
        """Processor time so far, its children included."""
        ticks = os.sysconf("SC_CLK_TCK")
        stats = [Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2] for pid in self._pids()]
        return sum(int(stat.split()[11]) + int(stat.split()[12]) for stat in stats) / ticks

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
def running(work: Path, issuer: Issuer, without: Sequence[str] = ()) -> Iterator[list[Contender]]:
    """Backend and contenders, ready; everything is stopped at the end."""
    with emulated(BATCH_JOBS, LOAD_CORE) as d365:
        write_files(work, issuer, d365)
        with _launched(work, without) as contenders:
            yield contenders


@contextmanager
def _launched(work: Path, without: Sequence[str]) -> Iterator[list[Contender]]:
    processes: list[subprocess.Popen[bytes]] = []

    def launch(core: int, *command: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "BENCH_PUBLIC_KEY": str(work / "public.pem"), "PYTHONPATH": str(ROOT)}
        log = (work / f"{Path(command[0]).name}-{len(processes)}.log").open("wb")
        process = subprocess.Popen(pinned(core, list(command)), cwd=work, env=environment, stdout=log, stderr=log)
        processes.append(process)
        return process

    nginx, haproxy = find("nginx") or "nginx", find("haproxy") or "haproxy"
    gateway = str(Path(sys.executable).parent / "gateway")
    plain = [nginx, "-p", str(work), "-c", str(work / "nginx-proxy.conf")]
    naive = [sys.executable, "-m", "uvicorn", "benchmarks.naive:app", "--port", "19904", "--no-access-log"]
    try:
        launch(LOAD_CORE, nginx, "-p", str(work), "-c", str(work / "nginx-backend.conf"))
        await_port(19900)
        commands = {
            "gateway": [gateway, "serve", "-c", "gateway.yaml"],
            "haproxy": [haproxy, "-db", "-f", "haproxy.cfg"],
            "nginx-plain": plain,
            "naive": naive,
        }
        contenders = [
            Contender(name, 19901 + number, launch(GATEWAY_CORE, *command), name != "nginx-plain", name == "gateway")
            for number, (name, command) in enumerate(commands.items())
            if name not in without
        ]
        batch = launch(GATEWAY_CORE, gateway, "serve", "-c", "gateway-batch.yaml")
        contenders.append(Contender("gateway", 19906, batch, batch=True))
        for contender in contenders:
            await_port(contender.port)
        yield contenders
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=40)


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
    replacements = {
        **{f"D365_{name.upper()}": value for name, value in (d365 or {}).items()},
        "PUBLIC_KEY": str(work / "public.pem"),
        " OPERATIONS": "".join(operations),
        "../../policies": str(ROOT / "policies"),
        "policy: policies/": f"policy: {CONFIGS}/policies/",
    }
    for template in CONFIGS.glob("*.*"):
        text = template.read_text(encoding="utf-8")
        for old, new in replacements.items():
            text = text.replace(old, new)
        (work / template.name).write_text(text, encoding="utf-8")


def await_port(port: int, timeout_s: float = 30.0) -> None:
    """Wait until something answers at *port*. Raises SystemExit after *timeout_s*."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        try:
            with urlopen(f"http://127.0.0.1:{port}/nothing", timeout=1):
                return
        except OSError as error:
            if hasattr(error, "code"):
                return
            time.sleep(0.1)
    raise SystemExit(f"nothing listens on port {port}; see the logs")
