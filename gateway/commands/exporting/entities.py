"""
Products, subscriptions (without keys) and groups.

Source: Azure's template reference, "Microsoft.ApiManagement".
"""

from __future__ import annotations

from gateway.commands.exporting.folder import ExportFolder
from gateway.commands.exporting.policies import write_policy
from gateway.commands.exporting.source import ExportSource
from gateway.config.apis import named

# Every service has these; a publisher may not write them.
_BUILT_IN = frozenset({"administrators", "developers", "guests"})


def write_products(source: ExportSource, folder: ExportFolder) -> None:
    """Products with their APIs, groups and policies."""
    current = {api.id for api in source.config.apis if api.current}
    for product in source.config.products:
        properties = {
            "displayName": named(product),
            "state": "published" if product.state == "published" else "notPublished",
            "subscriptionRequired": product.subscription_required,
            "approvalRequired": product.approval_required if product.subscription_required else None,
            "subscriptionsLimit": product.subscriptions_limit,
        }
        folder.information(properties, "products", product.id)
        folder.links("products/apis", product.id, [id for id in source.config.product_apis(product) if id in current])
        folder.links("products/groups", product.id, product.groups)
        write_policy(folder, folder.place("products", product.id), product.policy, f"policy of product {product.id}")


def write_subscriptions(source: ExportSource, folder: ExportFolder) -> None:
    """Subscriptions; their keys stay where they are, and Azure makes its own."""
    for index, subscription in enumerate(source.config.subscriptions):
        what = f"subscription {subscription.id}"
        if subscription.all_access:
            message = "a key that gives access to everything: Azure has one of its own, master"
            folder.left_out(source.at("subscriptions", index), what, message, harmless=True)
            continue
        properties = {
            "displayName": named(subscription),
            "scope": subscription.scope,
            "state": subscription.state,
            "ownerId": f"/users/{subscription.user}" if subscription.user else None,
        }
        folder.information(properties, "subscriptions", subscription.id)


def write_groups(source: ExportSource, folder: ExportFolder) -> None:
    """Groups; those that Azure has built in as well, as extractors write them."""
    for group in source.config.groups:
        kind = "system" if group.id in _BUILT_IN else "custom"
        folder.information({"displayName": named(group), "type": kind}, "groups", group.id)
