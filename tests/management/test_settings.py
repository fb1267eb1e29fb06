"""settings.py: which token protects the console."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from gateway.config.loading import parse
from gateway.errors import LoadError
from gateway.reading.values import revealed

GOOD = "0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "pages", "token"),
    [
        ("console: true", True, None),
        ("console: false", False, None),
        ("console:", True, None),
        ("console: {pages: false}", False, None),
        ("console: {token: {env: TOKEN}}", True, GOOD),
        ("{}", True, None),
    ],
)
def test_forms(text: str, pages: bool, token: str | None) -> None:
    """The console is switched by one word, or set by a mapping."""
    console = parse(text, "config.yaml", Path(), {"TOKEN": GOOD}).console
    assert (console.pages, revealed(console.token)) == (pages, token)


@pytest.mark.parametrize(
    ("text", "loads"),
    [
        ("console: {actions: true}", False),
        ("console: {actions: true, token: {env: TOKEN}}", True),
        ("console: {actions: true, login-header: X-Forwarded-User}", True),
        ("console: {login-header: 'X User'}", False),
    ],
)
def test_actions_need_a_login(text: str, loads: bool) -> None:
    """Nobody may act who has not shown who they are."""
    with nullcontext() if loads else pytest.raises(LoadError):
        assert parse(text, "config.yaml", Path(), {"TOKEN": GOOD}).console


@pytest.mark.parametrize("token", ["", "short", GOOD[:-1], "0123456789 abcdef", "0123456789abcdé0", "x" * 513])
def test_weak_tokens(token: str) -> None:
    """A token that can be guessed, or not be sent in a header, does not load, and is not shown."""
    with pytest.raises(LoadError) as refused:
        parse("console: {token: {env: TOKEN}}", "config.yaml", Path(), {"TOKEN": token})
    message = str(refused.value)
    assert "openssl rand -hex 32" in message
    assert not token or token not in message
