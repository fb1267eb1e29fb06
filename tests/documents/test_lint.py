"""Notes on documents that load and still are worth a second look."""

from __future__ import annotations

import pytest

from gateway.documents.lint import lint
from gateway.documents.xml import format as xml_format

SUBJECT = "<value>@(((Jwt)context.Variables[&quot;t&quot;]).Subject)</value>"


def codes(content: str) -> list[str]:
    return [note.code for note in lint(xml_format.parse(f"<policies><inbound>{content}</inbound></policies>", "p.xml"))]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f'<set-header name="caller-objectid">{SUBJECT}</set-header>', ["subject-is-not-object-id"]),
        (f'<choose><when condition="true"><set-header name="x-oid">{SUBJECT}</set-header></when></choose>', [SUBJECT]),
        (f'<set-header name="x-void">{SUBJECT}</set-header>', []),
        (f'<set-header name="caller-subject">{SUBJECT}</set-header>', []),
        ('<set-header name="caller-objectid"><value>fixed</value></set-header>', []),
        ("<validate-jwt><openid-config/></validate-jwt><cors/>", ["cors-after-token"]),
        ("<cors/><validate-jwt><openid-config/></validate-jwt>", []),
        ("<cache-lookup/><validate-azure-ad-token/>", ["token-after-cache"]),
        ("<validate-jwt><openid-config/></validate-jwt><cache-lookup/>", []),
        ("<cors/><cache-lookup/>", []),
    ],
    ids=[
        "objectid",
        "oid nested",
        "void",
        "subject",
        "literal",
        "cors",
        "cors first",
        "cache",
        "cache last",
        "no token",
    ],
)
def test_notes(content: str, expected: list[str]) -> None:
    """Each pitfall gets a note at its place, and nowhere else."""
    assert codes(content) == (["subject-is-not-object-id"] if expected == [SUBJECT] else expected)


def test_fragments_are_looked_at() -> None:
    """Fragments are checked for the same pitfalls."""
    fragment = xml_format.parse(f'<fragment><set-header name="object-id">{SUBJECT}</set-header></fragment>', "f.xml")
    assert [note.location.line for note in lint(fragment)] == [1]


@pytest.mark.parametrize(
    ("tenant", "noted"),
    [
        ("TENANT", True),
        ("&lt;tenant-id&gt;", True),
        ("{tenant}", True),
        ("your-tenant-id", True),
        ("YOUR_TENANT", True),
        ("00000000-0000-0000-0000-000000000000", True),
        ("common", False),
        ("contoso.onmicrosoft.com", False),
        ("8b1f6b5e-6d2c-4c55-9a6b-0d6d0c3f6a11", False),
        ("{{tenant}}", False),
    ],
)
def test_a_placeholder_is_no_tenant(tenant: str, noted: bool) -> None:
    """An issuer's URL or a tenant-id that is still a placeholder is reported, because no token can be checked."""
    address = f"https://login.microsoftonline.com/{tenant}/v2.0"
    documents = [
        f'<validate-jwt><openid-config url="{address}/.well-known/openid-configuration"/></validate-jwt>',
        f"<validate-jwt><openid-config url='https://a'/><issuers><issuer>{address}</issuer></issuers></validate-jwt>",
        f'<validate-azure-ad-token tenant-id="{tenant}"/>',
    ]
    assert [codes(document) for document in documents] == [["placeholder-tenant"] if noted else []] * 3
