"""
Arguments of Terraform's resources as properties of ARM.

An argument has the same name there in camel case, unless a shape says otherwise.

Source: the documentation of Terraform's provider azurerm, and Azure's template reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.terraform.identities import PREFIX, identity_of
from gateway.commands.importing.sources.terraform.values import Deployed, flag_node, is_null, mapping_of, text_node
from gateway.errors import Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

Entries = dict[str, YamlNode]
Finish = Callable[[Entries, Mapping], Entries]


@dataclass(frozen=True, slots=True)
class Shape:
    """
    How the arguments of a block are called.

    Attributes:
        names: Other names; an empty one leaves the argument out, because the resource's name has it.
        blocks: For each inner block its name, its shape, and whether there may be many.
        finish: What is done with the properties at the end; it also gets the arguments.
    """

    names: dict[str, str] = field(default_factory=dict)
    blocks: dict[str, InnerShape] = field(default_factory=dict)
    finish: Finish | None = None


@dataclass(frozen=True, slots=True)
class InnerShape:
    """The shape of an inner block; without *name*, its properties belong to the outer one."""

    name: str
    shape: Shape = field(default_factory=Shape)
    many: bool = False


def translated(values: Mapping, shape: Shape) -> Mapping:
    """The properties for the arguments *values*."""
    entries: Entries = {}
    for key, node in values.entries:
        entries.update(_property(key, node, shape))
    if shape.finish is not None:
        entries = shape.finish(entries, values)
    return mapping_of(entries.items(), values.location)


def _property(key: Scalar, node: YamlNode, shape: Shape) -> Entries:
    inner = shape.blocks.get(key.value)
    if is_null(node) or shape.names.get(key.value) == "":
        return {}
    if inner is not None and not isinstance(node, Scalar):
        return _inner(node, inner, key.location)
    return {shape.names.get(key.value) or camel(key.value): _plain_block(node)}


def _inner(node: YamlNode, inner: InnerShape, location: Location) -> Entries:
    blocks = [translated(item, inner.shape) for item in _mappings(node)]
    if inner.many:
        return {inner.name: Sequence(tuple(blocks), location)}
    first = blocks[0] if blocks else Mapping((), location)
    return {inner.name: first} if inner.name else {key.value: value for key, value in first.entries}


def _mappings(node: YamlNode) -> Iterator[Mapping]:
    for item in node.items if isinstance(node, Sequence) else (node,):
        if isinstance(item, Mapping):
            yield item


def _plain_block(node: YamlNode) -> YamlNode:
    """Blocks without a shape: one is a mapping, several are a list; their names are camel case."""
    if not isinstance(node, Sequence) or not node.items:
        return node
    blocks = [item for item in node.items if isinstance(item, Deployed)]
    if len(blocks) < len(node.items):
        return node  # a list that somebody has written as one
    properties = [translated(block, Shape()) for block in blocks]
    return properties[0] if len(properties) == 1 else Sequence(tuple(properties), node.location)


def camel(name: str) -> str:
    """``service_url`` → ``serviceUrl``."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def moved(entries: Entries, under: str, **names: str) -> Entries:
    """*entries* with those of *names* inside a mapping *under*, under their new names."""
    inside = {new: entries[old] for old, new in names.items() if old in entries}
    kept = {key: value for key, value in entries.items() if key not in names}
    if not inside:
        return kept
    first = next(iter(inside.values()))
    return {**kept, under: mapping_of(inside.items(), first.location)}


# -- policies
def _policy(entries: Entries, values: Mapping) -> Entries:
    link, content = values.find("xml_link"), values.find("xml_content")
    if content is not None and not is_null(content):
        return {"format": text_node("rawxml", content.location), "value": content}
    if link is None or is_null(link):
        return {}
    return {"format": text_node("rawxml-link", link.location), "value": link}


def _fragment(entries: Entries, values: Mapping) -> Entries:
    return {"format": text_node("xml", values.location), **entries}


# -- APIs and operations
def _api(entries: Entries, values: Mapping) -> Entries:
    return {"subscriptionRequired": flag_node(True, values.location), **entries}


def _soap(entries: Entries, values: Mapping) -> Entries:
    through = values.find("soap_pass_through")
    entries.pop("soapPassThrough", None)
    if isinstance(through, Scalar) and through.value == "true":
        entries["type"] = text_node("soap", through.location)
    return _api(entries, values)


def _examples(entries: Entries, values: Mapping) -> Entries:
    examples = entries.get("examples")
    if isinstance(examples, Sequence):
        named = {str(number): item for number, item in enumerate(examples.items)}
        entries["examples"] = mapping_of(
            ((_example_name(item, key), _without(item, "name")) for key, item in named.items()), examples.location
        )
    return entries


def _example_name(item: YamlNode, default: str) -> str:
    name = item.find("name") if isinstance(item, Mapping) else None
    return name.value if isinstance(name, Scalar) and name.value else default


def _without(item: YamlNode, name: str) -> YamlNode:
    if not isinstance(item, Mapping):
        return item
    return Mapping(tuple(entry for entry in item.entries if entry[0].value != name), item.location)


_PARAMETER = Shape(blocks={"example": InnerShape("examples", many=True)}, finish=_examples)
_REPRESENTATION = Shape(
    blocks={
        "example": InnerShape("examples", many=True),
        "form_parameter": InnerShape("formParameters", _PARAMETER, True),
    },
    finish=_examples,
)
_REQUEST = Shape(
    blocks={
        "header": InnerShape("headers", _PARAMETER, True),
        "query_parameter": InnerShape("queryParameters", _PARAMETER, True),
        "representation": InnerShape("representations", _REPRESENTATION, True),
    }
)
_OPERATION = Shape(
    {},
    {
        "request": InnerShape("request", _REQUEST),
        "response": InnerShape("responses", _REQUEST, True),
        "template_parameter": InnerShape("templateParameters", _PARAMETER, True),
    },
)
_API = Shape(
    {
        "revision": "apiRevision",
        "revision_description": "apiRevisionDescription",
        "version": "apiVersion",
        "version_description": "apiVersionDescription",
        "version_set_id": "apiVersionSetId",
        "api_type": "type",
    },
    {
        "import": InnerShape(
            "",
            Shape(
                {"content_format": "format", "content_value": "value"},
                {
                    "wsdl_selector": InnerShape(
                        "wsdlSelector", Shape({"service_name": "wsdlServiceName", "endpoint_name": "wsdlEndpointName"})
                    )
                },
            ),
        ),
        "subscription_key_parameter_names": InnerShape("subscriptionKeyParameterNames"),
        "oauth2_authorization": InnerShape("authenticationSettings"),
        "openid_authentication": InnerShape("authenticationSettings"),
    },
    _soap,
)


# -- backends
def _header_values(entries: Entries, values: Mapping) -> Entries:
    for name in ("header", "query"):
        node = entries.get(name)
        if isinstance(node, Mapping):
            entries[name] = mapping_of(((key.value, _listed(value)) for key, value in node.entries), node.location)
    return entries


def _listed(node: YamlNode) -> YamlNode:
    """Terraform has several values of a field in one text, with commas; ARM has a list."""
    if not isinstance(node, Scalar):
        return node
    if isinstance(node, Unresolved):
        return Sequence((node,), node.location)
    parts = [part for part in node.value.split(",") if part]
    return Sequence(tuple(text_node(part, node.location) for part in parts), node.location)


def _breaker(entries: Entries, values: Mapping) -> Entries:
    rules = entries.pop("circuitBreakerRules", None)
    if rules is not None:
        entries["circuitBreaker"] = mapping_of([("rules", rules)], rules.location)
    if "pool" in entries:
        entries["type"] = text_node("Pool", entries["pool"].location)
    return entries


_FAILURES = Shape({"interval_duration": "interval"}, {"status_code_range": InnerShape("statusCodeRanges", many=True)})
_BACKEND = Shape(
    {},
    {
        "credentials": InnerShape(
            "credentials",
            Shape({}, {"authorization": InnerShape("authorization")}, _header_values),
        ),
        "tls": InnerShape("tls"),
        "proxy": InnerShape("proxy"),
        "pool": InnerShape("pool", Shape({}, {"service": InnerShape("services", many=True)})),
        "circuit_breaker_rule": InnerShape(
            "circuitBreakerRules",
            Shape(
                {"accept_retry_after_enabled": "acceptRetryAfter"},
                {"failure_condition": InnerShape("failureCondition", _FAILURES)},
            ),
            True,
        ),
        "service_fabric_cluster": InnerShape("properties"),
    },
    _breaker,
)


# -- the others
_VAULT = Shape({"secret_id": "secretIdentifier"})


def _vault_of_certificate(entries: Entries, values: Mapping) -> Entries:
    return moved(entries, "keyVault", keyVaultSecretId="secretIdentifier", keyVaultIdentityClientId="identityClientId")


def _product(entries: Entries, values: Mapping) -> Entries:
    published = entries.pop("published", None)
    if isinstance(published, Unresolved):
        entries["state"] = published
    elif isinstance(published, Scalar):
        state = "published" if published.value == "true" else "notPublished"
        entries["state"] = text_node(state, published.location)
    return {"subscriptionRequired": flag_node(True, values.location), **entries}


def _subscription(entries: Entries, values: Mapping) -> Entries:
    """The scope: a product, an API, or all APIs."""
    targets = (values.find("product_id"), values.find("api_id"))
    target = next((node for node in targets if isinstance(node, Scalar) and not node.null), None)
    scope: YamlNode = text_node("/apis", values.location) if target is None else target
    if isinstance(target, Scalar) and not isinstance(target, Unresolved):
        scope = text_node(re.sub(r";rev=[^/]*$", "", target.value), target.location)
    return {**entries, "scope": scope}


def _logger(entries: Entries, values: Mapping) -> Entries:
    insights = entries.pop("applicationInsights", None)
    hub = entries.pop("eventhub", None)
    for kind, credentials in (("applicationInsights", insights), ("azureEventHub", hub)):
        if credentials is not None:
            entries["loggerType"] = text_node(kind, credentials.location)
            entries["credentials"] = credentials
    return entries


_HUB = Shape({"endpoint_uri": "endpointAddress", "user_assigned_identity_client_id": "identityClientId"})
_POLICY = Shape(finish=_policy)
_NAMED_VALUE = Shape({}, {"value_from_key_vault": InnerShape("keyVault", _VAULT)})

# The types without their prefix; all others have their arguments in camel case.
SHAPES: dict[str, Shape] = {
    "api": _API,
    "api_operation": _OPERATION,
    "api_operation_policy": _POLICY,
    "api_policy": _POLICY,
    "api_release": Shape({"api_id": "apiId"}),
    "backend": _BACKEND,
    "certificate": Shape(finish=_vault_of_certificate),
    "logger": Shape(
        {"buffered": "isBuffered"},
        {"application_insights": InnerShape("applicationInsights"), "eventhub": InnerShape("eventhub", _HUB)},
        _logger,
    ),
    "named_value": _NAMED_VALUE,
    "policy": _POLICY,
    "policy_fragment": Shape(finish=_fragment),
    "product": Shape(finish=_product),
    "product_policy": _POLICY,
    "property": _NAMED_VALUE,
    "redis_cache": Shape({"cache_location": "useFromLocation", "redis_cache_id": "resourceId"}),
    "subscription": Shape({"product_id": "", "api_id": "", "user_id": "ownerId"}, {}, _subscription),
}

# What says where a resource is, or what the provider has made up: it is no property.
PLACES = dict.fromkeys(
    (
        "id",
        "api_management_name",
        "resource_group_name",
        "api_management_id",
        "api_management_workspace_id",
        "provider",
    ),
    "",
)


# Of the service itself, what Azure needs to place and bill it.
_SERVICE = Shape(
    dict.fromkeys(
        ("name", "location", "sku_name", "publisher_name", "publisher_email", "tags", "identity", "policy"), ""
    )
)


def shape_of(kind: str) -> Shape:
    """The shape of a type; what the resource's name is made of is no property."""
    short = kind.removeprefix(f"{PREFIX}_").removeprefix("workspace_")
    own = _SERVICE if kind == PREFIX else SHAPES.get(short, Shape())
    identity = identity_of(kind)
    named = [rule.partition(":")[0] for rule in identity.segments] if identity else []
    return Shape({**PLACES, **dict.fromkeys(named, ""), **own.names}, own.blocks, own.finish)
