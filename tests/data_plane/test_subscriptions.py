"""Subscription keys open what APIM would open, and nothing more."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from gateway.config.apis import SubscriptionKeyNames
from gateway.data_plane.subscriptions import (
    ApiAccess,
    GrantedAccess,
    ProductAccess,
    State,
    SubscriptionKeys,
    Subscriptions,
)
from gateway.errors import LoadError, Location, PolicyError
from tests.entities import product, user

NAMES = SubscriptionKeyNames()
PLACE = Location("config.yaml", 40, 5)
ANN = user("ann")
STARTER = ProductAccess(product("starter", "Starter"), frozenset({"batch", "mixed"}))
HIDDEN = ProductAccess(product("hidden", "Hidden", state="NotPublished"), frozenset({"batch"}))
OPEN = ProductAccess(product("open", "Open", subscription_required=False), frozenset({"free", "mixed"}))
LATER = ProductAccess(product("later", "Later", subscription_required=False), frozenset({"free"}))
HASHED = "sha256:" + sha256(b"hashed-key").hexdigest()


def keys(
    id: str, scope: str, primary: str, secondary: str = "", name: str = "", state: State = "active", **facts: Any
) -> SubscriptionKeys:
    """A subscription's keys; it is active."""
    return SubscriptionKeys(id, scope, primary, secondary, name, state=state, **facts)


def access(id: str, subscription_required: bool = True, realm: str = "", header: str = NAMES.header) -> ApiAccess:
    """An API that asks for a key under the usual names."""
    return ApiAccess(id, subscription_required, realm, header, NAMES.query)


KEYS = Subscriptions(
    [STARTER, HIDDEN, OPEN, LATER],
    [
        keys("product", "/products/starter", "product-1", "product-2", "Ann's", owner=ANN),
        keys("hidden", "/products/hidden", "hidden-1"),
        keys("api", "/apis/batch", "api-1"),
        keys("all", "/apis", "all-1"),
        keys("master", "/apis", "master-1", all_access=True),
        keys("hashed", "/apis/batch", HASHED, "plain-2"),
        keys("suspended", "/apis", "suspended-1", state="suspended"),
    ],
    {"batch", "mixed", "free", "plain"},
)
BATCH = access("batch", realm="https://gateway.example/batch", header="X-Key")
MIXED = access("mixed")
FREE = access("free")
PLAIN = access("plain", subscription_required=False)


def summary(access: GrantedAccess) -> tuple[str | None, str | None]:
    """Product and subscription by id."""
    product, subscription, *_ = access
    return None if product is None else product.id, None if subscription is None else subscription.id


@pytest.mark.parametrize(
    ("api", "header_key", "query_key", "expected"),
    [
        pytest.param(BATCH, "product-1", None, ("starter", "product"), id="primary"),
        pytest.param(BATCH, "product-2", None, ("starter", "product"), id="secondary"),
        pytest.param(BATCH, None, "product-1", ("starter", "product"), id="query"),
        pytest.param(BATCH, "", "product-1", ("starter", "product"), id="empty-header-is-absent"),
        pytest.param(BATCH, "product-1", "wrong", ("starter", "product"), id="header-first"),
        pytest.param(BATCH, "hidden-1", None, ("hidden", "hidden"), id="published-state-does-not-matter"),
        pytest.param(BATCH, "api-1", None, (None, "api"), id="api-scope"),
        pytest.param(BATCH, "all-1", None, (None, "all"), id="all-apis"),
        pytest.param(PLAIN, "all-1", None, (None, "all"), id="key-where-none-is-needed"),
        pytest.param(MIXED, "product-1", None, ("starter", "product"), id="key-before-open-product"),
        pytest.param(MIXED, None, None, ("open", None), id="open-product"),
        pytest.param(FREE, None, "", ("open", None), id="first-open-product"),
        pytest.param(PLAIN, None, None, (None, None), id="nothing-needed"),
    ],
)
def test_caller_is_let_in(
    api: ApiAccess, header_key: str | None, query_key: str | None, expected: tuple[str | None, str | None]
) -> None:
    """A valid key, an open product or an API without requirement each give the context that APIM gives."""
    assert summary(KEYS.decide(api, header_key, query_key)) == expected


@pytest.mark.parametrize(
    ("api", "header_key", "query_key"),
    [
        pytest.param(BATCH, "wrong", None, id="unknown"),
        pytest.param(BATCH, "wrong", "product-1", id="header-hides-query"),
        pytest.param(BATCH, "PRODUCT-1", None, id="case-matters"),
        pytest.param(BATCH, "product-1,product-1", None, id="two-headers"),
        pytest.param(BATCH, "product-1 ", None, id="space"),
        pytest.param(BATCH, HASHED, None, id="the-hash-is-no-key"),
        pytest.param(BATCH, "\udc80\u00e9", None, id="not-ascii"),
        pytest.param(FREE, "product-1", None, id="product-without-this-api"),
        pytest.param(FREE, "wrong", None, id="wrong-key-on-open-product"),
        pytest.param(MIXED, "api-1", None, id="key-of-another-api"),
        pytest.param(PLAIN, "wrong", None, id="wrong-key-where-none-is-needed"),
        pytest.param(BATCH, "suspended-1", None, id="suspended"),
    ],
)
def test_wrong_key_is_refused_everywhere(api: ApiAccess, header_key: str | None, query_key: str | None) -> None:
    """A key that is not valid for this API is a 401, even where no key is needed."""
    with pytest.raises(PolicyError) as caught:
        KEYS.decide(api, header_key, query_key)
    assert (caught.value.status, caught.value.reason) == (401, "SubscriptionKeyInvalid")
    assert caught.value.public_message.startswith("Access denied due to invalid subscription key.")
    assert str(header_key) not in str(caught.value)


def test_missing_key_is_refused_as_apim_does() -> None:
    """Without a key where one is needed: 401, APIM's two wordings, and a challenge that names the header."""
    with pytest.raises(PolicyError) as caught:
        KEYS.decide(BATCH, None, None)
    error = caught.value
    assert (error.status, error.reason) == (401, "SubscriptionKeyNotFound")
    assert error.message.endswith("when making requests to this API.")
    assert error.public_message.endswith("when making requests to an API.")
    challenge = 'AzureApiManagementKey realm="https://gateway.example/batch",name="X-Key",type="header"'
    assert error.headers == (("WWW-Authenticate", challenge),)


@pytest.mark.parametrize("state", ["suspended", "expired", "submitted", "rejected", "cancelled"])
def test_only_active_subscriptions_open(state: State) -> None:
    """Every state but active is refused, with either key."""
    known = Subscriptions((), [keys("s", "/apis", "one", "two", state=state)])
    for key in ("one", "two"):
        with pytest.raises(PolicyError, match="invalid subscription key"):
            known.decide(PLAIN, key, None)


def test_policies_see_the_subscription() -> None:
    """Owner, name and the key that was used reach the context."""
    access = KEYS.decide(BATCH, "product-2", None)
    assert access.user is ANN
    assert access.subscription is not None
    assert (access.subscription.name, access.subscription.key) == ("Ann's", "product-2")
    assert (access.subscription.primary_key, access.subscription.secondary_key) == ("product-1", "product-2")


def test_hashed_key_is_known_once_used() -> None:
    """A key configured by its hash opens, and policies see only what the caller sent."""
    used, other = (KEYS.decide(BATCH, key, None).subscription for key in ("hashed-key", "plain-2"))
    assert used is not None
    assert other is not None
    assert (used.name, used.key, used.primary_key, used.secondary_key) == ("hashed", "hashed-key", "", "plain-2")
    assert (other.key, other.primary_key) == ("plain-2", "")


def test_operator_key_is_marked() -> None:
    """Only the built-in key has all access."""
    assert KEYS.decide(BATCH, "master-1", None).all_access
    assert not KEYS.decide(BATCH, "all-1", None).all_access


GOOD = keys("s", "/apis/batch", "good-key", location=PLACE)


@pytest.mark.parametrize(
    ("subscription", "code"),
    [
        (replace(GOOD, scope="batch"), "bad-scope"),
        (replace(GOOD, scope="/products/"), "bad-scope"),
        (replace(GOOD, scope="/apis/batch/operations/x"), "bad-scope"),
        (replace(GOOD, scope="/products/none"), "unknown-scope"),
        (replace(GOOD, scope="/apis/none"), "unknown-scope"),
        (replace(GOOD, primary_key="two words"), "bad-subscription-key"),
        (replace(GOOD, primary_key="k" * 257), "bad-subscription-key"),
        (replace(GOOD, secondary_key="caf\u00e9"), "bad-subscription-key"),
        (replace(GOOD, secondary_key="good-key"), "duplicate-subscription-key"),
        (replace(GOOD, secondary_key="sha256:" + sha256(b"good-key").hexdigest()), "duplicate-subscription-key"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.scope,
)
def test_mistakes_refuse_to_load(subscription: SubscriptionKeys, code: str) -> None:
    """Unknown scopes and unusable or shared keys stop the start, without showing the key."""
    with pytest.raises(LoadError) as caught:
        Subscriptions([STARTER], [subscription], {"batch", "mixed"})
    (problem,) = caught.value.problems
    assert (problem.code, problem.location) == (code, PLACE)
    assert "good-key" not in str(problem)


def test_product_with_unknown_api_refuses_to_load() -> None:
    """A product cannot contain an API that does not exist."""
    with pytest.raises(LoadError) as caught:
        Subscriptions([replace(STARTER, location=PLACE)], (), {"batch"})
    assert [(problem.code, problem.location) for problem in caught.value.problems] == [("unknown-api", PLACE)]


def test_keys_do_not_show() -> None:
    """Neither the configuration nor the decision prints a key."""
    assert "good-key" not in repr(GOOD)
    assert "product-1" not in repr(KEYS.decide(BATCH, "product-1", None))
