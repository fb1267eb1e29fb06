"""
Tenants that a configuration names and that are still a template's placeholder: it loads, and gets no token.

Source: docs/quickstart.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.config.model import Config
from gateway.documents.lint import placeholder_tenant
from gateway.documents.model import Text
from gateway.errors import Problem

_NO_TOKEN = "no token can be fetched"  # noqa: S105 (words of a message)


def placeholder_tenants(config: Config) -> list[Problem]:
    """A note for each of them; what documents name is theirs."""
    notes = (placeholder_tenant(Text(value, config.location(*path)), _NO_TOKEN) for path, value in _tenants(config))
    return [note for note in notes if note is not None]


def _tenants(config: Config) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Where a configuration names a tenant: its place and what is written there."""
    identity, service = config.managed_identity, config.notifications
    if identity is not None and identity.token_url is not None:
        yield ("managed-identity", "token-url"), identity.token_url
    if service is None:
        return
    own = [] if service.d365 is None else [(("d365",), service.d365)]
    for path, environment in [*own, *((("environments", name), it) for name, it in service.environments.items())]:
        yield ("notifications", *path, "token-url"), environment.token_url
        yield ("notifications", *path, "tenant-id"), environment.tenant_id
