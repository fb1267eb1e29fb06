"""The command: what it exits with is what ``gateway serve`` would do, and no mistake hides another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.assembly.app import build
from gateway.commands.check.command import check
from gateway.config import load
from gateway.errors import LoadError

API = 'apis:\n  - {id: a, path: a, service-url: "http://127.0.0.1:9", policy: p.xml}\n'


def written(folder: Path, policy: str, config: str = API) -> Path:
    """A configuration with one document."""
    (folder / "p.xml").write_text(f"<policies><inbound>{policy}</inbound></policies>")
    (folder / "config.yaml").write_text(config)
    return folder / "config.yaml"


@pytest.mark.parametrize(
    "policy",
    [
        "<base />",
        '<set-header name="{{x}}"><value>a</value></set-header>',
        '<set-header name="a"><value>{{x}}</value></set-header>',
        '<set-backend-service backend-id="none" />',
        '<set-backend-service base-url="http://a/?q=1" />',
        '<include-fragment fragment-id="none" />',
        '<log-to-eventhub logger-id="none">a</log-to-eventhub>',
        '<authentication-certificate certificate-id="none" />',
        '<set-variable name="a" value="@(nope)" />',
        '<validate-jwt header-name="Authorization" />',
    ],
)
def test_check_and_serve_agree(tmp_path: Path, policy: str) -> None:
    """``check -c`` exits 0 exactly where a gateway can be built."""
    config = written(tmp_path, policy)
    try:
        build(load(config))
    except LoadError:
        expected = 1
    else:
        expected = 0
    assert check(config=config) == expected


def test_nothing_hides_behind_the_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A backend that cannot be used does not hide the documents' mistakes."""
    config = written(tmp_path, "<nope />", API + 'backends: {b: {url: "ftp://x"}}\n')
    assert check(config=config) == 1
    out = capsys.readouterr().out
    assert "bad-url" in out
    assert "p.xml:1:20: unknown-element" in out
    assert out.endswith("2 errors, 0 notes in 2 files\n")


def test_secrets_may_be_assumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A build server without the secrets checks everything else."""
    config = written(
        tmp_path, '<set-header name="a"><value>{{x}}</value></set-header>', API + "named-values: {x: {env: NOT_SET}}\n"
    )
    assert check(config=config) == 1
    assert "unset-variable" in capsys.readouterr().out
    assert check(config=config, assume_secrets=True) == 0


HOLES = """
redis: {env: REDIS_URL}
named-values: {url: {env: ISSUER_URL}, calls: {env: CALLS}, host: {env: HOST}}
subscriptions:
  - {id: a, scope: /apis, primary-key: {env: KEY_A}}
  - {id: b, scope: /apis, primary-key: {env: KEY_B}}
"""


def test_assumed_secrets_have_the_form_that_their_place_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """URLs, numbers and keys that are not set are no mistakes; what is wrong besides is."""
    policies = """<validate-jwt header-name="Authorization"><openid-config url="{{url}}" /></validate-jwt>
        <rate-limit calls="{{calls}}" renewal-period="60" /><set-backend-service base-url="https://{{host}}/x" />"""
    assert check(config=written(tmp_path, policies, API + HOLES), assume_secrets=True) == 0
    assert "note: unresolved-value: rate-limit/calls" in capsys.readouterr().out
    assert check(config=written(tmp_path, policies + "<nope />", API + HOLES), assume_secrets=True) == 1


def test_formats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Text for people, JSON for scripts, SARIF for code reviews: the same findings, each with its severity."""
    written(tmp_path, '<set-header name="{{x}}"><value>a</value></set-header><nope />')
    file = tmp_path / "p.xml"
    assert check(file) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{file}:1:74: unknown-element: no policy is called 'nope' (remove it)",
        f"{file}:1:38: note: unknown-named-value: named value 'x' is not configured "
        "(add x under named-values in the configuration)",
        "1 error, 1 note in 1 file",
    ]
    check(file, format="json")
    assert json.loads(capsys.readouterr().out)["problems"][0]["code"] == "unknown-element"
    check(file, format="sarif")
    run = json.loads(capsys.readouterr().out)["runs"][0]
    assert [(result["level"], result["ruleId"]) for result in run["results"]] == [
        ("error", "unknown-element"),
        ("note", "unknown-named-value"),
    ]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": file.as_uri()}, "region": {"startLine": 1, "startColumn": 74}}


def test_definitions_are_no_policies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a folder of an APIOps export only the policies are read."""
    (tmp_path / "specification.yaml").write_text("openapi: 3.0.1\ninfo: {title: a, version: '1'}\npaths: {}\n")
    (tmp_path / "policy.yaml").write_text("inbound:\n  - base\n")
    assert check(tmp_path) == 0
    assert capsys.readouterr().out.splitlines() == [f"{tmp_path / 'policy.yaml'}: ok", "0 errors, 0 notes in 1 file"]


@pytest.mark.parametrize(
    ("expression", "code", "bad"),
    [
        ('"{{a}}" + foo', "unknown-name", True),
        ("{{a}} + 1", None, False),
        ("{{a}} ? 1 : 2", None, False),
        ("{{a}}.Length", None, False),
        ("{{a}}.Nope()", "unresolved-value", False),
        ('context.Nope == "{{a}}"', "unknown-member", True),
    ],
)
def test_expressions_with_named_values(tmp_path: Path, expression: str, code: str | None, bad: bool) -> None:
    """A missing named value is replaced by one of a suitable type: only the expression's own mistakes remain."""
    escaped = expression.replace('"', "&quot;")
    written(tmp_path, f'<set-variable name="a" value="@({escaped})" />')
    from gateway.commands.check.report import check_file, offline_services

    report = check_file(tmp_path / "p.xml", offline_services())
    assert report.ok is not bad
    found = {problem.code for problem in (*report.problems, *report.notes)} - {"unknown-named-value"}
    assert found == ({code} if code else set())


@pytest.mark.parametrize(
    ("policy", "codes"),
    [
        (
            '<validate-jwt header-name="a"><audiences><audience>b</audience></audiences></validate-jwt>',
            ["no-key-source"],
        ),
        ('<validate-jwt header-name="a" require-signed-tokens="false" />', []),
        ('<validate-jwt header-name="a"><openid-config url="https://i/x" /></validate-jwt>', []),
        ('<set-header name="a"><value>(context.Request.Method)</value></set-header>', ["text-like-an-expression"]),
        ("<set-body>{ return context.Request.Method; }</set-body>", ["text-like-an-expression"]),
        ('<set-body>{"return": "a;"}</set-body>', []),
        ('<set-header name="a"><value>(a) context</value></set-header>', []),
    ],
)
def test_second_looks(tmp_path: Path, policy: str, codes: list[str]) -> None:
    """A policy that loads but refuses every caller, or an expression that is text by mistake, gets a note."""
    written(tmp_path, policy)
    from gateway.commands.check.report import check_file, offline_services

    report = check_file(tmp_path / "p.xml", offline_services())
    assert [note.code for note in report.notes] == codes
    assert report.ok
