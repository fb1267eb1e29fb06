"""The compact parser lets exactly one spelling of a token through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import TokenError
from gateway.tokens import compact
from gateway.tokens.compact import Jwe, Jws, parse, read_header
from tests.tokens.minting import part, token

GOOD = token()
HEAD, BODY, SIGNATURE = GOOD.split(".")
REFUSED = {
    "empty": "",
    "one part": HEAD,
    "two parts": f"{HEAD}.{BODY}",
    "four parts": f"{GOOD}.",
    "six parts": f"{GOOD}...",
    "padding in the header": f"{HEAD}=.{BODY}.{SIGNATURE}",
    "padding in the signature": f"{GOOD}==",
    "leading space": f" {GOOD}",
    "trailing line end": f"{GOOD}\n",
    "line end inside": f"{HEAD}.\r\n{BODY}.{SIGNATURE}",
    "plus": f"{HEAD}.{BODY}.+{SIGNATURE[1:]}",
    "slash": f"{HEAD}.{BODY}./{SIGNATURE[1:]}",
    "scheme still there": f"Bearer {GOOD}",
    "non-ASCII": f"{HEAD}.{BODY}.é{SIGNATURE[1:]}",
    "lone surrogate": f"{HEAD}.{BODY}.\ud800{SIGNATURE[1:]}",
    "full-width dot": GOOD.replace(".", "\uff0e"),
    "question mark": f"{HEAD}.{BODY}.?{SIGNATURE[1:]}",
    "no header": f".{BODY}.{SIGNATURE}",
    "no payload": f"{HEAD}..{SIGNATURE}",
    "JSON serialisation": '{"payload":"' + BODY + '","protected":"' + HEAD + '","signature":"' + SIGNATURE + '"}',
    "header is a list": f"{part([])}.{BODY}.{SIGNATURE}",
    "payload is text": f"{HEAD}.{part('hello')}.{SIGNATURE}",
    "five parts without enc": f"{HEAD}.AA.AA.AA.AA",
    "five parts, bad part": f"{part({'alg': 'dir', 'enc': 'A128GCM'})}.A.AA.AA.AA",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_refused(text: str) -> None:
    """Everything but three or five exact parts is JwtInvalid."""
    with pytest.raises(TokenError) as refused:
        parse(text)
    assert refused.value.reason == "JwtInvalid"
    assert SIGNATURE[:20] not in refused.value.message


def test_altered_unused_bits() -> None:
    """Every other last character of the signature that a lenient decoder would read alike is refused."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    accepted = []
    for last in alphabet:
        try:
            parse(GOOD[:-1] + last)
        except TokenError:
            continue
        accepted.append(last)
    assert accepted == ["A", "Q", "g", "w"]


def test_jws() -> None:
    """A good token is parsed as RFC 7515 says."""
    jws = parse(GOOD)
    assert isinstance(jws, Jws)
    assert jws.signing_input == f"{HEAD}.{BODY}".encode()
    assert (jws.header["alg"], jws.payload["sub"], len(jws.signature)) == ("RS256", "s1", 256)


def test_jwe() -> None:
    """Five parts are an encrypted token, and the header text is its associated data."""
    head = part({"alg": "dir", "enc": "A128GCM"})
    jwe = parse(f"{head}..AAAA.AAAA.AAAA")
    assert isinstance(jwe, Jwe)
    assert (jwe.associated_data, jwe.encrypted_key, jwe.tag) == (head.encode(), b"", b"\0\0\0")


@pytest.mark.parametrize(("size", "refused"), [(256_000, "not well formed"), (256_001, "longer than 256000 bytes")])
def test_size_limit(size: int, refused: str) -> None:
    """One byte over the limit is refused before anything is decoded."""
    with pytest.raises(TokenError, match=refused):
        parse("A" * size)


def test_headers_are_remembered_within_bounds() -> None:
    """A header text is read once; the memory of headers is bounded in number, and long ones stay out."""
    compact._headers.clear()
    assert read_header(HEAD.encode()) is read_header(HEAD.encode())
    for number in range(compact.MAX_CACHED_HEADERS + 10):
        read_header(part({"alg": "RS256", "kid": str(number)}).encode())
    assert len(compact._headers) <= compact.MAX_CACHED_HEADERS
    long = part({"alg": "RS256", "x": "y" * 3_000}).encode()
    read_header(long)
    assert long not in compact._headers


@given(st.text(max_size=100) | st.lists(st.binary(max_size=40).map(part), min_size=2, max_size=6).map(".".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No input raises anything but TokenError."""
    try:
        parse(text)
    except TokenError as error:
        assert error.reason == "JwtInvalid"  # noqa: PT017


@given(st.integers(0, len(GOOD) - 1), st.characters(max_codepoint=0x17F))
def test_a_changed_character_never_gives_the_same_token(index: int, character: str) -> None:
    """Two spellings never give the same parts: whatever is changed, it is refused or it is another token."""
    changed = GOOD[:index] + character + GOOD[index + 1 :]
    try:
        jws = parse(changed)
    except TokenError:
        return
    good = parse(GOOD)
    assert isinstance(jws, Jws)
    assert isinstance(good, Jws)
    assert (changed == GOOD) == ((jws.signing_input, jws.signature) == (good.signing_input, good.signature))
