"""deploy/helm and deploy/kustomize, as far as they can be judged without helm and kubectl."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from gateway import __version__
from gateway.assembly.app import build
from gateway.config.loading import parse
from gateway.reading import durations
from gateway.serving.pulses import HUNG_S, STUCK_S
from tests.deploy.parts import DEPLOY, VALUES, read

CHART = DEPLOY / "helm" / "gateway"
BASE = DEPLOY / "kustomize" / "base"
OVERLAY = DEPLOY / "kustomize" / "overlays" / "example"
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
POD: dict[str, Any] = read("kustomize/base/deployment.yaml")["spec"]["template"]["spec"]
CONTAINER: dict[str, Any] = POD["containers"][0]


@pytest.mark.parametrize("file", [CHART / "values.yaml", *VALUES], ids=lambda file: file.name)
def test_values(file: Path) -> None:
    """The chart's own values and those of the trials fit its schema."""
    errors = list(Draft7Validator(SCHEMA).iter_errors(yaml.safe_load(file.read_text())))
    assert [error.message for error in errors] == []


WRONG: list[dict[str, Any]] = [
    {"replica": 2},
    {"replicas": -1},
    {"image": {"repository": "x", "digest": "latest"}},
    {"config": {"management": "127.0.0.1:8081"}},
    {"config": {"listen": "127.0.0.1:8080"}},
    {"files": {"a/b.xml": "x"}},
    {"secretFiles": [{"name": "console", "secretName": "x"}]},
    {"probes": {"readinessPath": "/metrics"}},
    {"service": {"type": "External"}},
]


@pytest.mark.parametrize("values", WRONG, ids=str)
def test_wrong_values(values: dict[str, Any]) -> None:
    """What the chart does not know, or sets itself, is refused instead of ignored."""
    assert list(Draft7Validator(SCHEMA).iter_errors(values)) != []


def test_every_value_is_known_and_used() -> None:
    """Values, schema and templates have the same keys, and README describes each of them."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert set(SCHEMA["properties"]) - {"global"} == set(values)
    templates = "\n".join(file.read_text() for file in (CHART / "templates").rglob("*") if file.is_file())
    readme = (CHART / "README.md").read_text()
    assert [key for key in values if f".Values.{key}" not in templates] == []
    assert [key for key in values if f"`{key}" not in readme] == []


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_probes(probe: str) -> None:
    """Probes name no host: the kubelet sends the pod's address, which the management plane answers to."""
    asked = CONTAINER[probe]["httpGet"]
    assert asked["port"] == "management"
    assert asked["path"] == ("/readyz" if probe == "readinessProbe" else "/healthz")
    assert "host" not in asked
    chart = (CHART / "templates" / "deployment.yaml").read_text()
    assert probe in chart
    assert "host:" not in chart


def test_restricted() -> None:
    """The pod fits the restricted profile of the pod security standards, and nothing can be written but /tmp."""
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert POD["automountServiceAccountToken"] is False
    assert [it["mountPath"] for it in CONTAINER["volumeMounts"] if not it.get("readOnly")] == ["/tmp"]
    image = (DEPLOY / "container" / "Dockerfile").read_text()
    assert f"USER {POD['securityContext']['runAsUser']}:{POD['securityContext']['runAsGroup']}" in image


def test_same_container() -> None:
    """Chart and base run the same container: ports, probes, security and mounts of one are those of the other."""
    chart = (CHART / "templates" / "deployment.yaml").read_text()
    for name in ("startupProbe", "livenessProbe"):
        block = re.search(rf"^ +{name}:\n((?: {{12,}}.*\n)+)", chart, re.MULTILINE)
        assert block is not None
        written = yaml.safe_load(block[1])
        assert CONTAINER[name].items() <= written.items()
    for port in CONTAINER["ports"]:
        assert f"{{name: {port['name']}, containerPort: {port['containerPort']}, protocol: TCP}}" in chart


@pytest.mark.parametrize("folder", [BASE, OVERLAY], ids=["base", "overlay"])
def test_time_to_end(folder: Path) -> None:
    """Kubernetes waits longer than the gateway needs to report that it ends and to let requests finish."""
    timeouts = yaml.safe_load((folder / "config.yaml").read_text())["timeouts"]
    needed = sum(durations.parse(timeouts[name]) for name in ("drain", "drain-delay"))
    assert POD["terminationGracePeriodSeconds"] >= needed + 5


@pytest.mark.parametrize("folder", [BASE, OVERLAY], ids=["base", "overlay"])
def test_configuration(folder: Path, tmp_path: Path) -> None:
    """The gateway's configuration loads and builds, with its documents and its secrets beside it."""
    for name, text in {"console-token": "0123456789abcdef", "redis-url": "redis://127.0.0.1:1"}.items():
        (tmp_path / name).write_text(text)
    text = (folder / "config.yaml").read_text().replace("/etc/gateway-secrets", str(tmp_path))
    config = parse(text, str(folder / "config.yaml"), folder, {})
    build(config)
    assert {str(config.listen), str(config.management)} == {"0.0.0.0:8080", "0.0.0.0:8081"}
    assert config.reload.watch


def test_overlay_files() -> None:
    """What the overlay's configuration names is in its ConfigMap."""
    listed = yaml.safe_load((OVERLAY / "kustomization.yaml").read_text())["configMapGenerator"][0]["files"]
    assert [name for name in listed if not (OVERLAY / name).exists()] == []
    documents = {api.get("policy") for api in yaml.safe_load((OVERLAY / "config.yaml").read_text())["apis"]} - {None}
    assert documents <= set(listed)


def test_versions() -> None:
    """Chart and base run the image of this version."""
    assert read("helm/gateway/Chart.yaml")["appVersion"] == __version__
    images = yaml.safe_load((BASE / "kustomization.yaml").read_text())["images"]
    assert images[0]["newTag"] == f"v{__version__}"
    assert read("compose/compose.yaml")["services"]["gateway"]["image"] == f"gateway:{__version__}"


def test_policy_of_one_application() -> None:
    """The network policy selects the gateway's pods: an empty selector would close the ports of the whole namespace."""
    selector = read("kustomize/base/networkpolicy.yaml")["spec"]["podSelector"]
    assert selector == {"matchLabels": {"app.kubernetes.io/name": "gateway"}}


@pytest.mark.parametrize(
    "file", [BASE / "deployment.yaml", CHART / "templates" / "deployment.yaml"], ids=["base", "chart"]
)
def test_liveness_is_more_patient_than_the_supervisor(file: Path) -> None:
    """A worker that hangs is replaced by its supervisor before the whole container is restarted."""
    probe = file.read_text().partition("livenessProbe:")[2].partition("readinessProbe:")[0]
    period, failures = (int(re.findall(rf"{name}: (\d+)", probe)[0]) for name in ("periodSeconds", "failureThreshold"))
    assert STUCK_S + period * (failures - 1) > HUNG_S
