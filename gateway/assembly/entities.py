"""From configuration to what expressions see: API, operation, product, user and subscription as plain facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.config import Config
from gateway.config.apis import Api, Example, Group, Operation, Product, User, named
from gateway.expressions.entities import (
    ApiInfo,
    DeploymentInfo,
    GroupInfo,
    IdentityInfo,
    ProductInfo,
    UserInfo,
)
from gateway.pipeline.context import OperationInfo, StoredExample
from gateway.wire.messages import Url
from gateway.wire.upstream.way import StoredCertificate

if TYPE_CHECKING:
    from gateway.odata.metadata import ServiceModel

WHOLE_API = OperationInfo("", "", "*", "/*")


def no_api() -> ApiInfo:
    """What ``context.Api`` is for a request that finds no API."""
    return replace(api_info(Api(id="none"), None), id="", name="")


def api_info(api: Api, service_url: Url | None) -> ApiInfo:
    """``context.Api``."""
    return ApiInfo(
        id=api.id,
        name=named(api),
        path=api.path.strip("/"),
        service_url=service_url,
        revision=api.revision,
        version=api.version.value if api.version else None,
        is_current_revision=api.current,
        protocols=api.protocols,
    )


def operation_info(operation: Operation, model: ServiceModel | None = None) -> OperationInfo:
    """``context.Operation``."""
    examples = tuple(
        StoredExample(response.status, example.content_type, _example_body(example))
        for response in operation.responses
        for example in response.examples
    )
    return OperationInfo(
        id=operation.id,
        name=named(operation),
        method=operation.method,
        url_template=operation.url_template,
        examples=examples,
        definition=operation.definition,
        model=model,
    )


def _example_body(example: Example) -> bytes:
    return example.file.read_bytes() if example.file else (example.body or "").encode()


def deployment_info(config: Config, certificates: Mapping[str, StoredCertificate]) -> DeploymentInfo:
    """``context.Deployment``."""
    facts = config.deployment
    return DeploymentInfo(
        facts.service_name, facts.service_id, facts.region, facts.gateway_id, "", certificates=certificates
    )


def product_info(product: Product, groups: Mapping[str, Group]) -> ProductInfo:
    """``context.Product``."""
    return ProductInfo(
        id=product.id,
        name=named(product),
        approval_required=product.approval_required,
        subscription_required=product.subscription_required,
        subscriptions_limit=product.subscriptions_limit,
        state="Published" if product.state == "published" else "NotPublished",
        groups=_groups(product.groups, groups),
    )


def user_info(user: User, groups: Mapping[str, Group]) -> UserInfo:
    """``context.User``."""
    return UserInfo(
        id=user.id,
        email=user.email,
        first_name=user.first_name,
        last_name=user.last_name,
        note=user.note,
        registration_date=user.registration_date,
        groups=_groups(user.groups, groups),
        identities=tuple(IdentityInfo(identity.id, identity.provider) for identity in user.identities),
    )


def _groups(ids: Iterable[str], groups: Mapping[str, Group]) -> tuple[GroupInfo, ...]:
    return tuple(GroupInfo(id_, named(groups[id_])) for id_ in ids)
