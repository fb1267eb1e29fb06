"""helm, kubectl and Kubernetes' schemas judge chart and base; `make deploy-test` runs this."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.cli import main
from tests.deploy import real
from tests.deploy.parts import DEPLOY, VALUES

CHART = DEPLOY / "helm" / "gateway"
VERSIONS = ["1.31", "1.34", "1.37"]
SETS = [None, *VALUES]
NAMES = ["default", *(file.stem for file in VALUES)]


def run(*command: str | Path) -> str:
    """What a command prints, which has to succeed."""
    return real.run(*command).stdout


def given(values: Path | None) -> list[str]:
    """The option that names a set of values."""
    return ["-f", str(values)] if values else []


def rendered(values: Path | None, *more: str) -> str:
    """The chart's objects with a set of values."""
    return run("helm", "template", "trial", CHART, "--namespace", "gateway", *given(values), *more)


def objects(text: str) -> list[dict[str, Any]]:
    """The documents of a stream."""
    return [document for document in yaml.safe_load_all(text) if document]


def validate(text: str, version: str, folder: Path) -> None:
    """Hold objects strictly against the schemas of one version of Kubernetes."""
    (folder / "objects.yaml").write_text(text)
    run("kubernetes-validate", "-k", version, "--strict", folder / "objects.yaml")


def check(data: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`gateway check` passes on the content of a ConfigMap, where the files are that its secrets are mounted as."""
    secrets = folder / "secrets"
    config = data["config.yaml"].replace("/etc/gateway-secrets", str(secrets))
    for name in re.findall(rf"{secrets}/([\w./-]+)", config):
        (secrets / name).parent.mkdir(parents=True, exist_ok=True)
        (secrets / name).write_text("redis://127.0.0.1:1" if "redis" in name else "0123456789abcdef")
    for name, text in {**data, "config.yaml": config}.items():
        (folder / name).write_text(text)
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as ended:
        main(["check", "-c", "config.yaml", "--assume-secrets"])
    assert not ended.value.code


@pytest.mark.parametrize("values", SETS, ids=NAMES)
def test_lint(values: Path | None) -> None:
    """`helm lint --strict` finds nothing."""
    run("helm", "lint", "--strict", CHART, *given(values))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("values", SETS, ids=NAMES)
def test_chart(values: Path | None, version: str, tmp_path: Path) -> None:
    """Every object fits its schema strictly."""
    validate(rendered(values, "--kube-version", f"{version}.0"), version, tmp_path)


@pytest.mark.parametrize("values", SETS, ids=NAMES)
def test_configuration(values: Path | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rendered configuration passes `gateway check`, and Kubernetes waits long enough for it to end."""
    found = objects(rendered(values))
    data = next(it["data"] for it in found if it["kind"] == "ConfigMap" and "config.yaml" in it["data"])
    check(data, tmp_path, monkeypatch)
    timeouts = yaml.safe_load(data["config.yaml"])["timeouts"]
    pod = next(it["spec"]["template"]["spec"] for it in found if it["kind"] == "Deployment")
    seconds = sum(int(timeouts[name].removesuffix("s")) for name in ("drain", "drain-delay"))
    assert pod["terminationGracePeriodSeconds"] == seconds + 10


def test_everything_is_made() -> None:
    """With all values set there is an object of each kind; with none, no secret and nothing for operators."""
    kinds = {it["kind"] for it in objects(rendered(next(file for file in VALUES if file.stem == "full")))}
    assert {
        "HorizontalPodAutoscaler",
        "ServiceMonitor",
        "PrometheusRule",
        "NetworkPolicy",
        "PodDisruptionBudget",
    } <= kinds
    plain = {it["kind"] for it in objects(rendered(None))}
    assert plain.isdisjoint({"Secret", "ServiceMonitor", "PrometheusRule", "HorizontalPodAutoscaler"})


def test_wrong_values() -> None:
    """helm refuses a value that the chart does not know."""
    done = subprocess.run(
        ["helm", "template", "x", CHART, "--set", "replica=3"], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "replica" in done.stderr


def test_package(tmp_path: Path) -> None:
    """The packaged chart has dashboard and rules, which are links in the repository."""
    run("helm", "package", CHART, "--destination", tmp_path)
    package = next(tmp_path.glob("*.tgz"))
    full = next(file for file in VALUES if file.stem == "full")
    found = objects(run("helm", "template", "trial", package, "-f", full))
    rule = next(it for it in found if it["kind"] == "PrometheusRule")
    assert rule["spec"] == yaml.safe_load((DEPLOY / "prometheus" / "rules.yaml").read_text())


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["base", "overlays/example"])
def test_kustomize(name: str, version: str, tmp_path: Path) -> None:
    """What kubectl builds fits the schemas, and services and policy select the pods."""
    text = run("kubectl", "kustomize", DEPLOY / "kustomize" / name)
    validate(text, version, tmp_path)
    found = objects(text)
    labels = next(it["spec"]["template"]["metadata"]["labels"] for it in found if it["kind"] == "Deployment")
    policy = next(it["spec"]["podSelector"]["matchLabels"] for it in found if it["kind"] == "NetworkPolicy")
    selectors = [it["spec"]["selector"] for it in found if it["kind"] == "Service"]
    assert all(selector.items() <= labels.items() for selector in [policy, *selectors])


@pytest.mark.parametrize("name", ["base", "overlays/example"])
def test_kustomize_configuration(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The built ConfigMap passes `gateway check`."""
    found = objects(run("kubectl", "kustomize", DEPLOY / "kustomize" / name))
    check(next(it["data"] for it in found if it["kind"] == "ConfigMap"), tmp_path, monkeypatch)
