"""
What expressions see of the gateway's entities: the API, the product, the user … of one request, as plain facts.

No field has a default that a setting has: defaults belong to the configuration.

Source: APIM policy expressions, "Context variable".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from gateway.wire.messages import Url
from gateway.wire.upstream.way import StoredCertificate


@dataclass(frozen=True, slots=True)
class ApiInfo:
    """``context.Api``. *service_url* is None for a backend inside this process."""

    id: str
    name: str
    path: str
    service_url: Url | None
    revision: str
    version: str | None
    is_current_revision: bool
    protocols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResolvedField:
    """``context.GraphQL``: *arguments* and *parent* as JSON tokens."""

    arguments: object
    parent: object


@dataclass(frozen=True, slots=True)
class OperationFacts:
    """``context.Operation``."""

    id: str
    name: str
    method: str
    url_template: str


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """A group of developers: ``context.User.Groups``, ``context.Product.Groups``."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ProductInfo:
    """``context.Product``."""

    id: str
    name: str
    approval_required: bool
    subscription_required: bool
    subscriptions_limit: int | None
    state: Literal["Published", "NotPublished"]
    groups: tuple[GroupInfo, ...]


@dataclass(frozen=True, slots=True)
class IdentityInfo:
    """Who a user is to an identity provider: ``context.User.Identities``."""

    id: str
    provider: str


@dataclass(frozen=True, slots=True)
class UserInfo:
    """``context.User``."""

    id: str
    email: str
    first_name: str
    last_name: str
    note: str
    registration_date: datetime | None
    groups: tuple[GroupInfo, ...]
    identities: tuple[IdentityInfo, ...]


@dataclass(frozen=True, slots=True)
class SubscriptionInfo:
    """``context.Subscription``. *key* is the one in the request."""

    id: str
    name: str
    key: str = field(repr=False)
    primary_key: str = field(repr=False)
    secondary_key: str = field(repr=False)
    created_date: datetime | None
    start_date: datetime | None
    end_date: datetime | None


@dataclass(frozen=True, slots=True)
class DeploymentInfo:
    """``context.Deployment``. *certificates* by id or thumbprint."""

    service_name: str
    service_id: str
    region: str
    gateway_id: str
    instance_id: str
    certificates: Mapping[str, StoredCertificate]


@dataclass(frozen=True, slots=True)
class Authorization:
    """The value that get-authorization-context puts into a variable."""

    access_token: str = field(repr=False)
    claims: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class ErrorFacts:
    """``context.LastError``: what sent the request to on-error, and where. All text."""

    source: str
    reason: str
    message: str
    scope: str
    section: str
    path: str
    policy_id: str | None
