"""
What a request costs the gateway behind Envoy: ``python -m benchmarks.behind_envoy``.

The same policies run four ways, turn by turn: as a proxy, asked over ext_authz, and as external processor, with heads
alone and with both bodies. What is compared is the gateway's processor time for each request, so that others on the
machine disturb little; Envoy, nginx as the backend and wrk are not counted.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from benchmarks.machine import find
from tests.nginx import free_port

ROOT = Path(__file__).parents[1]
POLICY = """<policies><inbound><base />
<check-header name="key" failed-check-httpcode="401" failed-check-error-message="no" ignore-case="false">
<value>k</value></check-header>
<set-header name="caller" exists-action="override"><value>@(context.RequestId.ToString())</value></set-header>
{request}</inbound><backend><base /></backend><outbound><base />{response}
<set-header name="x-out" exists-action="override"><value>1</value></set-header></outbound><on-error><base /></on-error>
</policies>"""
REQUEST_BODY = '<set-body>@(context.Request.Body.As&lt;string&gt;() + "!")</set-body>'
RESPONSE_BODY = '<set-body>@(context.Response.Body.As&lt;string&gt;() + "!")</set-body>'
CONFIG = """
listen: 127.0.0.1:{own}
management: 127.0.0.1:{management}
envoy: {{listen: "127.0.0.1:{grpc}", ext-proc: true}}
backends: {{orders: {{url: "http://127.0.0.1:{backend}"}}}}
apis:
  - {{id: heads, path: heads, backend: orders, policy: heads.xml}}
  - {{id: bodies, path: bodies, backend: orders, policy: bodies.xml}}
"""
NGINX = """worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}
http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; keepalive_requests 1000000; server {{
listen 127.0.0.1:{backend}; location / {{ return 200 '{text}'; }} }} }}"""
SCRIPT = 'wrk.method = "POST"\nwrk.body = string.rep("x", 1024)\nwrk.headers["key"] = "k"\n'
TURN_S, TURNS = 2, 5


@contextmanager
def program(*command: str) -> Iterator[int]:
    """A running program's process id."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def await_listener(port: int) -> None:
    """Raises TimeoutError: nothing listens there within ten seconds."""
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {port}")


def spent_s(process: int) -> float:
    """Processor time of *process* so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def turn(process: int, port: int, path: str, script: Path) -> float:
    """Microseconds of *process* for each request of one turn."""
    before = spent_s(process)
    url = f"http://127.0.0.1:{port}/{path}/a"
    command = [find("wrk"), "-t1", "-c8", f"-d{TURN_S}s", "-s", str(script), url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(text)
    count = int(text.split(" requests in")[0].split()[-1])
    return (spent_s(process) - before) / count * 1e6


def authz(whole: dict[str, Any], cluster: str) -> dict[str, Any]:
    """The same Envoy with the filter of decisions in place of the processor."""
    manager = whole["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    kind = "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz"
    service = {"envoy_grpc": {"cluster_name": cluster}, "timeout": "5s"}
    config = {"@type": kind, "transport_api_version": "V3", "grpc_service": service, "include_peer_certificate": False}
    manager["http_filters"][0] = {"name": "envoy.filters.http.ext_authz", "typed_config": config}
    manager["route_config"]["virtual_hosts"][0]["routes"][0]["route"] = {"cluster": "orders"}
    return whole


def envoys(folder: Path, ports: dict[str, int]) -> Iterator[list[str]]:
    """The commands of both Envoys."""
    text = (ROOT / "deploy/envoy/ext-proc.yaml").read_text()
    for name in ("proc", "authz"):
        filled = text
        for written, port in ((8000, ports[name]), (8083, ports["grpc"]), (8090, ports["backend"])):
            filled = filled.replace(f"port_value: {written}", f"port_value: {port}")
        whole = yaml.safe_load(filled)
        (folder / f"{name}.yaml").write_text(
            yaml.safe_dump(whole if name == "proc" else authz(whole, "gateway_processor"))
        )
        command = [find("envoy"), "-c", str(folder / f"{name}.yaml"), "--concurrency", "1"]
        yield [*command, "--disable-hot-restart", "--use-dynamic-base-id", "--log-level", "off"]


def measure(folder: Path) -> dict[str, list[float]]:
    """Every turn of each way."""
    ports = {name: free_port() for name in ("own", "management", "grpc", "backend", "proc", "authz")}
    (folder / "heads.xml").write_text(POLICY.format(request="", response=""))
    (folder / "bodies.xml").write_text(POLICY.format(request=REQUEST_BODY, response=RESPONSE_BODY))
    (folder / "config.yaml").write_text(CONFIG.format(**ports))
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, backend=ports["backend"], text="y" * 1024))
    script = folder / "post.lua"
    script.write_text(SCRIPT)
    ways = {
        "proxy, heads": ("own", "heads"),
        "ext_authz": ("authz", "heads"),
        "ext_proc, heads": ("proc", "heads"),
        "proxy, bodies": ("own", "bodies"),
        "ext_proc, bodies": ("proc", "bodies"),
    }
    with ExitStack() as running:
        running.enter_context(program(find("nginx"), "-c", str(folder / "nginx.conf"), "-p", str(folder)))
        gateway = [sys.executable, "-m", "gateway", "serve", "-c", str(folder / "config.yaml")]
        process = running.enter_context(program(*gateway))
        for command in envoys(folder, ports):
            running.enter_context(program(*command))
        for name in ("own", "backend", "proc", "authz"):
            await_listener(ports[name])
        results: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(TURNS + 1):
            for name, (front, path) in ways.items():
                cost = turn(process, ports[front], path, script)
                if number:  # the first is for warming up
                    results[name].append(cost)
    return results


def main() -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder))
    base = median(results["ext_authz"])
    print(f"load {os.getloadavg()[0]:.1f}; microseconds of the gateway's processor for each request")
    for name, costs in results.items():
        middle = median(costs)
        print(f"{name:18} {middle:7.0f} ({min(costs):.0f}-{max(costs):.0f})  {middle / base:.2f} of ext_authz")


if __name__ == "__main__":
    main()
