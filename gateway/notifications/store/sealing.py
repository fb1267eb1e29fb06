"""
Callback URLs at rest. A callback URL is a bearer secret, so the database holds it encrypted only.

The embedded store keeps its key in a file beside the database, readable by its owner; replicas are given one.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from pathlib import Path

import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy.engine import make_url

from gateway.notifications.settings import NotificationSettings

log = structlog.get_logger("gateway.notifications")


class KeyMissing(ValueError):
    """A text was sealed with a key that is not configured (any more); adding it to the list opens the text again."""


class Sealer:
    """
    Encrypts and decrypts short texts.

    Args:
        keys: The first one seals, any of them opens: so keys can be replaced while texts are kept. Without a key texts
            are left as they are, which the log warns about.
    """

    def __init__(self, *keys: str) -> None:
        self._keys = {_key_id(key): Fernet(_fernet_key(key)) for key in keys}
        self._first = next(iter(self._keys), None)

    def seal(self, text: str) -> str:
        """The text as it is stored: ``fernet:``, the id of the key, and the encrypted text."""
        if self._first is None:
            return "plain:" + text
        return f"fernet:{self._first}:{self._keys[self._first].encrypt(text.encode()).decode()}"

    def open(self, stored: str) -> str:
        """
        The text that was sealed.

        Raises:
            KeyMissing: None of the keys sealed it.
            cryptography.fernet.InvalidToken: It was changed.
        """
        form, _, text = stored.partition(":")
        if form == "plain":
            return text
        key_id, _, token = text.rpartition(":")
        if key_id in self._keys:
            return self._keys[key_id].decrypt(token.encode()).decode()
        if key_id or not self._keys:
            raise KeyMissing("a callback URL in the store was encrypted with a key that is not configured")
        return self._open_unnamed(token)

    def _open_unnamed(self, token: str) -> str:
        """From before keys had ids."""
        try:
            return MultiFernet(list(self._keys.values())).decrypt(token.encode()).decode()
        except InvalidToken as error:
            raise KeyMissing("a callback URL in the store was encrypted with a key that is not configured") from error


def make_sealer(settings: NotificationSettings) -> Sealer:
    """The sealer for a store: the configured keys, or the key file of an embedded one."""
    if settings.encryption_key:
        return Sealer(*(key.get_secret_value() for key in settings.encryption_key), *_kept_key(settings))
    path = make_url(settings.store_url).database
    if settings.embedded and path:
        return Sealer(_key_file(Path(path + ".key")))
    log.warning("callback_urls_not_encrypted", remedy="set notifications.encryption-key, the same on every replica")
    return Sealer()


def _kept_key(settings: NotificationSettings) -> list[str]:
    """The key file of an embedded store that was used before a key was configured."""
    path = make_url(settings.store_url).database
    file = Path(f"{path}.key")
    return [file.read_text("utf-8")] if settings.embedded and path and file.exists() else []


def _key_id(key: str) -> str:
    """A name for a key that gives nothing of it away."""
    return hashlib.sha256(b"key id:" + _fernet_key(key)).hexdigest()[:8]


def _fernet_key(key: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())


def _key_file(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text("utf-8")
    key = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(key)
    return key
