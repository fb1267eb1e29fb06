"""
Kinds and names of API Management's resources, and their ids: ``/apis/orders/operations/create``.

The id has no subscription and no service: what an import needs of it is the path inside the instance.

Source: the documentation of Terraform's provider azurerm, and Azure's template reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.terraform.values import Deployed
from gateway.reading.yaml_nodes import Mapping, Scalar, YamlNode

PREFIX = "azurerm_api_management"
_WORKSPACE = f"{PREFIX}_workspace_"


class TerraformIdentity(NamedTuple):
    """
    What a type of Terraform is in ARM.

    *segments* has, for each part of the name: an argument (``name``), a fixed text (``=policy``), or an argument with
    an id and the collection of which the name is taken there (``api_id:apis``).
    """

    kind: str
    segments: tuple[str, ...]


# The types without their prefix azurerm_api_management_: kind, and the parts of the name.
_TABLE = """
    api apis name
    api_diagnostic apis/diagnostics api_name identifier
    api_operation apis/operations api_name operation_id
    api_operation_policy apis/operations/policies api_name operation_id =policy
    api_operation_tag apis/operations/tags api_operation_id:apis api_operation_id:operations name
    api_policy apis/policies api_name =policy
    api_release apis/releases api_id:apis name
    api_schema apis/schemas api_name schema_id
    api_tag apis/tags api_id:apis name
    api_tag_description apis/tagDescriptions api_tag_id:apis api_tag_id:tags
    api_version_set apiVersionSets name
    authorization_server authorizationServers name
    backend backends name
    certificate certificates name
    diagnostic diagnostics identifier
    email_template templates template_name
    gateway gateways name
    gateway_api gateways/apis gateway_id:gateways api_id:apis
    gateway_certificate_authority gateways/certificateAuthorities gateway_name certificate_name
    gateway_host_name_configuration gateways/hostnameConfigurations gateway_name name
    global_schema schemas schema_id
    group groups name
    group_user groups/users group_name user_id:users
    identity_provider_aad identityProviders =aad
    identity_provider_aadb2c identityProviders =aadB2C
    identity_provider_facebook identityProviders =facebook
    identity_provider_google identityProviders =google
    identity_provider_microsoft identityProviders =microsoft
    identity_provider_twitter identityProviders =twitter
    logger loggers name
    logger_application_insights loggers name
    logger_eventhub loggers name
    named_value namedValues name
    notification_recipient_email notifications/recipientEmails notification_type email
    notification_recipient_user notifications/recipientUsers notification_type user_id:users
    openid_connect_provider openidConnectProviders name
    policy policies =policy
    policy_fragment policyFragments name
    product products product_id
    product_api products/apis product_id:products api_name
    product_group products/groups product_id:products group_name
    product_policy products/policies product_id:products =policy
    product_tag products/tags api_management_product_id:products name
    property namedValues name
    redis_cache caches name
    subscription subscriptions subscription_id
    tag tags name
    user users user_id
    workspace workspaces name
"""
IDENTITIES: dict[str, TerraformIdentity] = {
    short: TerraformIdentity(kind, tuple(segments))
    for short, kind, *segments in (line.split() for line in _TABLE.strip().splitlines())
}


def identity_of(kind: str) -> TerraformIdentity | None:
    """What the type *kind* is; None for what is not part of an instance, or not known."""
    if kind == PREFIX:
        return TerraformIdentity("", ())
    short = kind.removeprefix(_WORKSPACE) if kind.startswith(_WORKSPACE) else kind.removeprefix(f"{PREFIX}_")
    return IDENTITIES.get(short)


def plain_name(node: YamlNode | None) -> str | None:
    """A name; of one that is not known, the names of what is unknown, where they would be."""
    if not isinstance(node, Scalar) or node.null:
        return None
    name = node.value.replace("{", "").replace("}", "") if isinstance(node, Unresolved) else node.value
    return name or None


def in_id(node: YamlNode | None, collection: str) -> str | None:
    """The name behind *collection* in an id; a value without slashes is the name itself."""
    text = plain_name(node)
    if text is None:
        return None
    match = re.search(rf"(?:^|/){collection}/([^/]+)", text, re.IGNORECASE)
    if match is None:
        return None if text.startswith("/") else text.rpartition("/")[2]
    return match[1].partition(";rev=")[0] if collection == "apis" else match[1]


def segments_of(identity: TerraformIdentity, values: Mapping, label: str) -> tuple[str, ...] | None:
    """The parts of a resource's name, or None where one is missing; *label* names what has no name of its own."""
    parts = [_segment(rule, values) for rule in identity.segments]
    if identity.kind == "subscriptions" and parts == [None]:
        parts = [label]
    known = tuple(part for part in parts if part is not None)
    return known if len(known) == len(parts) else None


def _segment(rule: str, values: Mapping) -> str | None:
    if rule.startswith("="):
        return rule[1:]
    argument, _, collection = rule.partition(":")
    node = values.find(argument)
    if collection:
        return in_id(node, collection)
    name = plain_name(node)
    return name if name is None or argument != "api_name" else re.sub(r";rev=1$", "", name)


def workspace_of(values: Mapping) -> str:
    """The workspace that a resource is in; empty for the service itself."""
    return in_id(values.find("api_management_workspace_id"), "workspaces") or ""


def id_of(kind: str, name: Iterable[str], workspace: str = "") -> str:
    """The id inside the instance."""
    own = "".join(
        f"/{collection}/{part}" for collection, part in zip(kind.split("/"), name, strict=False) if collection
    )
    return f"/workspaces/{workspace}{own}" if workspace else own


def split_id(id: str) -> tuple[str, tuple[str, ...]]:
    """Kind and name in an id, wherever it begins: behind the service, or in the instance."""
    below = re.split(r"/service/[^/]+", id, maxsplit=1, flags=re.IGNORECASE)[-1]
    parts = [part for part in below.split("/") if part] if below.startswith("/") else []
    if len(parts) % 2 or parts[:1] == ["subscriptions"] and len(parts) > 2:
        return "", ()
    return "/".join(parts[::2]), tuple(parts[1::2])


def with_entries(values: Deployed, added: dict[str, YamlNode]) -> Deployed:
    """*values* with other entries besides."""
    kept = tuple(entry for entry in values.entries if entry[0].value not in added)
    new = tuple((Scalar(key, value.location), value) for key, value in added.items())
    return Deployed((*kept, *new), values.location, values.path)


def completed(kind: str, values: Deployed, label: str) -> Deployed:
    """*values* with the id, and with the name as the import writes it, which other resources refer to."""
    if kind == "azapi_resource":
        own = azapi_identity(values)
        return values if own is None else with_entries(values, {"id": Scalar(id_of(*own), values.location)})
    identity = identity_of(kind) if kind.startswith(PREFIX) else None
    return values if identity is None else _with_own_id(identity, values, label)


def _with_own_id(identity: TerraformIdentity, values: Deployed, label: str) -> Deployed:
    name = segments_of(identity, values, label)
    if name is None:
        return values
    added: dict[str, YamlNode] = {"id": Scalar(_whole_id(identity, name, values), values.location)}
    argument = identity.segments[-1] if identity.segments else "="
    if argument.isidentifier():
        node = values.find(argument)
        added[argument] = Scalar(name[-1], node.location if node else values.location)
    return with_entries(values, added)


def _whole_id(identity: TerraformIdentity, name: tuple[str, ...], values: Mapping) -> str:
    id = id_of(identity.kind, name, workspace_of(values))
    revision = plain_name(values.find("revision")) if identity.kind == "apis" else None
    return id if revision in (None, "1") else f"{id};rev={revision}"


_AZAPI = re.compile(r"Microsoft\.ApiManagement/service(?:/([A-Za-z/]+))?(?:@|$)", re.IGNORECASE)


def azapi_identity(values: Mapping) -> tuple[str, tuple[str, ...]] | None:
    """Kind and name of an ``azapi_resource`` of API Management; None for all others."""
    match = _AZAPI.match(plain_name(values.find("type")) or "")
    name = plain_name(values.find("name"))
    if match is None or name is None:
        return None
    kinds = match[1].split("/") if match[1] else []
    _, above = split_id(plain_name(values.find("parent_id")) or "")
    own = (*above, name)[-len(kinds) :] if kinds else ()
    return ("/".join(kinds), own) if len(own) == len(kinds) else None
