"""access.py: what the configuration may say about reaching PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import parse
from gateway.errors import LoadError

HERE = Path(__file__).parent
TOKENS = "managed-identity: {source: static, tokens: {a: b}}\n"
REST = "d365: {instance-url: https://a.b, token-url: https://a.b/t, client-id: c, client-secret: s}, encryption-key: k"


def load(store: str, more: str) -> None:
    """Read a configuration with that store."""
    parse(f'{TOKENS}notifications: {{{more}, store: "{store}", {REST}}}\n', "config.yaml", HERE, {})


@pytest.mark.parametrize(
    ("store", "more"),
    [
        ("postgresql://u@h/d", "store-tls: {}, store-entra: {}"),
        ("postgresql://u@h/d?sslmode=verify-full", "store-entra: {}"),
        ("postgresql://u@localhost/d", "store-entra: {}"),
        ("postgresql://u:p@h/d", "store-tls: {ca: __init__.py}"),
    ],
)
def test_good(store: str, more: str) -> None:
    """A token goes where TLS is verified, or stays on this machine."""
    load(store, more)


@pytest.mark.parametrize(
    ("store", "more", "message"),
    [
        (
            "postgresql://u:hunter2@h/d",
            "store-tls: {}, store-entra: {}",
            "store has a password, and so has store-entra",
        ),
        ("postgresql://u@h/d?password=hunter2", "store-tls: {}, store-entra: {}", "store has a password"),
        ("postgresql://u@h/d", "store-entra: {}", "a token would be sent to whoever answers (add store-tls: {})"),
        ("postgresql://u@h/d?sslmode=require", "store-entra: {}", "a token would be sent to whoever answers"),
    ],
)
def test_refused(store: str, more: str, message: str) -> None:
    """Two passwords, and a token for whoever answers, are refused; the password is not repeated."""
    with pytest.raises(LoadError) as refused:
        load(store, more)
    assert message in str(refused.value)
    assert "hunter2" not in str(refused.value)
