"""Callback URLs in the store are encrypted, and keys can be replaced."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import structlog
from cryptography.fernet import InvalidToken
from pydantic import SecretStr

from gateway.notifications.settings import D365Settings, NotificationSettings
from gateway.notifications.store.sealing import KeyMissing, Sealer, make_sealer


def test_sealing() -> None:
    """A sealed URL shows nothing and opens with its key only."""
    sealed = Sealer("key").seal("https://a/?sig=1")
    assert "sig" not in sealed
    assert Sealer("key").open(sealed) == "https://a/?sig=1"
    for other in (Sealer("other"), Sealer()):
        with pytest.raises(KeyMissing):
            other.open(sealed)
    with pytest.raises(InvalidToken):
        Sealer("key").open(sealed[:-4] + "AAA=")
    assert Sealer("key").open(Sealer().seal("x")) == "x"


def test_rotation() -> None:
    """What an old key sealed stays readable while the key is in the list; new texts are sealed with the first one."""
    old = Sealer("old").seal("x")
    both = Sealer("new", "old")
    assert both.open(old) == "x"
    assert Sealer("new").open(both.seal("y")) == "y"


def test_sealed_before_keys_had_ids() -> None:
    """A store of the version before stays readable, and a key that is missing is recognised there too."""
    key_id, _, token = Sealer("old").seal("x").removeprefix("fernet:").partition(":")
    assert len(key_id) == 8
    assert Sealer("new", "old").open(f"fernet:{token}") == "x"
    with pytest.raises(KeyMissing):
        Sealer("new").open(f"fernet:{token}")


def test_key_file(tmp_path: Path) -> None:
    """The embedded store creates its own key, readable by its owner only, and finds it again."""
    settings = NotificationSettings(
        store=SecretStr(f"sqlite:///{tmp_path}/x.db"),
        d365=D365Settings(instance_url="https://a.b", token_url="https://l/x"),
    )
    sealed = make_sealer(settings).seal("x")
    assert make_sealer(settings).open(sealed) == "x"
    assert stat.S_IMODE((tmp_path / "x.db.key").stat().st_mode) == 0o600
    with structlog.testing.capture_logs() as lines:
        make_sealer(settings.model_copy(update={"store": SecretStr("postgresql://h/d"), "allow_readable_urls": True}))
    assert lines[0]["event"] == "callback_urls_not_encrypted"
