"""``check -c`` exits 0 exactly where ``serve`` reaches its ports, for configurations that a careless hand changed."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from gateway.commands.check.report import Report, check_all
from gateway.errors import GatewayError
from gateway.serving import process, running
from gateway.serving.source import ConfigurationFile
from tests.commands.check.configurations import CONFIG, DOCUMENTS, write

# More of them: GATEWAY_CONFIGURATIONS=2000 .venv/bin/pytest tests/commands/check/test_differential.py
CONFIGURATIONS = int(os.environ.get("GATEWAY_CONFIGURATIONS", "60"))


class PortsReached(BaseException):
    """Everything before the ports went well."""


@pytest.fixture(autouse=True)
def no_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """``serve`` as it is, but that it stops where it would open its ports, and leaves signals and log as they are."""

    def reached(*_arguments: object) -> None:
        raise PortsReached

    monkeypatch.setattr(running.Sockets, "bound", reached)
    monkeypatch.setattr("gateway.serving.process.signal.signal", lambda *_arguments: None)
    monkeypatch.setattr("gateway.serving.process.logs.configure", lambda *_arguments: None)


def serves(config: Path) -> bool:
    try:
        process.serve(ConfigurationFile(config))
    except PortsReached:
        return True
    except GatewayError:
        return False
    raise AssertionError("serve neither stopped nor refused")


def problems(reports: list[Report]) -> set[tuple[str, str]]:
    return {(Path(report.file).name, problem.code) for report in reports for problem in report.problems}


@pytest.mark.parametrize("seed", range(CONFIGURATIONS))
def test_check_and_serve_agree(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both accept or both refuse, whatever mistake was made; each problem has a place, and none is a crash."""
    monkeypatch.chdir(tmp_path)
    random = Random(seed)
    config = write(tmp_path, random, changes=random.choice([0, 1, 1, 1, 2, 3]))
    reports = check_all([], config)
    assert all(report.ok for report in reports) is serves(config)
    found = [problem for report in reports for problem in report.problems]
    assert [problem for problem in found if problem.code == "internal-error"] == []
    gone = ("no-such-file", "unreadable-file")
    assert [
        problem for problem in found if problem.code not in gone and not Path(problem.location.file).is_file()
    ] == []


@pytest.mark.parametrize(
    "broken", ["orders.xml", "read.yaml", "create.xml", "stock.xml", "gold.xml", "correlation.xml"]
)
def test_no_document_hides_anothers_problems(broken: str, tmp_path: Path) -> None:
    """With every document and the configuration wrong, each one's problems are reported as when it is wrong alone."""
    # Whatever it is, XML or YAML, an element of no name that anybody knows is in it.
    wrong = {
        name: text.replace("<inbound>", "<inbound><nope />").replace("<fragment>", "<fragment><nope />")
        if name.endswith(".xml")
        else text.replace("inbound:\n", "inbound:\n  - nope\n")
        for name, text in DOCUMENTS.items()
    }
    for name, text in DOCUMENTS.items():
        (tmp_path / name).write_text(wrong[name] if name == broken else text)
    (tmp_path / "config.yaml").write_text(CONFIG)
    alone = problems(check_all([], tmp_path / "config.yaml"))
    for name, text in wrong.items():
        (tmp_path / name).write_text(text)
    together = problems(check_all([], tmp_path / "config.yaml"))
    (tmp_path / "config.yaml").write_text(CONFIG.replace("backend: orders\n", "backend: ordres\n", 1))
    with_configuration = problems(check_all([], tmp_path / "config.yaml"))
    assert alone == {(broken, "unknown-element")}
    assert alone <= together
    assert alone <= with_configuration


# Each was once a traceback, or refused by one of the two only.
CRASHES = [
    "schemas: {s: /proc/self/mem}",  # a file, but one that cannot be read
    "backends: {b: {url: 'http://a/?q=1'}}",
    "apis: [{id: a, path: a, service-url: 'http://a/?q=1'}]",
    "backends: {b: {url: 'http://a'}, p: {pool: [{backend: b, weight: 0}]}}",
    "notifications: {store: 'sqlite:///:memory:', d365: {instance-url: https://a, token-url: https://b}}",
    "notifications: {store: 'mysql://a/b', d365: {instance-url: https://a, token-url: https://b}}",
    "workers: 2\nnotifications: {store: 'sqlite:///n.db', d365: {instance-url: https://a, token-url: https://b}}",
    'global-policy: "a\\0b"',
    f"global-policy: {'x' * 300}",
]


@pytest.mark.parametrize("text", CRASHES, ids=range(len(CRASHES)))
def test_what_used_to_crash(text: str, tmp_path: Path) -> None:
    """Both refuse it, at its place."""
    (tmp_path / "config.yaml").write_text(text)
    (report,) = check_all([], tmp_path / "config.yaml")
    assert [problem.code for problem in report.problems if problem.code == "internal-error"] == []
    assert not report.ok
    assert not serves(tmp_path / "config.yaml")
