"""What people write by mistake, and what a good colleague would answer: messages and remedies, compared whole."""

from __future__ import annotations

import pytest

from gateway.commands.check.report import check_text, offline_services

MISTAKES = [
    (
        "JavaScript quotes",
        """<choose><when condition="@(context.Request.Method == 'GET')"><set-method>GET</set-method></when></choose>""",
        "'GET' is not a text: C# writes text in double quotes",
        'write "GET", in an attribute &quot;GET&quot;',
    ),
    (
        "value as an attribute",
        '<set-header name="a" value="b" />',
        "set-header takes no attribute 'value'",
        "it is an element here: <value>…</value>",
    ),
    (
        "name as an element",
        "<set-header><name>a</name><value>b</value></set-header>",
        "set-header takes no element 'name'",
        'it is an attribute here: name="…"',
    ),
    (
        "when without choose",
        '<when condition="@(true)"><base /></when>',
        "no policy is called 'when'",
        "put it inside <choose>",
    ),
    (
        "otherwise without choose",
        "<otherwise><base /></otherwise>",
        "no policy is called 'otherwise'",
        "put it inside <choose>",
    ),
    (
        "audience without audiences",
        '<validate-jwt header-name="a"><openid-config url="https://i/x" /><audience>b</audience></validate-jwt>',
        "validate-jwt takes no element 'audience'",
        "did you mean audiences?",
    ),
    (
        "set-url alone",
        "<set-url>http://a</set-url>",
        "no policy is called 'set-url'",
        "put it inside <send-one-way-request> or <send-request>",
    ),
    ("a misspelt policy", '<set-headers name="a" />', "no policy is called 'set-headers'", "did you mean set-header?"),
]


@pytest.mark.parametrize(
    ("policy", "message", "remedy"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES]
)
def test_the_answer(policy: str, message: str, remedy: str) -> None:
    """One of the problems says what is wrong and what to write instead."""
    document = f"<policies><inbound>{policy}</inbound></policies>".encode()
    report = check_text(document, "p.xml", offline_services())
    assert (message, remedy) in [(problem.message, problem.remedy) for problem in report.problems]
