"""``gateway check --target azure``: what is known to be refused there is named with its source; nothing is promised."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.commands.check.azure import refused
from gateway.commands.check.command import check
from gateway.documents.files import parse_document
from gateway.policies import POLICIES

JWT = '<openid-config url="https://i.example/.well-known/openid-configuration" />'
REFUSED = {
    "order": (f'<validate-jwt header-name="a"><required-claims/>{JWT}</validate-jwt>', "azure-order", "openid-config"),
    "extensions": (f'<validate-jwt header-name="a">{JWT}<extensions/></validate-jwt>', "azure-extension", "extensions"),
    "period": ('<rate-limit calls="1" renewal-period="301" />', "azure-value", "300 seconds"),
    "network": ('<ip-filter action="allow"><address>10.0.0.0/8</address></ip-filter>', "azure-value", "/bits"),
    "expression": ('<set-method>@(context.Request.Method ?? (dynamic)"a")</set-method>', "azure-language", "dynamic"),
    "nested": (
        '<choose><when condition="@(1 is > 0)"><set-method>GET</set-method></when></choose>',
        "azure-language",
        "relational",
    ),
}


def findings(policy: str, section: str = "inbound") -> list[tuple[str, str, str]]:
    text = f"<policies><{section}>{policy}</{section}></policies>"
    document = parse_document(text.encode(), "p.xml", POLICIES)
    return [(problem.code, problem.message, problem.remedy) for problem in refused(document)]


@pytest.mark.parametrize(("policy", "code", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_named_with_a_source(policy: str, code: str, words: str) -> None:
    """Each rule names what is refused, and the page that says so."""
    ((found, message, remedy),) = findings(policy)
    assert (found, words in message) == (code, True)
    assert "https://" in remedy


@pytest.mark.parametrize(
    "policy",
    [
        f'<validate-jwt header-name="a">{JWT}<audiences/><issuers/><required-claims/></validate-jwt>',
        "<send-request><set-method>GET</set-method><set-url>http://a</set-url></send-request>",
        '<rate-limit calls="1" renewal-period="300" />',
        "<ip-filter><address>10.0.0.1</address></ip-filter>",
        '<set-variable name="a" value="@(context.Request.Headers.GetValueOrDefault(&quot;a&quot;).Trim())" />',
        '<set-variable name="a" value="@({{count}} + 1)" />',
        '<set-variable name="a" value="@(broken)" />',
    ],
)
def test_nothing_else_is_named(policy: str) -> None:
    """What Azure's pages allow is not reported, nor is what is refused here anyway."""
    assert findings(policy) == []


def test_yaml_is_not_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A document in YAML is converted first; one in XML without findings is promised nothing."""
    (tmp_path / "a.yaml").write_text("inbound: [base]\n")
    (tmp_path / "b.xml").write_text("<policies><inbound><base /></inbound></policies>")
    assert check(tmp_path / "a.yaml", tmp_path / "b.xml", target="azure") == 1
    yaml, xml, _summary = capsys.readouterr().out.splitlines()
    assert "azure-form: Azure takes policies as XML alone (gateway convert" in yaml
    assert xml == f"{tmp_path / 'b.xml'}: nothing found that Azure is known to refuse"


def test_the_documents_of_a_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a configuration every document that it names is looked at."""
    (tmp_path / "p.xml").write_text(
        '<policies><inbound><rate-limit calls="1" renewal-period="900" /></inbound></policies>'
    )
    config = tmp_path / "config.yaml"
    config.write_text('apis:\n  - {id: a, path: a, service-url: "http://127.0.0.1:9", policy: p.xml}\n')
    assert check(config=config) == 0
    assert check(config=config, target="azure") == 1
    assert "p.xml:1:58: azure-value" in capsys.readouterr().out
