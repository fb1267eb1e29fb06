"""systemd judges the units, promtool the rules, and a running gateway takes a swapped ConfigMap; `make deploy-test`."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deploy.parts import DEPLOY
from tests.deploy.real import GATEWAY, asked, free_ports, run, status, until
from tests.processes import started

EXPOSURE = 12  # tenths, of systemd 252
CONFIG = """
listen: 127.0.0.1:{data}
management: 127.0.0.1:{management}
reload: {{watch: true}}
apis: [{{id: a, path: {path}, service-url: "http://127.0.0.1:1", policy: policy.yaml}}]
"""
POLICY = "inbound: [{return-response: {set-status: {code: 200, reason: OK}}}]\n"


# -- systemd
@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units where a gateway is installed: the program that they start exists."""
    text = (DEPLOY / "systemd" / "gateway.service").read_text()
    (tmp_path / "gateway.service").write_text(text.replace("/opt/gateway/bin/gateway", GATEWAY))
    shutil.copy(DEPLOY / "systemd" / "gateway.socket", tmp_path)
    return tmp_path


def test_systemd_verifies(units: Path) -> None:
    """systemd finds nothing wrong with the units; unknown keys are only in its error output."""
    assert run("systemd-analyze", "verify", units / "gateway.service", units / "gateway.socket").stderr == ""


def test_systemd_security(units: Path) -> None:
    """The service is exposed as little as a server can be."""
    run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", units / "gateway.service")


# -- Prometheus
def test_promtool(tmp_path: Path) -> None:
    """Prometheus accepts its configuration and the rules, and each rule is quiet and fires when it should."""
    shutil.copy(DEPLOY / "compose" / "prometheus.yaml", tmp_path)
    shutil.copy(DEPLOY / "prometheus" / "rules.yaml", tmp_path)
    run("promtool", "check", "config", tmp_path / "prometheus.yaml")
    run("promtool", "test", "rules", DEPLOY / "prometheus" / "rules-test.yaml")


# -- a ConfigMap
def test_a_swapped_configmap(tmp_path: Path) -> None:
    """A gateway takes over the folder that the kubelet swaps in behind the link `..data`; a mistake changes nothing."""
    data, management = free_ports(2)
    url = f"http://127.0.0.1:{data}"

    def swap(number: int, path: str) -> None:
        folder = tmp_path / f"..{number}"
        folder.mkdir()
        (folder / "config.yaml").write_text(CONFIG.format(data=data, management=management, path=path))
        (folder / "policy.yaml").write_text(POLICY)
        (tmp_path / "next").symlink_to(folder.name)
        (tmp_path / "next").rename(tmp_path / "..data")

    swap(1, "one")
    for name in ("config.yaml", "policy.yaml"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    with started([GATEWAY, "serve", "-c", str(tmp_path / "config.yaml")], stdout=subprocess.DEVNULL):
        until(lambda: status(f"{url}/one") == 200)
        swap(2, "two")
        until(lambda: status(f"{url}/two") == 200)
        swap(3, "[]")
        until(lambda: "has not taken over" in asked(f"http://127.0.0.1:{management}/readyz")[1])
        assert status(f"{url}/two") == 200


# -- compose's stores
@contextmanager
def postgres(password: str) -> Iterator[int]:
    """compose's PostgreSQL: user, password and database."""
    (port,) = free_ports(1)
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"))
    owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "password").write_text(password)
        if owner:
            for path in (home, home / "password"):
                shutil.chown(path, "postgres")
        logins = ["-U", "gateway", "--auth=scram-sha-256", f"--pwfile={home}/password", "--no-sync"]
        run(*owner, binaries / "initdb", "-D", home / "data", *logins)
        options = ["-D", f"{home}/data", "-p", str(port), "-k", name, "-h", "127.0.0.1"]
        with started(
            [*owner, str(binaries / "postgres"), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ):
            client = ["-h", "127.0.0.1", "-p", str(port), "-U", "gateway", "-d", "postgres"]
            until(lambda: not subprocess.call(["pg_isready", *client], stdout=subprocess.DEVNULL))
            run("psql", *client, "-c", "CREATE DATABASE notifications", PGPASSWORD=password)
            yield port


@contextmanager
def redis(users: Path, directory: Path) -> Iterator[int]:
    """compose's Valkey, as Redis: the users of its file."""
    (port,) = free_ports(1)
    options = [
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--aclfile",
        str(users),
        "--save",
        "",
        "--dir",
        str(directory),
    ]
    with started(["redis-server", *options], stdout=subprocess.DEVNULL):
        yield port


def test_compose_with_real_stores(tmp_path: Path) -> None:
    """Under compose's configuration and secrets the gateway is ready with Redis and PostgreSQL, and has a token."""
    folder = tmp_path / "compose"
    shutil.copytree(DEPLOY / "compose", folder, ignore=shutil.ignore_patterns("secrets"))
    run(folder / "secrets.sh")
    secrets = {path.name: path.read_text().strip() for path in (folder / "secrets").iterdir()}
    data, management = free_ports(2)
    with (
        postgres(secrets["postgres-password"]) as postgres_port,
        redis(folder / "secrets" / "valkey-users", tmp_path) as redis_port,
    ):
        (tmp_path / "store-url").write_text(secrets["store-url"].replace("@postgres", f"@127.0.0.1:{postgres_port}"))
        (tmp_path / "redis-url").write_text(secrets["redis-url"].replace("valkey:6379", f"127.0.0.1:{redis_port}"))
        file = folder / "gateway" / "config.yaml"
        text = file.read_text()
        for old, new in {
            "/run/secrets/store-url": f"{tmp_path}/store-url",
            "/run/secrets/redis-url": f"{tmp_path}/redis-url",
            "/run/secrets/": f"{folder}/secrets/",
            "0.0.0.0:8080": f"127.0.0.1:{data}",
            "0.0.0.0:8081": f"127.0.0.1:{management}",
            "http://backend:8080": f"http://127.0.0.1:{management}/healthz",
        }.items():
            text = text.replace(old, new)
        file.write_text(text)
        with started([GATEWAY, "serve", "-c", str(file)], stdout=subprocess.DEVNULL):
            plane = f"http://127.0.0.1:{management}"
            until(lambda: status(f"{plane}/readyz") == 200)
            assert status(f"http://127.0.0.1:{data}/echo") in {200, 404}  # a limit was counted, and the backend asked
            assert "gateway_redis_up 1" in asked(f"{plane}/metrics")[1]
            assert [status(f"{plane}/"), status(f"{plane}/", secrets["console-token"])] == [401, 200]
