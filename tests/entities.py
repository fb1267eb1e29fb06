"""Entities as tests name them in short: an API, a user … with the configuration's own defaults."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.assembly import entities
from gateway.config import Config
from gateway.config.apis import Api, Product, User
from gateway.expressions.entities import ApiInfo, DeploymentInfo, ProductInfo, SubscriptionInfo, UserInfo
from gateway.pipeline.context import OperationInfo

API = entities.api_info(Api(id="a", path="a"), None)
DEPLOYMENT = entities.deployment_info(Config(), {})
OPERATION = OperationInfo("o", "o", "GET", "/")


def api(id: str, name: str, path: str, **facts: Any) -> ApiInfo:
    """An API."""
    return replace(API, id=id, name=name, path=path, **facts)


def deployment(**facts: Any) -> DeploymentInfo:
    """The deployment."""
    return replace(DEPLOYMENT, **facts)


def product(id: str, name: str, **facts: Any) -> ProductInfo:
    """A product."""
    return replace(entities.product_info(Product(id=id, name=name), {}), **facts)


def user(id: str, **facts: Any) -> UserInfo:
    """A user."""
    return replace(entities.user_info(User(id=id), {}), **facts)


def subscription(id: str, name: str, key: str, **facts: Any) -> SubscriptionInfo:
    """A subscription with one key."""
    return replace(SubscriptionInfo(id, name, key, key, "", None, None, None), **facts)
