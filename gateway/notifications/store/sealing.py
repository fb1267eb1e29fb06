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
from cryptography.fernet import Fernet
from sqlalchemy.engine import make_url

from gateway.notifications.settings import NotificationSettings

log = structlog.get_logger("gateway.notifications")


class Sealer:
    """Encrypts and decrypts short texts; without a key it leaves them as they are, which the log warns about."""

    def __init__(self, key: str | None) -> None:
        self._fernet = None if key is None else Fernet(_fernet_key(key))

    def seal(self, text: str) -> str:
        """The text as it is stored."""
        return "plain:" + text if self._fernet is None else "fernet:" + self._fernet.encrypt(text.encode()).decode()

    def open(self, stored: str) -> str:
        """
        The text that was sealed.

        Raises:
            cryptography.fernet.InvalidToken, ValueError: With another key, or none, than it was sealed with.
        """
        form, _, text = stored.partition(":")
        if form == "plain":
            return text
        if self._fernet is None:
            raise ValueError("a callback URL in the store is encrypted, and no encryption-key is configured")
        return self._fernet.decrypt(text.encode()).decode()


def make_sealer(settings: NotificationSettings) -> Sealer:
    """The sealer for a store: the configured key, or the key file of an embedded one."""
    if settings.encryption_key is not None:
        return Sealer(settings.encryption_key.get_secret_value())
    path = make_url(settings.store_url).database
    if settings.embedded and path:
        return Sealer(_key_file(Path(path + ".key")))
    log.warning("callback_urls_not_encrypted", remedy="set notifications.encryption-key, the same on every replica")
    return Sealer(None)


def _fernet_key(key: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())


def _key_file(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    key = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w") as file:
        file.write(key)
    return key
