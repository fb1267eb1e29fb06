"""``gateway token``: minting with the emulator's keys, and looking without judging."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.commands.token import mint, show
from gateway.errors import GatewayError


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def minted(capsys: pytest.CaptureFixture[str], keys: Path, **options: object) -> dict[str, dict[str, object]]:
    mint(keys=keys, **options)  # type: ignore[arg-type]
    show(capsys.readouterr().out)
    shown: dict[str, dict[str, object]] = json.loads(capsys.readouterr().out)
    return shown


@pytest.mark.parametrize(
    ("options", "name", "expected"),
    [
        ({"audience": "api://x"}, "aud", "api://x"),
        ({"role": ["A", "B"]}, "roles", ["A", "B"]),
        ({"claim": ["tid=abc", "admin=true"]}, "admin", True),
        ({"claim": ["note=plain text"]}, "note", "plain text"),
        ({"version": 1}, "ver", "1.0"),
    ],
)
def test_mint_says_what_was_asked(
    capsys: pytest.CaptureFixture[str], keys: Path, options: dict[str, object], name: str, expected: object
) -> None:
    """Every option of mint appears in the token."""
    assert minted(capsys, keys, **options)["claims"][name] == expected


def test_a_user_token_is_delegated(capsys: pytest.CaptureFixture[str], keys: Path) -> None:
    """--user gives a token with scopes, in which sub is not the object id."""
    claims = minted(capsys, keys, user=True)["claims"]
    assert "scp" in claims
    assert claims["sub"] != claims["oid"]


def test_keys_are_kept(capsys: pytest.CaptureFixture[str], keys: Path) -> None:
    """Two tokens from one key file carry the same key id, and nobody else can read the file."""
    first, second = minted(capsys, keys), minted(capsys, keys)
    assert first["header"]["kid"] == second["header"]["kid"]
    assert keys.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "e30.bm90IGpzb24.x"], ids=repr)
def test_show_refuses_what_is_no_token(text: str) -> None:
    """Anything that is not a compact token gives a clear error."""
    with pytest.raises(GatewayError):
        show(text)


def test_a_claim_needs_a_value(keys: Path) -> None:
    """--claim without = is reported as a mistake."""
    with pytest.raises(GatewayError, match="NAME=VALUE"):
        mint(keys=keys, claim=["admin"])
