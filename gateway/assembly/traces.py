"""Request traces as configured, and what they must never show."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from gateway.config import Config
from gateway.pipeline.masking import Masking
from gateway.pipeline.tracing.book import TraceBook, TraceRules
from gateway.pipeline.tracing.wanted import WantedTraces


def trace_book(config: Config) -> TraceBook | None:
    """The book of traces; None, and no cost, where tracing is off."""
    tracing = config.tracing
    if not keeps_traces(config):
        return None
    rules = TraceRules(
        asked=tracing.enabled,
        credential=tracing.secret.get_secret_value() if tracing.secret else None,
        keep_asked=tracing.keep,
        tail=tracing.tail.enabled,
        keep_tail=tracing.tail.keep,
        slow_s=tracing.tail.slow,
    )
    return TraceBook(rules, masking(config), config.deployment.service_name)


def private_book(config: Config) -> tuple[TraceBook, str]:
    """A book for one request of the console's, whether tracing is on or not, and the credential that it asks for."""
    credential = secrets.token_urlsafe(32)
    rules = TraceRules(credential=credential, keep_asked=1)
    return TraceBook(rules, masking(config), config.deployment.service_name), credential


def wanted_traces(config: Config, book: TraceBook | None) -> WantedTraces | None:
    """Where the management plane asks for traces; None: it may not."""
    return None if book is None or not config.tracing.endpoint else book.wanted


def keeps_traces(config: Config) -> bool:
    """Whether any request may leave a trace."""
    return config.tracing.enabled or config.tracing.tail.enabled or config.tracing.endpoint


def masking(config: Config) -> Masking:
    """Masks what traces must not show; secret named values are shown by their names."""
    keys = [api.subscription_key for api in config.apis]
    named = {name: value.value.get_secret_value() for name, value in config.named_values.items() if value.secret}
    return Masking(secrets_of(config), (key.header for key in keys), (key.query for key in keys), named)


def secrets_of(config: Config) -> Iterator[str]:
    """Secret texts of the configuration."""
    exported = () if config.telemetry is None else config.telemetry.headers.values()
    named = (entry.value for entry in config.named_values.values() if entry.secret)
    keys = (key for entry in config.subscriptions for key in (entry.primary_key, entry.secondary_key))
    for secret in (config.tracing.secret, config.console.token, *exported, *named, *keys):
        if secret is not None:
            yield secret.get_secret_value()
