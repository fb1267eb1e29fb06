"""shared_answers.py: cached answers and tokens."""

from __future__ import annotations

import pytest

from gateway.documents.lint import lint
from tests.policies.bench import read_xml

JWT = '<validate-jwt output-token-variable-name="jwt"><openid-config url="https://a/b" /></validate-jwt>'
PLAIN = '<validate-azure-ad-token tenant-id="t" />'
LOOKUP = "<{0}-semantic-cache-lookup>{1}</{0}-semantic-cache-lookup>"
BY = "<vary-by>{0}</vary-by>"
SUBJECT = '@(((Jwt)context.Variables["jwt"]).Subject)'
SUBSCRIPTION = BY.format("@(context.Subscription.Id)")
HEADER = BY.format('@(context.Request.Headers.GetValueOrDefault("caller",""))')
CALLER = f'<set-header name="caller"><value>{SUBJECT.replace("(Jwt)", "")}</value></set-header>'
VARIABLE = f"<set-variable name=\"who\" value='{SUBJECT}' />"
WHO = BY.format('@((string)context.Variables["who"])')

CASES: dict[str, tuple[str, list[str]]] = {
    "look-up first": (LOOKUP + JWT, ["token-after-cache"]),
    "look-up between": (PLAIN + LOOKUP + JWT, ["token-after-cache"]),
    "look-up behind": (JWT + LOOKUP, []),
    "no token": (LOOKUP.replace("{1}", SUBSCRIPTION), []),
    "the subscription": (JWT + LOOKUP.replace("{1}", SUBSCRIPTION), ["answers-ignore-token"]),
    "all": (PLAIN + LOOKUP.replace("{1}", BY.format("all")), ["answers-ignore-token"]),
    "the subject": (JWT + LOOKUP.replace("{1}", BY.format(SUBJECT)), []),
    "both": (JWT + LOOKUP.replace("{1}", SUBSCRIPTION + BY.format(SUBJECT)), []),
    "the field": (PLAIN + LOOKUP.replace("{1}", HEADER.replace("caller", "Authorization")), []),
    "a header of the client": (JWT + LOOKUP.replace("{1}", HEADER), ["answers-ignore-token"]),
    "a header of the token": (JWT + CALLER + LOOKUP.replace("{1}", HEADER), []),
    "a variable of the token": (JWT + VARIABLE + LOOKUP.replace("{1}", WHO), []),
    "inside of choose": (
        JWT + f"<choose><otherwise>{LOOKUP.replace('{1}', SUBSCRIPTION)}</otherwise></choose>",
        ["answers-ignore-token"],
    ),
}


@pytest.mark.parametrize("kind", ["llm", "azure-openai"])
@pytest.mark.parametrize("name", CASES)
def test_notes(name: str, kind: str) -> None:
    """A look-up before the check, and one that puts together whom the tokens tell apart, have a note."""
    xml, codes = CASES[name]
    document = read_xml(xml.replace("{0}", kind).replace("{1}", ""))
    assert [note.code for note in lint(document)] == codes
