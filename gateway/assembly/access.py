"""Subscription keys at the entrance: products and subscriptions as configured, and where a request carries its key."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs

from gateway.assembly.entities import product_info, user_info
from gateway.config import Config
from gateway.config.apis import Api, Subscription
from gateway.data_plane.subscriptions import ApiAccess, GrantedAccess, ProductAccess, SubscriptionKeys, Subscriptions
from gateway.expressions.entities import UserInfo
from gateway.wire.messages import Request


class KeyAccess:
    """Reads a request's subscription key and asks ``Subscriptions``. Raises LoadError when it is made."""

    def __init__(self, config: Config) -> None:
        self._subscriptions = _subscriptions(config)
        self._apis = {api.id: _api_access(api) for api in config.apis}

    def decide(self, api_id: str, request: Request) -> GrantedAccess:
        """On whose behalf *request* runs. Raises PolicyError."""
        api = self._apis[api_id]
        return self._subscriptions.decide(api, request.headers.joined(api.header), _query_key(request.query, api.query))


def needs_keys(config: Config) -> bool:
    """Whether any request's key can matter."""
    return bool(config.products or config.subscriptions or any(api.subscription_required for api in config.apis))


def _query_key(query: str, name: str) -> str | None:
    if name not in query:
        return None
    values = parse_qs(query).get(name)
    return values[0] if values else None


def _api_access(api: Api) -> ApiAccess:
    names = api.subscription_key
    return ApiAccess(api.id, api.subscription_required, f"/{api.path.strip('/')}", names.header, names.query)


def _subscriptions(config: Config) -> Subscriptions:
    groups = {group.id: group for group in config.groups}
    users = {user.id: user_info(user, groups) for user in config.users}
    products = [
        ProductAccess(
            product_info(product, groups),
            frozenset(config.product_apis(product)),
            config.location("products", index),
        )
        for index, product in enumerate(config.products)
    ]
    subscriptions = [
        _subscription(subscription, index, users, config) for index, subscription in enumerate(config.subscriptions)
    ]
    return Subscriptions(products, subscriptions, {api.id for api in config.apis})


def _subscription(
    subscription: Subscription, index: int, users: Mapping[str, UserInfo], config: Config
) -> SubscriptionKeys:
    return SubscriptionKeys(
        id=subscription.id,
        scope=subscription.scope,
        primary_key=subscription.primary_key.get_secret_value(),
        secondary_key=subscription.secondary_key.get_secret_value() if subscription.secondary_key else "",
        name=subscription.name or subscription.id,
        state=subscription.state,
        owner=users.get(subscription.user) if subscription.user else None,
        all_access=subscription.all_access,
        created_date=subscription.created_date,
        start_date=subscription.start_date,
        end_date=subscription.end_date,
        location=config.location("subscriptions", index),
    )
