"""deploy/grafana and deploy/prometheus ask for what the gateway exports; a page says what to do about each alert."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from gateway.assembly.app import build
from gateway.config.loading import parse
from gateway.serving import running
from gateway.serving.reload_report import ReloadCounts, metrics_of
from tests.deploy.parts import DEPLOY, ROOT, read

DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "gateway.json").read_text())
RULES: list[dict[str, Any]] = read("prometheus/rules.yaml")["groups"][0]["rules"]
RUNBOOKS = (ROOT / "docs" / "runbooks.md").read_text()
ALL = """
listen: 127.0.0.1:1
redis: redis://127.0.0.1:1/0
apis: [{id: a, path: a, backend: notifications}]
backends: {notifications: {app: notifications}}
notifications:
  store: sqlite:///jobs.db
  d365: {instance-url: "https://x.example", token-url: "https://x.example/token", client-id: a, client-secret: b}
  default-caller: deny
"""
# Prometheus' own.
OTHERS = {"up"}
METRIC = re.compile(r"\b(?:gateway_\w+|up)\b")


def exported(folder: Path) -> set[str]:
    """Sample names of a gateway that has everything."""
    gateway = build(parse(ALL, "config.yaml", folder, {}))
    asyncio.run(gateway.aclose())
    text = generate_latest(gateway.registry).decode() + metrics_of(ReloadCounts(), None)
    endings = {"histogram": ("_bucket", "_sum", "_count")}
    families = re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE)
    names = {f"{name}{ending}" for name, kind in families for ending in endings.get(kind, ("",))}
    # Serving adds these, once it listens.
    return names | set(re.findall(r'metrics\.gauges\["(\w+)"\]', Path(running.__file__).read_text()))


def queries() -> Iterator[tuple[str, str]]:
    """Every query of the dashboard and of the rules, with the title that it belongs to."""
    for panel in DASHBOARD["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel.get("targets", []))
    for variable in DASHBOARD["templating"]["list"]:
        yield variable["name"], str(variable.get("definition", ""))
    yield from ((rule["alert"], rule["expr"]) for rule in RULES)


def test_metrics_exist(tmp_path: Path) -> None:
    """A query names only metrics that the gateway exports, under the names in its /metrics."""
    known = exported(tmp_path) | OTHERS
    named = [(title, set(METRIC.findall(re.sub(r'"[^"]*"', "", query)))) for title, query in queries()]
    assert [title for title, names in named if not names] == ["datasource"]
    assert {title: names - known for title, names in named if names - known} == {}


def test_panels() -> None:
    """Each panel says what it shows, has a unit and reads the data source that is chosen; ids are unique."""
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    assert all(panel["description"] and panel["fieldConfig"]["defaults"]["unit"] for panel in panels)
    assert {panel["datasource"]["uid"] for panel in panels} == {"${datasource}"}
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


def test_rules_for_the_operator() -> None:
    """The PrometheusRule has the same rules as the plain file, and the chart's files are the ones tested here."""
    rule = read("prometheus/prometheusrule.yaml")
    assert (rule["apiVersion"], rule["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert rule["spec"] == read("prometheus/rules.yaml")
    files = DEPLOY / "helm" / "gateway" / "files"
    assert (files / "rules.yaml").resolve() == DEPLOY / "prometheus" / "rules.yaml"
    assert (files / "gateway.json").resolve() == DEPLOY / "grafana" / "gateway.json"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_runbooks(rule: dict[str, Any]) -> None:
    """Each alert has a severity, says what is wrong, and leads to a section that says what to do."""
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]
    page, _, section = rule["annotations"]["runbook_url"].partition("#")
    assert page.endswith("/docs/runbooks.md")
    assert section in {heading.lower() for heading in re.findall(r"^## (\w+)$", RUNBOOKS, re.MULTILINE)}


def test_every_rule_is_tried() -> None:
    """promtool's tests see each rule quiet, and see it fire."""
    normal, broken = read("prometheus/rules-test.yaml")["tests"]
    names = {rule["alert"] for rule in RULES}
    assert {it["alertname"] for it in normal["alert_rule_test"]} == names
    assert {
        re.search(r'"(\w+)"', it["labels"])[1]  # type: ignore[index]
        for it in broken["promql_expr_test"][0]["exp_samples"]
    } == names
