"""docs/differences.md is exact: what it says is refused at load is refused, what it says runs here loads."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.assembly.app import build
from gateway.commands.check.report import check_text, offline_services
from gateway.config import parse
from gateway.errors import LoadError
from gateway.policies import POLICIES
from gateway.policies.parts.cloud_only import REASONS

DIFFERENCES = Path(__file__).parent.parent / "docs" / "differences.md"

REFUSED = [
    ('<set-headers name="a" />', "unknown-element"),
    ('<set-header nam="a"><value>x</value></set-header>', "unknown-attribute"),
    ('<set-header name="a"><value>prefix @(1 + 1)</value></set-header>', "mixed-expression"),
    ('<validate-jwt header-name="a"><zumo-master-key id="x" /></validate-jwt>', "unsupported"),
    ('<set-backend-service base-url="http://a" sf-partition-key="x" />', "cloud-only"),
    (
        '<validate-content unspecified-content-type-action="ignore" max-size="1" size-exceeded-action="ignore">'
        '<content validate-as="json" action="ignore" case-insensitive-property-names="true" /></validate-content>',
        "unsupported",
    ),
    ('<set-variable name="a" value="@(System.IO.File.ReadAllText(&quot;a&quot;))" />', "unknown-type"),
    ('<set-variable name="a" value="@(context.Request.Nothing)" />', "unknown-member"),
    *((f"<{name} />", "cloud-only") for name in REASONS),
]

RUNNING = [
    '<trace source="a"><message>prefix @(1)</message></trace>',
    '<ip-filter action="allow"><address>10.0.0.0/8</address></ip-filter>',
    '<forward-request http-version="2" buffer-response="false" />',
    '<send-request response-variable-name="a"><set-body>x</set-body><set-url>http://a</set-url></send-request>',
    '<return-response><set-body template="liquid">{{body.a}}</set-body></return-response>',
    '<rate-limit-by-key calls="1" renewal-period="3600" counter-key="a" />',
    '<validate-client-certificate validate-revocation="true" />',
    '<validate-azure-ad-token tenant-id="https://login.microsoftonline.us/contoso.example" />',
]


def _codes(policy: str, root: str = "fragment") -> list[str]:
    text = f"<{root}>{policy}</{root}>".encode()
    return [problem.code for problem in check_text(text, "policy.xml", offline_services()).problems]


@pytest.mark.parametrize(("policy", "code"), REFUSED, ids=[policy[1:40] for policy, _ in REFUSED])
def test_what_is_said_to_be_refused(policy: str, code: str) -> None:
    """A row that says "refused" has this refusal behind it."""
    assert code in _codes(policy)


@pytest.mark.parametrize("policy", RUNNING, ids=[policy[1:40] for policy in RUNNING])
def test_what_is_said_to_run(policy: str) -> None:
    """A row that says "runs here" has a policy behind it that loads."""
    assert _codes(policy) == []


@pytest.mark.parametrize("section", ["inbound", "backend", "outbound", "on-error"])
def test_managed_identity_runs_in_every_section(section: str) -> None:
    """authentication-managed-identity may stand where real documents have it."""
    policy = f'<{section}><authentication-managed-identity resource="https://storage.azure.com" /></{section}>'
    assert _codes(policy, "policies") == []


def test_declarations_are_refused() -> None:
    """No document declares entities."""
    text = b'<!DOCTYPE policies [<!ENTITY a "b">]><policies><inbound><base /></inbound></policies>'
    codes = [problem.code for problem in check_text(text, "policy.xml", offline_services()).problems]
    assert codes == ["doctype-refused"]


def test_an_external_cache_needs_redis(tmp_path: Path) -> None:
    """A document that insists on an external cache does not load without one."""
    policy = '<policies><inbound><cache-remove-value key="a" caching-type="external" /></inbound></policies>'
    (tmp_path / "cache.xml").write_text(policy)
    config = "apis:\n- {id: a, path: a, service-url: 'http://127.0.0.1:9', policy: cache.xml}\n"
    with pytest.raises(LoadError, match="no-external-cache"):
        build(parse(config, "config.yaml", tmp_path, {}))


def test_every_page_that_is_named_exists() -> None:
    """The table names policies that run here, by their own names."""
    text = DIFFERENCES.read_text()
    named = {part.partition(".md")[0] for part in text.split("(policies/")[1:]} - {"README"}
    assert named <= set(POLICIES) - set(REASONS)
