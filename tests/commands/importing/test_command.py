"""``gateway import`` as its users run it: output, files and exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli import app
from tests.commands.importing.instances import PASSING, answer, api, policy, saved


def run(*arguments: str | Path) -> int:
    """The exit code of ``gateway import`` with *arguments*."""
    outcome = app(["import", *map(str, arguments)], result_action="return_value")
    return outcome if isinstance(outcome, int) else 0


def test_an_instance_becomes_a_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An API with its operations, policies and named values becomes what a person would write."""
    secret = answer("namedValues/k", displayName="backend-key", secret=True)
    source = saved(tmp_path, *api(), policy("apis/orders"), policy("apis/orders/operations/read"), secret)
    assert run(source, "-o", tmp_path / "out") == 0
    written = {file.relative_to(tmp_path / "out").as_posix() for file in (tmp_path / "out").rglob("*.*")}
    assert written == {
        ".env.example", "config.yaml", "import.lock", "policies/apis/orders/api.xml", "policies/apis/orders/read.xml",
    }  # fmt: skip
    assert (tmp_path / "out/policies/apis/orders/api.xml").read_text() == PASSING
    assert "named-values:\n  backend-key: {env: BACKEND_KEY}\n" in (tmp_path / "out/config.yaml").read_text()
    assert "--assume-secrets: 0 errors" in capsys.readouterr().out


def test_the_report_is_json_for_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON report names each thing of the source with its place."""
    source = saved(tmp_path, *api())
    assert run(source, "-o", tmp_path / "out", "--format", "json", "--report", tmp_path / "report.json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads((tmp_path / "report.json").read_text())
    assert [(finding["outcome"], finding["line"]) for finding in report["findings"]][:1] == [("mapped", 2)]
