"""
Products and subscription keys: may this caller use this API, and in which product's context?

The decision is made before any inbound policy runs; its errors have the source ``authorization``. Dates of a
subscription are for audit only, as in APIM: its state alone decides.

Source: docs/reference/apim.md, "Matching and keys" and "Errors".
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Literal, NamedTuple, TypeAlias

from gateway.errors import LoadError, Location, PolicyError, Problem
from gateway.expressions.entities import ProductInfo, SubscriptionInfo, UserInfo

State: TypeAlias = Literal["active", "suspended", "expired", "submitted", "rejected", "cancelled"]

NOWHERE = Location("config.yaml")
_SCOPE = re.compile(r"/(?:apis|apis/(?P<api>[^/]+)|products/(?P<product>[^/]+))")
_DIGEST = re.compile(r"sha256:(?P<hex>[0-9a-f]{64})")
_KEY = re.compile(r"[\x21-\x7e]{1,256}")  # what a header field can carry unchanged

_MISSING = (
    "Access denied due to missing subscription key. Make sure to include subscription key when making requests to "
)
_INVALID = "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription."


@dataclass(frozen=True, slots=True)
class ApiAccess:
    """
    What an API asks of its callers.

    Attributes:
        realm: For ``WWW-Authenticate``: the API's public URL or path, from configuration, never from the request.
        header, query: Where the key is read.
    """

    id: str
    subscription_required: bool
    realm: str
    header: str
    query: str


@dataclass(frozen=True, slots=True)
class ProductAccess:
    """A product and the ids of the APIs that it contains."""

    info: ProductInfo
    apis: frozenset[str]
    location: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class SubscriptionKeys:
    """
    A pair of keys and what they give access to.

    Attributes:
        scope: APIM's own form: ``/products/{id}``, ``/apis/{id}`` or ``/apis`` for all of them.
        primary_key, secondary_key: The key, or ``sha256:`` and the 64 hexadecimal digits of its SHA-256; an empty
            secondary key is none. Policies see a key that is only known by its hash once a caller has used it.
        all_access: The built-in key of operators, which may also trace.
    """

    id: str
    scope: str
    primary_key: str = field(repr=False)
    secondary_key: str = field(default="", repr=False)
    name: str = ""
    state: State = field(kw_only=True)
    owner: UserInfo | None = None
    all_access: bool = False
    created_date: datetime | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    location: Location = NOWHERE


class GrantedAccess(NamedTuple):
    """On whose behalf a request runs."""

    product: ProductInfo | None = None
    subscription: SubscriptionInfo | None = None
    user: UserInfo | None = None
    all_access: bool = False


ANONYMOUS = GrantedAccess()


@dataclass(frozen=True, slots=True)
class _Holder:
    """What one key opens; *apis* is None for all of them. No access: the subscription is not active."""

    digest: bytes
    apis: frozenset[str] | None
    access: GrantedAccess
    active: bool
    known: bool  # whether the key's text was configured

    def opens(self, api_id: str) -> bool:
        """Whether the subscription is active and covers the API."""
        return self.active and (self.apis is None or api_id in self.apis)


class Subscriptions:
    """Decides by key. Keys are found by their SHA-256, so the time of a search reveals nothing about them."""

    def __init__(
        self,
        products: Sequence[ProductAccess] = (),
        subscriptions: Iterable[SubscriptionKeys] = (),
        api_ids: Collection[str] | None = None,
    ) -> None:
        """
        Index *subscriptions*. Raises LoadError with every unknown scope, bad or repeated key.

        *api_ids*, where given, are the APIs that exist: what names another one is a mistake.
        """
        self._holders: dict[bytes, _Holder] = {}
        self._open = {api: GrantedAccess(product.info) for product in reversed(products) for api in _open_apis(product)}
        problems = _unknown_apis(products, api_ids)
        for subscription in subscriptions:
            try:
                self._add(subscription, _covered(subscription, products, api_ids), products)
            except LoadError as error:
                problems += error.problems
        if problems:
            raise LoadError(problems)

    def decide(self, api: ApiAccess, header_key: str | None, query_key: str | None) -> GrantedAccess:
        """
        Who is calling *api*, with the key from the header or, when there is none, from the query.

        An open product comes before the API's own setting; a wrong key is refused even where none is needed.

        Raises:
            PolicyError: 401, SubscriptionKeyNotFound or SubscriptionKeyInvalid.
        """
        key = header_key or query_key
        if not key:
            return self._decide_without_key(api)
        digest = sha256(key.encode("utf-8", "surrogatepass")).digest()
        holder = self._holders.get(digest)
        if holder is None or not hmac.compare_digest(holder.digest, digest) or not holder.opens(api.id):
            raise _refusal(api, "SubscriptionKeyInvalid", _INVALID, found=_found(holder))
        return holder.access if holder.known else _revealed(holder.access, key)

    def _decide_without_key(self, api: ApiAccess) -> GrantedAccess:
        access = self._open.get(api.id)
        if access is not None:
            return access
        if not api.subscription_required:
            return ANONYMOUS
        raise _refusal(api, "SubscriptionKeyNotFound", _MISSING + "this API.", _MISSING + "an API.")

    def _add(
        self, subscription: SubscriptionKeys, apis: frozenset[str] | None, products: Sequence[ProductAccess]
    ) -> None:
        product = next(
            (access.info for access in products if subscription.scope == f"/products/{access.info.id}"), None
        )
        for key in filter(None, (subscription.primary_key, subscription.secondary_key)):
            digest = _digest(key, subscription)
            if digest in self._holders:
                message = f"a key of subscription {subscription.id!r} is in use already"
                raise LoadError.at(subscription.location, "duplicate-subscription-key", message, "give it its own")
            access = GrantedAccess(product, _info(subscription, key), subscription.owner, subscription.all_access)
            active, known = subscription.state == "active", not _DIGEST.fullmatch(key)
            self._holders[digest] = _Holder(digest, apis, access, active, known)


def _open_apis(product: ProductAccess) -> frozenset[str]:
    return frozenset() if product.info.subscription_required else product.apis


def _unknown_apis(products: Iterable[ProductAccess], api_ids: Collection[str] | None) -> list[Problem]:
    return [
        Problem(
            product.location, "unknown-api", f"product {product.info.id!r} names the API {api!r}", "declare the API"
        )
        for product in products
        for api in sorted(product.apis)
        if api_ids is not None and api not in api_ids
    ]


def _covered(
    subscription: SubscriptionKeys, products: Iterable[ProductAccess], api_ids: Collection[str] | None
) -> frozenset[str] | None:
    """The ids of the APIs that *subscription* opens, None for all. Raises LoadError for an unknown scope."""
    scope = _SCOPE.fullmatch(subscription.scope)
    if scope is None:
        message = f"scope {subscription.scope!r} is not understood"
        raise LoadError.at(subscription.location, "bad-scope", message, "write /products/ID, /apis/ID or /apis")
    if scope["product"]:
        apis = next((product.apis for product in products if product.info.id == scope["product"]), None)
    elif scope["api"]:
        apis = frozenset([scope["api"]]) if _exists(scope["api"], api_ids) else None
    else:
        return None
    if apis is None:
        message = f"scope {subscription.scope!r} names nothing that exists"
        raise LoadError.at(subscription.location, "unknown-scope", message, "declare the product or API")
    return apis


def _exists(api_id: str, api_ids: Collection[str] | None) -> bool:
    return api_ids is None or api_id in api_ids


def _digest(key: str, subscription: SubscriptionKeys) -> bytes:
    hashed = _DIGEST.fullmatch(key)
    if hashed:
        return bytes.fromhex(hashed["hex"])
    if not _KEY.fullmatch(key):
        message = f"a key of subscription {subscription.id!r} is not 1 to 256 visible ASCII characters"
        raise LoadError.at(subscription.location, "bad-subscription-key", message, "choose another key")
    return sha256(key.encode()).digest()


def _info(subscription: SubscriptionKeys, used_key: str) -> SubscriptionInfo:
    return SubscriptionInfo(
        subscription.id,
        subscription.name or subscription.id,
        key=_text(used_key),
        primary_key=_text(subscription.primary_key),
        secondary_key=_text(subscription.secondary_key),
        created_date=subscription.created_date,
        start_date=subscription.start_date,
        end_date=subscription.end_date,
    )


def _text(key: str) -> str:
    return "" if _DIGEST.fullmatch(key) else key


def _revealed(access: GrantedAccess, key: str) -> GrantedAccess:
    """*access* for a key of which only the hash was configured."""
    subscription = access.subscription and replace(access.subscription, key=key)
    return access._replace(subscription=subscription)


def _found(holder: _Holder | None) -> str | dict[str, object]:
    """What a refused key belongs to, without the key."""
    if holder is None or holder.access.subscription is None:
        return "a key of no subscription"
    state = "active, for other APIs" if holder.active else "not active"
    return {"subscription": holder.access.subscription.id, "state": state}


def _refusal(
    api: ApiAccess, reason: str, message: str, public_message: str | None = None, **facts: object
) -> PolicyError:
    challenge = f'AzureApiManagementKey realm="{api.realm}",name="{api.header}",type="header"'
    expected = {"api": api.id, "header": api.header, "query": api.query}
    return PolicyError(
        401,
        reason,
        message,
        public_message,
        (("WWW-Authenticate", challenge),),
        expected=expected,
        found=facts.get("found", "no key"),
    )
