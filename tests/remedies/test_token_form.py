"""What a text is that is not a token."""

from __future__ import annotations

import pytest

from gateway.remedies.token_form import form_of

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzZWNyZXQifQ.c2lnbmF0dXJl"

CASES: list[tuple[str, str]] = [
    ("", "nothing after the scheme"),
    (f"Bearer {TOKEN}", "the word Bearer twice"),
    (f"bearer {TOKEN}", "the word Bearer twice"),
    (f'"{TOKEN}"', "quotation marks"),
    (f"'{TOKEN}'", "quotation marks"),
    ("null", "a placeholder"),
    ("undefined", "a placeholder"),
    ("{{access_token}}", "a placeholder"),
    ("${TOKEN}", "a placeholder"),
    ("$TOKEN", "a placeholder"),
    ("<token>", "a placeholder"),
    ("[object Object]", "a placeholder"),
    ("YOUR_ACCESS_TOKEN", "a placeholder"),
    ('{"access_token":"x"}', "a JSON document"),
    (TOKEN.replace(".", "%2e"), "percent-encoded"),
    (TOKEN[:20] + "\n" + TOKEN[20:], "spaces or line breaks"),
    ("Basic dXNlcjpwYXNz", "Basic credentials"),
    ("ya29.a0AfH6SMB", "Google"),
    ("1//0gxyz", "a refresh token of Google"),
    ("EwBwA8l6BAAU", "personal Microsoft account"),
    ("0.AXEA", "a refresh token or code of Entra ID"),
    ("ghp_0123456789", "a token of GitHub"),
    ("PHNhbWxwOlJlc3BvbnNl", "a SAML assertion"),
    ("sv=2024-11-04&sig=x", "a shared access signature"),
    ("6a7f5b0a6d4b4e1e", "an opaque text"),
    (TOKEN.rpartition(".")[0], "the signature is missing"),
    (TOKEN + "=", "one cannot be read"),
    ("a.b.c.d", "4 parts"),
    ("a.b.c.d.e", "an encrypted token"),
]


@pytest.mark.parametrize(("text", "said"), CASES)
def test_forms(text: str, said: str) -> None:
    """Each usual thing that clients send instead of a token is named, with a remedy and nothing of the text."""
    form = form_of(text)
    assert said in form.description
    assert form.remedy
    assert TOKEN[:12] not in form.description + form.remedy


def test_long_texts_take_no_time() -> None:
    """Only the beginning of a long text is looked at."""
    assert form_of("<" * 1_000_000).description == "an opaque text without dots"
