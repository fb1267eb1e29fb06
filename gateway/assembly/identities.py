"""The gateway's own identity, for those who need its tokens: policies, Redis, the store of notifications."""

from __future__ import annotations

import os

from gateway.config import Config
from gateway.errors import LoadError, Location
from gateway.outside.identity import IdentityTokens, TokenSource
from gateway.outside.token_endpoints import token_source


def own_source(config: Config) -> TokenSource | None:
    """Where the gateway's identity gets its tokens; None: it has no identity. Raises LoadError: a missing library."""
    try:
        return token_source(config.managed_identity, os.environ)
    except ImportError:
        where, remedy = config.location("managed-identity", "source"), "pip install 'apim-policy-gateway[azure]'"
        raise LoadError.at(where, "missing-extra", "azure-identity is not installed", remedy) from None


def required_source(config: Config, where: Location) -> TokenSource:
    """As ``own_source``, for the setting at *where*, which cannot do without. Raises LoadError: no identity."""
    source = own_source(config)
    if source is None:
        message, remedy = "a token is wanted, and the gateway has no identity", "add managed-identity"
        raise LoadError.at(where, "no-identity", message, remedy)
    return source


def required_tokens(config: Config, where: Location) -> IdentityTokens:
    """The identity's tokens. It lasts as long as the process, whatever a reload changes. Raises LoadError."""
    return IdentityTokens(required_source(config, where))
