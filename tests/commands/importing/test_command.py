"""``gateway import`` as its users run it: output, files and exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import app
from gateway.errors import LoadError
from tests.commands.importing.instances import PASSING, answer, api, policy, saved


def run(*arguments: str | Path) -> int:
    """The exit code of ``gateway import`` with *arguments*."""
    outcome = app(["import", *map(str, arguments)], result_action="return_value")
    return outcome if isinstance(outcome, int) else 0


def test_an_instance_becomes_a_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An API with its operations, policies and named values becomes what a person would write."""
    secret = answer("namedValues/k", displayName="backend-key", secret=True)
    using = PASSING.replace(
        "<base />", '<base />\n        <set-header name="k"><value>{{backend-key}}</value></set-header>'
    )
    source = saved(tmp_path, *api(), policy("apis/orders", using), policy("apis/orders/operations/read"), secret)
    assert run(source, "-o", tmp_path / "out") == 0
    written = {file.relative_to(tmp_path / "out").as_posix() for file in (tmp_path / "out").rglob("*.*")}
    assert written == {
        ".env.example", "config.yaml", "import.lock", "policies/apis/orders/api.xml", "policies/apis/orders/read.xml",
    }  # fmt: skip
    assert (tmp_path / "out/policies/apis/orders/api.xml").read_text() == using
    assert "named-values:\n  backend-key: {env: BACKEND_KEY}\n" in (tmp_path / "out/config.yaml").read_text()
    assert "--assume-secrets: 0 errors" in capsys.readouterr().out


def test_the_report_is_json_for_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON report names each thing of the source with its place."""
    source = saved(tmp_path, *api())
    assert run(source, "-o", tmp_path / "out", "--format", "json", "--report", tmp_path / "report.json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads((tmp_path / "report.json").read_text())
    assert [(finding["outcome"], finding["line"]) for finding in report["findings"]][:1] == [("mapped", 2)]


def test_a_mistake_is_shown_in_the_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What does not load makes the exit code 1, with the place in the source beside the one in the result."""
    source = saved(tmp_path, *api(), policy("apis/orders", "<policies><inbound><nope /></inbound></policies>"))
    assert run(source, "-o", tmp_path / "out") == 1
    out = capsys.readouterr().out
    assert f"{tmp_path / 'out'}/policies/apis/orders/api.xml:1:20: unknown-element" in out
    assert f"[in the source: {source}:4:" in out


STRICT = [
    ([], 0),
    ([answer("tags/t")], 0),
    ([answer("namedValues/k", displayName="k", secret=True)], 0),
    ([answer("namedValues/k", displayName="k")], 1),
    ([answer("authorizationProviders/p")], 1),
]


@pytest.mark.parametrize(("resources", "code"), STRICT)
def test_strict_fails_on_what_may_matter(tmp_path: Path, resources: list[dict[str, Any]], code: int) -> None:
    """With --strict something that needs a person or is left out fails; what has no effect, and secrets, do not."""
    source = saved(tmp_path, *api(), *resources)
    assert run(source, "-o", tmp_path / "a") == 0
    assert run(source, "-o", tmp_path / "b", "--strict") == code


def test_a_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--dry-run reports and checks, and leaves no file behind."""
    assert run(saved(tmp_path, *api()), "-o", tmp_path / "out", "--dry-run") == 0
    assert capsys.readouterr().out.startswith("Would import")
    assert [file.name for file in tmp_path.iterdir()] == ["instance.json"]


def test_an_unknown_source_is_told_what_there_is(tmp_path: Path) -> None:
    """A file that is no instance is refused with the forms that are known."""
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(LoadError, match="unknown-source.*management API"):
        run(tmp_path / "notes.txt", "-o", tmp_path / "out")
    with pytest.raises(LoadError, match="no-such-file"):
        run(tmp_path / "lost", "-o", tmp_path / "out")
    with pytest.raises(LoadError, match="sets nothing"):
        run(saved(tmp_path, *api()), "-o", tmp_path / "out", "--set", "name")


def test_the_gateway_says_nothing_of_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A secret that the source has is in no file, no report and no record."""
    backend = answer("backends/b", url="https://b.example.com", credentials={"header": {"x-key": ["s3cret"]}})
    value = answer("namedValues/k", displayName="k", secret=True, value="s3cret")
    subscription = answer("subscriptions/s", scope="/apis", state="active", primaryKey="s3cret")
    assert run(saved(tmp_path, *api(), backend, value, subscription), "-o", tmp_path / "out", "--format", "json") == 0
    written = "".join(file.read_text() for file in (tmp_path / "out").rglob("*") if file.is_file())
    assert "s3cret" not in written + capsys.readouterr().out
