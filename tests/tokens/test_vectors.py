"""Published examples behave as their files say."""

from __future__ import annotations

from tests import published
from tests.tokens import vectors

pytestmark = published.needs(published.JOSE)


def test_page_is_up_to_date() -> None:
    """docs/token-vectors.md is what the gateway says today."""
    assert vectors.PAGE.read_text() == vectors.page()


def test_every_file_is_in_the_table() -> None:
    """No example is left out."""
    names = {outcome.name for outcome in vectors.outcomes()}
    files = {
        str(path.relative_to(published.JOSE / "cookbook")) for path in (published.JOSE / "cookbook").rglob("*.json")
    }
    assert files <= names


def test_signatures_that_must_verify_do() -> None:
    """Every compact example with a signature is accepted, or is refused only for what is inside it."""
    compact = [o for o in vectors.outcomes() if o.form == "JWS compact" and o.answer == "refused"]
    assert {o.name for o in compact} == {
        "RFC 7515 A.5 / RFC 7519 6.1",  # unsigned
        "jws/4_5.signature_with_detached_content.json",  # no payload in it
        "rfc7797/hmac-sha2_b64_false.json",  # b64=false
        "RFC 7797 4.2 HS256 with b64=false",
        "RFC 7797 HS256 with b64=true",  # crit
        "RFC 7797 HS256 with b64=false, safe payload",
    }


def test_encryption_off_by_default_opens_when_configured() -> None:
    """RSA1_5, PBES2 and zip are refused unless configured; every other encrypted example opens."""
    refused = [o for o in vectors.outcomes() if o.form == "JWE compact" and o.answer == "refused"]
    assert len(refused) == 3
    assert all(o.why.endswith("Opens when configured: yes") for o in refused)
