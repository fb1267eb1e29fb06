"""deploy/compose: what it mounts exists, every secret is a file, and the gateway's configuration is right."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway.config import load
from tests.deploy.parts import DEPLOY, read

FOLDER = DEPLOY / "compose"
COMPOSE: dict[str, Any] = read("compose/compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
HOST_FILES = [volume.split(":")[0] for it in SERVICES.values() for volume in it.get("volumes", []) if volume[0] == "."]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the folder with its secrets."""
    folder = tmp_path_factory.mktemp("compose") / "compose"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("secrets"))
    subprocess.run([folder / "secrets.sh"], check=True)
    return folder


def test_mounts() -> None:
    """Every file and folder that is mounted exists."""
    assert len(HOST_FILES) > 4
    assert [path for path in HOST_FILES if not (FOLDER / path).exists()] == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service(name: str) -> None:
    """Each image has a version; each service restarts; what is published is so on this machine only."""
    service = SERVICES[name]
    assert re.search(r":v?\d+\.\d+[\w.-]*$", service["image"])
    assert service["restart"] == "unless-stopped"
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert not re.search(
        r"password|token|secret", str(service.get("environment", {})).replace("/run/secrets", ""), re.I
    ) or ("/run/secrets/" in str(service["environment"]))


def test_what_others_wait_for_is_checked() -> None:
    """The gateway waits for its stores, and each of them has a health check."""
    waits = SERVICES["gateway"]["depends_on"]
    assert waits == {name: {"condition": "service_healthy"} for name in ("postgres", "valkey")}
    assert all("healthcheck" in SERVICES[name] for name in (*waits, "prometheus", "grafana"))


def test_secrets(made: Path) -> None:
    """The script makes every secret that is declared, in a folder that is closed to others, and no secret twice."""
    declared = {name: it["file"] for name, it in COMPOSE["secrets"].items()}
    used = {name for it in SERVICES.values() for name in it.get("secrets", [])}
    assert used == set(declared)
    assert {f"secrets/{path.name}" for path in (made / "secrets").iterdir()} == set(declared.values())
    assert stat.S_IMODE((made / "secrets").stat().st_mode) == 0o700
    before = {path: path.read_text() for path in (made / "secrets").iterdir()}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o444 for path in before)
    subprocess.run([made / "secrets.sh"], check=True)
    assert {path: path.read_text() for path in before} == before
    password = re.search(r"gateway:([0-9a-f]{64})@", before[made / "secrets" / "redis-url"])
    assert password is not None
    assert f">{password[1]} " in before[made / "secrets" / "valkey-users"]
    assert before[made / "secrets" / "postgres-password"].strip() in before[made / "secrets" / "store-url"]


def test_configuration(made: Path) -> None:
    """The gateway's configuration loads, listens where it is published, and names what runs beside it."""
    file = made / "gateway" / "config.yaml"
    file.write_text(file.read_text().replace("/run/secrets/", f"{made}/secrets/"))
    config = load(file, {})
    ports = [str(place).rpartition(":")[2] for place in (config.listen, config.management)]
    assert [f"127.0.0.1:{port}:{port}" for port in ports] == SERVICES["gateway"]["ports"]
    assert config.console.token is not None
    named = re.findall(
        r"(?:@|//)(\w+)(?::\d+)?[/\s]",
        "\n".join((made / "secrets" / f"{name}-url").read_text() for name in ("redis", "store")),
    )
    assert set(named) <= set(SERVICES)
    assert "backend" in SERVICES


def test_scraping(made: Path) -> None:
    """Prometheus reads the gateway's metrics under a name that the management plane answers to."""
    targets = read("compose/prometheus.yaml")["scrape_configs"][0]["static_configs"][0]["targets"]
    host, _, port = targets[0].partition(":")
    assert (host, port) == ("gateway", "8081")
    assert host in read("compose/gateway/config.yaml")["management-hosts"]
    mounted = [volume.split(":")[1] for volume in SERVICES["prometheus"]["volumes"]]
    assert "/etc/prometheus/rules.yaml" in mounted


def test_grafana() -> None:
    """Grafana is provisioned with Prometheus and with the dashboard, at the places where they are mounted."""
    source = read("grafana/provisioning/datasources/prometheus.yaml")["datasources"][0]
    assert source["url"] == "http://prometheus:9090"
    folder = read("grafana/provisioning/dashboards/gateway.yaml")["providers"][0]["options"]["path"]
    mounted = [volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"]]
    assert f"{folder}/gateway.json" in mounted
