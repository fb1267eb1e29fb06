"""Signatures are those of Standard Webhooks, and survive a change of secret."""

from __future__ import annotations

import base64
import time

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.notifications.callbacks.signature import headers, sign
from gateway.notifications.settings import CallbackSettings, signing_key

OLD = "whsec_" + base64.b64encode(b"o" * 24).decode()
NEW = "whsec_" + base64.b64encode(b"n" * 32).decode()


def test_known_value() -> None:
    """The example of the specification gives its signature."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    signature = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_rotation(secret: str) -> None:
    """While two secrets are configured a receiver with either one verifies."""
    fields = headers((NEW, OLD), "id", int(time.time()), b"{}")
    assert Webhook(secret).verify("{}", fields) == {}


def test_altered() -> None:
    """Another body does not verify."""
    fields = headers((NEW,), "id", int(time.time()), b"{}")
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify('{"a":1}', fields)


def test_unsigned() -> None:
    """Without a secret the id is still sent: it is the receiver's idempotency key."""
    assert headers((), "id", 5, b"") == {"webhook-id": "id", "webhook-timestamp": "5"}


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_***", "whsec_c2hvcnQ=", "whsec_" + "QUJD" * 30])
def test_bad_secret(secret: str) -> None:
    """A malformed secret is refused when the settings are made, without being quoted."""
    with pytest.raises(ValueError, match="whsec_") as caught:
        CallbackSettings(signing_secret=(SecretStr(secret),))
    assert len(secret) < 7 or secret not in str(caught.value)
    assert signing_key(NEW) == b"n" * 32
