"""Request traces as configured, and what they must never show."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from gateway.config import Config
from gateway.pipeline.masking import Masking
from gateway.pipeline.tracing import TraceBook


def trace_book(config: Config) -> TraceBook | None:
    """The book of traces; None, and no cost, where tracing is off."""
    tracing = config.tracing
    if not tracing.enabled:
        return None
    credential = tracing.secret.get_secret_value() if tracing.secret else None
    return TraceBook(credential, _masking(config), config.deployment.service_name, tracing.keep)


def private_book(config: Config) -> tuple[TraceBook, str]:
    """A book for one request of the console's, whether tracing is on or not, and the credential that it asks for."""
    credential = secrets.token_urlsafe(32)
    return TraceBook(credential, _masking(config), config.deployment.service_name, 1), credential


def _masking(config: Config) -> Masking:
    keys = [api.subscription_key for api in config.apis]
    return Masking(secrets_of(config), (key.header for key in keys), (key.query for key in keys))


def secrets_of(config: Config) -> Iterator[str]:
    """Secret texts of the configuration."""
    exported = () if config.telemetry is None else config.telemetry.headers.values()
    named = (entry.value for entry in config.named_values.values() if entry.secret)
    keys = (key for entry in config.subscriptions for key in (entry.primary_key, entry.secondary_key))
    for secret in (config.tracing.secret, config.console.token, *exported, *named, *keys):
        if secret is not None:
            yield secret.get_secret_value()
