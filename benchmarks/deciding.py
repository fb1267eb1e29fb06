"""
What a decision costs where Envoy carries the traffic: ``make bench-envoy``.

One token, validated by Envoy itself (``jwt_authn``), by the gateway over HTTP and over gRPC (``ext_authz``), and as
external processor; and the gateway as the proxy. Each way has an Envoy of its own; they take turns in one run. What is
compared is processor time for each request, of the gateway and of Envoy, so that others on the machine disturb little;
nginx as the backend and wrk are not counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import yaml

from benchmarks.behind_envoy import await_listener, program, spent_s
from benchmarks.issuer import AUDIENCE, ISSUER, Issuer
from benchmarks.machine import find
from tests.acceptance.envoy_rig import asking, configuration, manager
from tests.nginx import free_port

ROOT = Path(__file__).parents[1]
TURN_S, TURNS, CONNECTIONS = 2, 5, 16
BACKEND = 19900  # the issuer's own, see benchmarks.issuer
CONFIG = """
listen: 127.0.0.1:{own}
management: 127.0.0.1:{management}
decisions: 127.0.0.1:{http}
envoy: {{listen: "127.0.0.1:{grpc}", ext-proc: true}}
logging: {{requests: refused}}
named-values: {{my-openid-configuration-url: "{metadata}", my-audience: "{audience}"}}
backends: {{backend: {{url: "http://127.0.0.1:{backend}"}}, orders: {{url: "http://127.0.0.1:{backend}"}}}}
apis:
  - {{id: api, path: api, backend: orders, policy: {policy}}}
"""
NGINX = """user root; worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}
http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; keepalive_requests 1000000; server {{
listen 127.0.0.1:{backend}; root {folder}; default_type application/json;
location ~ ^(/api)?/caller$ {{ return 200 "[$http_caller_objectid]"; }} }} }}"""
JWT = "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"


def by_envoy(config: dict[str, Any], issuer: Issuer) -> dict[str, Any]:
    """Envoy validates the token itself, and sets the caller's field."""
    keys = {"inline_string": json.dumps({"keys": [issuer._jwk()]})}
    provider = {"issuer": ISSUER, "audiences": [AUDIENCE], "local_jwks": keys, "forward": True}
    provider["claim_to_headers"] = [{"header_name": "caller-objectid", "claim_name": "oid"}]
    rules = [{"match": {"prefix": "/"}, "requires": {"provider_name": "one"}}]
    settings = {"@type": JWT, "providers": {"one": provider}, "rules": rules}
    manager(config)["http_filters"][0] = {"name": "envoy.filters.http.jwt_authn", "typed_config": settings}
    return config


def over_http(config: dict[str, Any], port: int) -> dict[str, Any]:
    """The same question over HTTP."""
    text = (ROOT / "deploy/envoy-ext-authz.yaml").read_text().replace("8082", str(port))
    parts = yaml.safe_load(text)
    manager(config)["http_filters"][0] = parts["http_filters"][0]
    config["static_resources"]["clusters"] = [*parts["clusters"], config["static_resources"]["clusters"][-1]]
    return config


def configurations(issuer: Issuer, ports: dict[str, int]) -> dict[str, dict[str, Any]]:
    """Envoy's, by way."""

    def asked(name: str) -> dict[str, Any]:
        return configuration("envoy-ext-authz-grpc.yaml", {8000: ports[name], 8083: ports["grpc"], 8090: BACKEND})

    plain = asked("plain")
    del manager(plain)["http_filters"][0]
    whole = configuration("envoy/ext-proc.yaml", {8000: ports["ext_proc"], 8083: ports["grpc"], 8090: BACKEND})
    ways = {"plain": plain, "ext_authz over gRPC": asked("gRPC"), "ext_proc": whole}
    ways["jwt_authn"] = by_envoy(asked("jwt_authn"), issuer)
    ways["ext_authz over HTTP"] = over_http(asked("HTTP"), ports["http"])
    for config in ways.values():
        for route in manager(config)["route_config"]["virtual_hosts"][0]["routes"]:
            route.pop("typed_per_filter_config", None)
    asking(ways["ext_authz over gRPC"])["grpc_service"]["timeout"] = "5s"
    return ways


def await_answer(port: int, token: str) -> None:
    """Wait for a 200: keys have been fetched, and Envoy's health checks have found the gateway."""
    for _ in range(200):
        url = f"http://127.0.0.1:{port}/api/caller"
        if httpx2.get(url, headers={"Authorization": f"Bearer {token}"}).status_code == 200:
            return
        time.sleep(0.1)
    raise TimeoutError(f"no answer from {port}")


def load(port: int, token: str, way: str) -> tuple[int, float]:
    """Requests of one turn, and their rate."""
    url = f"http://127.0.0.1:{port}/api/caller"
    field = f"Authorization: Bearer {token}"
    command = [find("wrk") or "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{TURN_S}s", "-H", field, url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(f"{way}: {text}")
    return int(text.split(" requests in")[0].split()[-1]), float(text.split("Requests/sec:")[1].split()[0])


def measure(folder: Path) -> dict[str, list[tuple[float, float, float]]]:
    """Of each way and turn: microseconds of the gateway, of Envoy, and requests per second."""
    issuer = Issuer.create()
    issuer.publish(folder, f"http://127.0.0.1:{BACKEND}")
    names = ("own", "management", "http", "grpc", "plain", "jwt_authn", "HTTP", "gRPC", "ext_proc")
    ports = {name: free_port() for name in names}
    metadata = f"{ISSUER}/.well-known/openid-configuration"
    policy, audience = ROOT / "policies/caller-objectid.xml", AUDIENCE
    text = CONFIG.format(metadata=metadata, policy=policy, audience=audience, backend=BACKEND, **ports)
    (folder / "config.yaml").write_text(text)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, backend=BACKEND))
    with ExitStack() as running:
        running.enter_context(program(find("nginx") or "nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)))
        await_listener(BACKEND)
        gateway = running.enter_context(
            program(sys.executable, "-m", "gateway", "serve", "-c", str(folder / "config.yaml"))
        )
        ways = {"the gateway as the proxy": (ports["own"], gateway)}
        for way, config in configurations(issuer, ports).items():
            file = folder / f"{way}.json"
            file.write_text(json.dumps(config))
            command = [find("envoy") or "envoy", "-c", str(file), "--concurrency", "1", "--log-level", "off"]
            ways[way] = (
                ports[way.rpartition(" ")[2]],
                running.enter_context(program(*command, "--disable-hot-restart")),
            )
        token = issuer.token()
        for port, _ in ways.values():
            await_listener(port)
            await_answer(port, token)
        return turns(ways, gateway, token)


def turns(ways: dict[str, tuple[int, int]], gateway: int, token: str) -> dict[str, list[tuple[float, float, float]]]:
    """All of them; the first of each way is for warming up."""
    results: dict[str, list[tuple[float, float, float]]] = {way: [] for way in ways}
    for number in range(TURNS + 1):
        for way, (port, front) in ways.items():
            before = spent_s(gateway), spent_s(front)
            count, rate = load(port, token, way)
            own, envoys = (spent_s(gateway) - before[0]) / count * 1e6, (spent_s(front) - before[1]) / count * 1e6
            if number:
                results[way].append((own, 0.0 if front == gateway else envoys, rate))
    return results


def main() -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder))
    print(f"load {os.getloadavg()[0]:.1f}; medians of {TURNS} turns (least to most)")
    for way, rows in results.items():
        own, envoys, rates = zip(*rows, strict=True)
        print(
            f"{way:26} gateway {median(own):6.0f} µs ({min(own):.0f}-{max(own):.0f})   "
            f"Envoy {median(envoys):6.0f} µs ({min(envoys):.0f}-{max(envoys):.0f})   {median(rates):7.0f} requests/s"
        )


if __name__ == "__main__":
    main()
