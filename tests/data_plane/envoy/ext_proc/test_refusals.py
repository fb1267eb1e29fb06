"""What cannot run behind Envoy is refused at load, by name, line and remedy; the page lists what the code refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.assembly.app import build
from gateway.commands.check.command import check
from gateway.config import parse
from gateway.data_plane.envoy.ext_proc.refusals import refused
from gateway.documents.files import parse_document
from gateway.errors import LoadError
from gateway.policies import POLICIES

FORWARD = "<forward-request{} />"
RETRY = '<retry condition="@(true)" count="1" interval="1">{}</retry>'
FRAGMENT = b"<fragment><choose><when condition='@(true)'><forward-request /></when></choose></fragment>"
TABLE = {
    "timeout": ("backend", FORWARD.format(' timeout="10"'), "envoy-attribute"),
    "timeout-ms": ("backend", FORWARD.format(' timeout-ms="10"'), "envoy-attribute"),
    "redirects": ("backend", FORWARD.format(' follow-redirects="true"'), "envoy-attribute"),
    "computed": ("backend", FORWARD.format(" follow-redirects='@(true)'"), "envoy-attribute"),
    "HTTP/2": ("backend", FORWARD.format(' http-version="2or1"'), "envoy-attribute"),
    "retry": ("backend", RETRY.format(FORWARD.format("")), "envoy-retry"),
    "retry of a fragment": ("backend", RETRY.format('<include-fragment fragment-id="sends" />'), "envoy-retry"),
    "proxy": ("inbound", '<proxy url="http://p.example" />', "envoy-policy"),
    "certificate": ("inbound", '<authentication-certificate certificate-id="a" />', "envoy-policy"),
    "bandwidth": ("inbound", '<quota bandwidth="10" renewal-period="300" />', "envoy-attribute"),
    "Envoy's field": ("inbound", '<set-header name="X-Envoy-Foo"><value>1</value></set-header>', "envoy-header"),
    "routing": ("inbound", '<set-header name="X_Route"><value>1</value></set-header>', "envoy-header"),
    "expression": (
        "outbound",
        '<set-variable name="a" value="@(context.Request.Certificate.Subject)" />',
        "envoy-certificate",
    ),
    "nested": ("inbound", '<choose><otherwise><proxy url="http://p.example" /></otherwise></choose>', "envoy-policy"),
}
ALLOWED = [
    ("backend", FORWARD.format(' buffer-request-body="true" fail-on-error-status-code="true"')),
    ("backend", FORWARD.format(' follow-redirects="false" http-version="1" buffer-response="false"')),
    ("inbound", RETRY.format("<send-request><set-url>http://a.example</set-url></send-request>")),
    ("inbound", '<quota calls="10" renewal-period="300" />'),
    ("inbound", '<set-backend-service backend-id="a" />'),
    ("inbound", '<set-header name="X-Other"><value>1</value></set-header>'),
]


def problems(section: str, policy: str) -> list[str]:
    """The codes of what is refused in one policy."""
    document = parse_document(f"<policies><{section}>\n{policy}</{section}></policies>".encode(), "p.xml", POLICIES)
    fragments = {"sends": parse_document(FRAGMENT, "f.xml", POLICIES)}
    found = refused(document, fragments, "x-route")
    assert all(problem.location.line == 2 and problem.remedy for problem in found)
    return [problem.code for problem in found]


@pytest.mark.parametrize(("section", "policy", "code"), TABLE.values(), ids=TABLE.keys())
def test_refused(section: str, policy: str, code: str) -> None:
    """Each is named where it stands, with what to do."""
    assert problems(section, policy) == [code]


@pytest.mark.parametrize(("section", "policy"), ALLOWED)
def test_allowed(section: str, policy: str) -> None:
    """What has no effect on the wire, or Envoy's own value, passes."""
    assert problems(section, policy) == []


def test_at_start_and_in_a_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A gateway with ext-proc does not load such a document; without it only `--target envoy` reports it."""
    policy = tmp_path / "p.xml"
    policy.write_text('<policies>\n<inbound><proxy url="http://p.example" /></inbound></policies>')
    config = "apis: [{id: a, path: a, policy: p.xml}]\nenvoy: {ext-proc: %s}"
    build(parse(config % "false", "config.yaml", tmp_path, {}))
    with pytest.raises(LoadError) as refusal:
        build(parse(config % "true", "config.yaml", tmp_path, {}))
    [problem] = refusal.value.problems
    assert (problem.code, problem.location.file, problem.location.line) == ("envoy-policy", str(policy), 2)
    assert check(policy) == 0
    assert check(policy, target="envoy") == 1
    assert "proxy cannot run behind Envoy" in capsys.readouterr().out
