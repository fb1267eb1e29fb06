"""What traces may show: secrets and tokens masked, long texts cut, other values by their type only."""

from __future__ import annotations

import pytest

from gateway.pipeline.masking import MASK, MAX_CHARACTERS, Masking

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzIn0.c2lnbmF0dXJl"
MASKING = Masking(["open sesame", "open", "abc"], headers=["X-Partner_Key"], parameters=["ticket"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nothing", "nothing"),
        ("say open sesame!", f"say {MASK}!"),
        ("openopen", MASK * 2),
        ("abc", "abc"),
        (f"Bearer {TOKEN}", f"Bearer {MASK}"),
        (f"[{TOKEN}.more.parts] more", f"[{MASK}] more"),
        ("x" * (MAX_CHARACTERS + 1), "x" * MAX_CHARACTERS + "…"),
        ("x" * MAX_CHARACTERS, "x" * MAX_CHARACTERS),
    ],
    ids="plain longest-first twice too-short-to-mask token token-inside long just-fits".split(),
)
def test_texts(text: str, shown: str) -> None:
    """Neither configured secrets nor tokens are shown."""
    assert MASKING.text(text) == shown


def test_a_secret_at_the_cut() -> None:
    """A text is masked before it is shortened, because half a secret is still a secret."""
    assert "open" not in MASKING.text("x" * (MAX_CHARACTERS - 6) + "open sesame")


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("Authorization", True),
        ("PROXY_AUTHORIZATION", True),
        ("Set-Cookie", True),
        ("ocp-apim-subscription-key", True),
        ("x_partner_key", True),
        ("Accept", False),
    ],
)
def test_headers(name: str, masked: bool) -> None:
    """Credentials are masked whole, in every spelling of their header."""
    assert MASKING.header(name, "value") == (MASK if masked else "value")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("/a?code=1&b=2", f"/a?code={MASK}&b=2"),
        ("/a?b=2&Subscription-Key=1#c", f"/a?b=2&Subscription-Key={MASK}#c"),
        ("/a?ticket=1&ticket=2", f"/a?ticket={MASK}&ticket={MASK}"),
        ("/a?encode=1", "/a?encode=1"),
        ("/code=1", "/code=1"),
    ],
)
def test_urls(url: str, shown: str) -> None:
    """The values of parameters that hold credentials are masked, in any case of their names."""
    assert MASKING.url(url) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, None), (True, True), (1.5, 1.5), ("open", MASK), (b"open", "(bytes)"), (["open"], "(list)")],
)
def test_values(value: object, shown: object) -> None:
    """Plain values are shown, everything else by its type."""
    assert MASKING.value(value) == shown
