"""
``context`` and what hangs on it: which C# member reads which attribute of the pipeline's objects.

The pipeline's classes are not known here; an attribute that is missing reads as null.

Source: APIM "Policy expressions", context variable:
https://learn.microsoft.com/azure/api-management/api-management-policy-expressions#ContextVariables.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Protocol

from gateway.expressions import primitives as p
from gateway.expressions.clr import OBJECT, Type
from gateway.expressions.collections import ArrayValue, strings
from gateway.expressions.messages import HeaderMap, HeadersLike, QueryMap
from gateway.expressions.moments import DateTime, TimeSpan, from_python
from gateway.expressions.runtime import TypeSource, classify
from gateway.expressions.signatures import define
from gateway.expressions.types import dates, dictionaries  # noqa: F401  (the tables below name their types)
from gateway.expressions.types.certificates import wrap_certificate
from gateway.expressions.values import EnumValue
from gateway.wire.work import Work


class UrlLike(Protocol):
    """``IUrl``: a URL in parts; *query* without ``?``, *params* decoded."""

    scheme: str
    host: str
    port: int
    path: str
    query: str
    params: dict[str, list[str]]


class MessageLike(Protocol):
    """What ``context.Request`` and ``context.Response`` share."""

    headers: HeadersLike
    body: object


class ContextLike(Protocol):
    """What the pipeline hands in; only the attributes that an expression names are read."""

    request: Any
    response: Any
    variables: dict[str, object]
    api: Any
    operation: Any
    elapsed_s: float
    work: Work  # what is left for the request

    def trace(self, message: str) -> None:
        """One line in the trace."""


def attribute(name: str) -> Callable[[object], Any]:
    """Reads one attribute; null where the object lacks it."""

    def read(owner: object) -> Any:
        return getattr(owner, name, None)

    return read


def moment(name: str) -> Callable[[object], DateTime | None]:
    """Reads a datetime attribute as a DateTime."""

    def read(owner: object) -> DateTime | None:
        value: datetime | None = getattr(owner, name, None)
        return None if value is None else from_python(value)

    return read


def items(name: str) -> Callable[[object], ArrayValue]:
    """Reads a tuple or list attribute as an array."""

    def read(owner: object) -> ArrayValue:
        return ArrayValue(getattr(owner, name, None) or (), OBJECT)

    return read


def _interface(name: str, table: dict[str, object]) -> Type:
    return define(f"Microsoft.Azure.ApiManagement.{name}", table, kind="interface")


def _texts(*names: str) -> dict[str, object]:
    """String properties called as the attributes, in C#'s case."""
    return {f"string {_pascal(name)}": attribute(name) for name in names}


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _flags(*names: str) -> dict[str, object]:
    return {f"bool {_pascal(name)}": lambda owner, name=name: bool(getattr(owner, name, False)) for name in names}


def _headers(owner: object) -> HeaderMap:
    return HeaderMap(owner.headers)  # type: ignore[attr-defined]


def url_text(url: UrlLike) -> str:
    """The whole URL; the port only where it is not the scheme's own."""
    usual = {"http": 80, "https": 443}.get(url.scheme) == url.port or not url.port
    authority = url.host if usual else f"{url.host}:{url.port}"
    return f"{url.scheme}://{authority}{url.path}{_query_string(url)}"


def _query_string(url: UrlLike) -> str:
    return f"?{url.query}" if url.query else ""


def _service_url(api: object) -> object:
    return getattr(api, "service_url", None)


URL = _interface("IUrl", {
    "string Host": attribute("host"),
    "string Path": attribute("path"),
    "string Scheme": attribute("scheme"),
    "string QueryString": _query_string,
    "int Port": attribute("port"),
    "IReadOnlyDictionary<string, string[]> Query": lambda url: QueryMap(url.params),
    "string ToString()": url_text,
    "Uri ToUri()": lambda url: _to_uri(url_text(url)),
})  # fmt: skip


def _to_uri(text: str) -> object:
    from gateway.expressions.types.addresses import UriValue

    return UriValue(text)


AUTHORIZATION = define("Microsoft.Azure.ApiManagement.Authorization", {
    "string AccessToken": attribute("access_token"),
    "IReadOnlyDictionary<string, object> Claims":
        lambda owner: dictionaries.View(owner.claims or {}, (p.STRING, OBJECT)),
})  # fmt: skip
_interface("IGroup", _texts("id", "name"))
_interface("IUserIdentity", {
    "string Id": lambda identity: identity[0] if isinstance(identity, tuple) else identity.id,
    "string Provider": lambda identity: identity[1] if isinstance(identity, tuple) else identity.provider,
})  # fmt: skip
_interface("IPrivateEndpointConnection", _texts("name", "group_id", "member_name"))
REQUEST = _interface("IRequest", {
    "IMessageBody Body": attribute("body"),
    "X509Certificate2 Certificate": lambda request: wrap_certificate(getattr(request, "certificate", None)),
    "IReadOnlyDictionary<string, string[]> Headers": _headers,
    "string IpAddress": attribute("ip_address"),
    "IReadOnlyDictionary<string, string> MatchedParameters": lambda request: _texts_map(request.matched_parameters),
    "string Method": attribute("method"),
    "IUrl OriginalUrl": attribute("original_url"),
    "IUrl Url": attribute("url"),
    "IPrivateEndpointConnection PrivateEndpointConnection": attribute("private_endpoint_connection"),
    "string Id": attribute("id"),
})  # fmt: skip
RESPONSE = _interface("IResponse", {
    "IMessageBody Body": attribute("body"),
    "IReadOnlyDictionary<string, string[]> Headers": _headers,
    "int StatusCode": attribute("status_code"),
    "string StatusReason": attribute("reason"),
})  # fmt: skip
API = _interface("IApi", {
    **_texts("id", "name", "path", "revision", "version", "workspace"),
    **_flags("is_current_revision", "is_revision_current"),
    "IUrl ServiceUrl": _service_url,
    "IEnumerable<string> Protocols": lambda api: strings(getattr(api, "protocols", ())),
    "ISubscriptionKeyParameterNames SubscriptionKeyParameterNames": attribute("subscription_key_parameter_names"),
})  # fmt: skip
_interface("ISubscriptionKeyParameterNames", _texts("header", "query"))
PRODUCT_STATE = define("Microsoft.Azure.ApiManagement.ProductState", kind="enum", parents=("Enum",))
PRODUCT_STATE.definition.values.update({"NotPublished": 0, "Published": 1})
PRODUCT_STATE.definition.default = EnumValue(PRODUCT_STATE, 0)
PRODUCT_STATE.definition.table.update({
    f"const ProductState {name}": EnumValue(PRODUCT_STATE, number)
    for name, number in PRODUCT_STATE.definition.values.items()
})  # fmt: skip


def _product_state(product: object) -> EnumValue:
    name = getattr(product, "state", None) or "Published"
    return EnumValue(PRODUCT_STATE, PRODUCT_STATE.definition.values.get(str(name), 1))


PRODUCT = _interface("IProduct", {
    **_texts("id", "name"),
    **_flags("approval_required", "subscription_required"),
    "IEnumerable<IGroup> Groups": items("groups"),
    "IEnumerable<IApi> Apis": items("apis"),
    "ProductState State": _product_state,
    "int? SubscriptionLimit": attribute("subscriptions_limit"),
    "int? SubscriptionsLimit": attribute("subscriptions_limit"),
})  # fmt: skip
OPERATION = _interface("IOperation", _texts("id", "method", "name", "url_template"))
SUBSCRIPTION = _interface("ISubscription", {
    **_texts("id", "key", "name", "primary_key", "secondary_key"),
    "DateTime CreatedDate": moment("created_date"),
    "DateTime? StartDate": moment("start_date"),
    "DateTime? EndDate": moment("end_date"),
})  # fmt: skip
USER = _interface("IUser", {
    **_texts("id", "email", "first_name", "last_name", "note"),
    "IEnumerable<IGroup> Groups": items("groups"),
    "IEnumerable<IUserIdentity> Identities": items("identities"),
    "DateTime RegistrationDate": moment("registration_date"),
})  # fmt: skip
LAST_ERROR = _interface("ILastError", _texts("source", "reason", "message", "scope", "section", "path", "policy_id"))
_interface("IWorkspace", _texts("id", "name"))
_interface("IBackend", _texts("id", "azure_region", "type"))
_interface("IGateway", {
    "string Id": attribute("gateway_id"),
    "string InstanceId": attribute("instance_id"),
    "bool IsManaged": lambda deployment: getattr(deployment, "gateway_id", None) == "managed",
})  # fmt: skip
_interface("ISustainabilityInfo", {"int CurrentCarbonIntensity": lambda _info: 0})
DEPLOYMENT = _interface("IDeployment", {
    **_texts("gateway_id", "region", "service_id", "service_name"),
    "IGateway Gateway": lambda deployment: deployment,
    "IReadOnlyDictionary<string, X509Certificate2> Certificates": lambda owner: _certificates(owner),
    "ISustainabilityInfo SustainabilityInfo": attribute("sustainability_info"),
})  # fmt: skip
_interface("IGraphQLDataObject", {
    "JToken GraphQLArguments": attribute("arguments"),
    "JToken Parent": attribute("parent"),
})  # fmt: skip


def _texts_map(mapping: dict[str, str]) -> object:
    return dictionaries.Dictionary.of(mapping, p.STRING, p.STRING, ignore_case=True)


def _certificates(deployment: object) -> object:
    found = getattr(deployment, "certificates", None) or {}
    wrapped = {name: wrap_certificate(value) for name, value in found.items()}
    return dictionaries.Dictionary.of(wrapped, p.STRING, OBJECT)


def _elapsed(context: object) -> TimeSpan:
    return TimeSpan.of(timedelta(seconds=getattr(context, "elapsed_s", 0.0)))


def _trace(context: Any, *message: object) -> None:
    from gateway.expressions.formatting.text import text

    context.trace(" ".join(text(each) for each in message))


CONTEXT = _interface("IProxyContext", {
    "IApi Api": attribute("api"),
    "IBackend Backend": attribute("backend"),
    "IDeployment Deployment": attribute("deployment"),
    "TimeSpan Elapsed": _elapsed,
    "IGraphQLDataObject GraphQL": attribute("graphql"),
    "ILastError LastError": attribute("last_error"),
    "IOperation Operation": attribute("operation"),
    "IUser Principal": attribute("principal"),  # undocumented, and null; public policies guard it with ?.
    "IProduct Product": attribute("product"),
    "IRequest Request": attribute("request"),
    "Guid RequestId": attribute("request_id"),
    "IResponse Response": attribute("response"),
    "ISubscription Subscription": attribute("subscription"),
    "DateTime Timestamp": moment("timestamp"),
    "bool Tracing": lambda context: bool(getattr(context, "tracing", False)),
    "IUser User": attribute("user"),
    "Variables Variables": attrgetter("variables"),
    "IWorkspace Workspace": attribute("workspace"),
    "void Trace(object message)": _trace,
    "void Trace(object source, object message)": _trace,
})  # fmt: skip

# A variable may hold a pipeline object of any class; its attributes say what it is.
_SHAPES: tuple[tuple[tuple[str, ...], Type], ...] = (
    (("request", "variables"), CONTEXT),
    (("status_code", "headers"), RESPONSE),
    (("method", "headers"), REQUEST),
    (("scheme", "host", "port", "path", "query"), URL),
    (("access_token", "claims"), AUTHORIZATION),
)


@classify
def _by_shape(value: object) -> TypeSource | None:
    return next((made for names, made in _SHAPES if all(hasattr(value, name) for name in names)), None)
