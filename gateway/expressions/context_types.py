"""
``context`` and the objects below it: which C# member reads which attribute of the pipeline's objects.

Each table names the class that it reads, so mypy checks every row; the pipeline's own context only has to look like
``ContextLike``.

Source: APIM "Policy expressions", context variable:
https://learn.microsoft.com/azure/api-management/api-management-policy-expressions#ContextVariables.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Protocol, TypeAlias, TypeVar

from gateway.backends import BackendInfo
from gateway.expressions import primitives as p
from gateway.expressions.clr import OBJECT, Type
from gateway.expressions.collections import ArrayValue, strings
from gateway.expressions.entities import (
    ApiInfo,
    Authorization,
    DeploymentInfo,
    ErrorFacts,
    GroupInfo,
    IdentityInfo,
    OperationFacts,
    ProductInfo,
    ResolvedField,
    SubscriptionInfo,
    UserInfo,
)
from gateway.expressions.messages import HeaderMap, QueryMap
from gateway.expressions.moments import DateTime, TimeSpan, from_python
from gateway.expressions.runtime import represent
from gateway.expressions.signatures import define
from gateway.expressions.types import dates, dictionaries  # noqa: F401  (the tables below name their types)
from gateway.expressions.types.certificates import wrap_certificate
from gateway.expressions.values import EnumValue
from gateway.wire.messages import Request, Response, Url
from gateway.wire.upstream.way import StoredCertificate
from gateway.wire.work import Work

T = TypeVar("T")
Members: TypeAlias = dict[str, Callable[[T], object]]


class ContextLike(Protocol):
    """The context that the pipeline passes in."""

    request: Request
    response: Response | None
    variables: dict[str, object]
    api: ApiInfo
    product: ProductInfo | None
    subscription: SubscriptionInfo | None
    user: UserInfo | None
    deployment: DeploymentInfo
    resolver: ResolvedField | None

    @property
    def operation(self) -> OperationFacts: ...
    @property
    def last_error(self) -> ErrorFacts | None: ...
    @property
    def backend(self) -> BackendInfo | None: ...
    @property
    def request_id(self) -> uuid.UUID: ...
    @property
    def timestamp(self) -> datetime: ...
    @property
    def elapsed_s(self) -> float: ...
    @property
    def tracing(self) -> bool: ...
    @property
    def work(self) -> Work:
        """What is left for the request."""

    def trace(self, message: str) -> None:
        """One line in the trace."""


def _interface(name: str, table: Mapping[str, object]) -> Type:
    return define(f"Microsoft.Azure.ApiManagement.{name}", table, kind="interface")


def _null(_owner: object) -> None:
    """A member for which the gateway has no value."""


def _moment(value: datetime | None) -> DateTime | None:
    return None if value is None else from_python(value)


def _array(items: tuple[object, ...]) -> ArrayValue:
    return ArrayValue(items, OBJECT)


def url_text(url: Url) -> str:
    """The whole URL; the port only if it is not the scheme's default."""
    usual = {"http": 80, "https": 443}.get(url.scheme) == url.port or not url.port
    authority = url.host if usual else f"{url.host}:{url.port}"
    return f"{url.scheme}://{authority}{url.path}{_query_string(url)}"


def _query_string(url: Url) -> str:
    return f"?{url.query}" if url.query else ""


_URL: Members[Url] = {
    "string Host": lambda url: url.host,
    "string Path": lambda url: url.path,
    "string Scheme": lambda url: url.scheme,
    "string QueryString": _query_string,
    "int Port": lambda url: url.port,
    "IReadOnlyDictionary<string, string[]> Query": lambda url: QueryMap(url.params),
    "string ToString()": url_text,
    "Uri ToUri()": lambda url: _to_uri(url_text(url)),
}
URL = _interface("IUrl", _URL)


def _to_uri(text: str) -> object:
    from gateway.expressions.types.uris import UriValue

    return UriValue(text)


_AUTHORIZATION: Members[Authorization] = {
    "string AccessToken": lambda authorization: authorization.access_token,
    "IReadOnlyDictionary<string, object> Claims":
        lambda authorization: dictionaries.View(authorization.claims, (p.STRING, OBJECT)),
}  # fmt: skip
AUTHORIZATION = define("Microsoft.Azure.ApiManagement.Authorization", _AUTHORIZATION)
_GROUP: Members[GroupInfo] = {"string Id": lambda group: group.id, "string Name": lambda group: group.name}
_interface("IGroup", _GROUP)
_IDENTITY: Members[IdentityInfo] = {
    "string Id": lambda identity: identity.id,
    "string Provider": lambda identity: identity.provider,
}
_interface("IUserIdentity", _IDENTITY)
_REQUEST: Members[Request] = {
    "IMessageBody Body": lambda request: request.body,
    "X509Certificate2 Certificate": lambda request: wrap_certificate(request.certificate),
    "IReadOnlyDictionary<string, string[]> Headers": lambda request: HeaderMap(request.headers),
    "string IpAddress": lambda request: request.ip_address,
    "IReadOnlyDictionary<string, string> MatchedParameters": lambda request: _texts_map(request.matched_parameters),
    "string Method": lambda request: request.method,
    "IUrl OriginalUrl": lambda request: request.original_url,
    "IUrl Url": lambda request: request.url,
    "IPrivateEndpointConnection PrivateEndpointConnection": _null,
    "string Id": _null,
}
REQUEST = _interface("IRequest", _REQUEST)
_RESPONSE: Members[Response] = {
    "IMessageBody Body": lambda response: response.body,
    "IReadOnlyDictionary<string, string[]> Headers": lambda response: HeaderMap(response.headers),
    "int StatusCode": lambda response: response.status_code,
    "string StatusReason": lambda response: response.reason,
}
RESPONSE = _interface("IResponse", _RESPONSE)
_API: Members[ApiInfo] = {
    "string Id": lambda api: api.id,
    "string Name": lambda api: api.name,
    "string Path": lambda api: api.path,
    "string Revision": lambda api: api.revision,
    "string Version": lambda api: api.version,
    "string Workspace": _null,
    "bool IsCurrentRevision": lambda api: api.is_current_revision,
    "bool IsRevisionCurrent": lambda api: api.is_current_revision,
    "IUrl ServiceUrl": lambda api: api.service_url,
    "IEnumerable<string> Protocols": lambda api: strings(api.protocols),
    "ISubscriptionKeyParameterNames SubscriptionKeyParameterNames": _null,
}
API = _interface("IApi", _API)
PRODUCT_STATE = define("Microsoft.Azure.ApiManagement.ProductState", kind="enum", parents=("Enum",))
PRODUCT_STATE.definition.values.update({"NotPublished": 0, "Published": 1})
PRODUCT_STATE.definition.default = EnumValue(PRODUCT_STATE, 0)
PRODUCT_STATE.definition.table.update({
    f"const ProductState {name}": EnumValue(PRODUCT_STATE, number)
    for name, number in PRODUCT_STATE.definition.values.items()
})  # fmt: skip
_PRODUCT: Members[ProductInfo] = {
    "string Id": lambda product: product.id,
    "string Name": lambda product: product.name,
    "bool ApprovalRequired": lambda product: product.approval_required,
    "bool SubscriptionRequired": lambda product: product.subscription_required,
    "IEnumerable<IGroup> Groups": lambda product: _array(product.groups),
    "IEnumerable<IApi> Apis": lambda _product: _array(()),
    "ProductState State":
        lambda product: EnumValue(PRODUCT_STATE, PRODUCT_STATE.definition.values[product.state]),
    "int? SubscriptionLimit": lambda product: product.subscriptions_limit,
    "int? SubscriptionsLimit": lambda product: product.subscriptions_limit,
}  # fmt: skip
PRODUCT = _interface("IProduct", _PRODUCT)
_OPERATION: Members[OperationFacts] = {
    "string Id": lambda operation: operation.id,
    "string Method": lambda operation: operation.method,
    "string Name": lambda operation: operation.name,
    "string UrlTemplate": lambda operation: operation.url_template,
}
OPERATION = _interface("IOperation", _OPERATION)
_SUBSCRIPTION: Members[SubscriptionInfo] = {
    "string Id": lambda subscription: subscription.id,
    "string Key": lambda subscription: subscription.key,
    "string Name": lambda subscription: subscription.name,
    "string PrimaryKey": lambda subscription: subscription.primary_key,
    "string SecondaryKey": lambda subscription: subscription.secondary_key,
    "DateTime CreatedDate": lambda subscription: _moment(subscription.created_date),
    "DateTime? StartDate": lambda subscription: _moment(subscription.start_date),
    "DateTime? EndDate": lambda subscription: _moment(subscription.end_date),
}
SUBSCRIPTION = _interface("ISubscription", _SUBSCRIPTION)
_USER: Members[UserInfo] = {
    "string Id": lambda user: user.id,
    "string Email": lambda user: user.email,
    "string FirstName": lambda user: user.first_name,
    "string LastName": lambda user: user.last_name,
    "string Note": lambda user: user.note,
    "IEnumerable<IGroup> Groups": lambda user: _array(user.groups),
    "IEnumerable<IUserIdentity> Identities": lambda user: _array(user.identities),
    "DateTime RegistrationDate": lambda user: _moment(user.registration_date),
}
USER = _interface("IUser", _USER)
_LAST_ERROR: Members[ErrorFacts] = {
    "string Source": lambda error: error.source,
    "string Reason": lambda error: error.reason,
    "string Message": lambda error: error.message,
    "string Scope": lambda error: error.scope,
    "string Section": lambda error: error.section,
    "string Path": lambda error: error.path,
    "string PolicyId": lambda error: error.policy_id,
}
LAST_ERROR = _interface("ILastError", _LAST_ERROR)
_BACKEND: Members[BackendInfo] = {
    "string Id": lambda backend: backend.id,
    "string AzureRegion": lambda backend: backend.azure_region,
    "string Type": lambda backend: backend.type,
}
_interface("IBackend", _BACKEND)
_GATEWAY: Members[DeploymentInfo] = {
    "string Id": lambda deployment: deployment.gateway_id,
    "string InstanceId": lambda deployment: deployment.instance_id,
    "bool IsManaged": lambda deployment: deployment.gateway_id == "managed",
}
_interface("IGateway", _GATEWAY)
_interface("ISustainabilityInfo", {"int CurrentCarbonIntensity": lambda _info: 0})
_DEPLOYMENT: Members[DeploymentInfo] = {
    "string GatewayId": lambda deployment: deployment.gateway_id,
    "string Region": lambda deployment: deployment.region,
    "string ServiceId": lambda deployment: deployment.service_id,
    "string ServiceName": lambda deployment: deployment.service_name,
    "IGateway Gateway": lambda deployment: deployment,
    "IReadOnlyDictionary<string, X509Certificate2> Certificates":
        lambda deployment: _certificates(deployment.certificates),
    "ISustainabilityInfo SustainabilityInfo": _null,
}  # fmt: skip
DEPLOYMENT = _interface("IDeployment", _DEPLOYMENT)

# Interfaces of things that exist in Azure only: expressions that guard them with ?. compile, and always see null.
for _name, _members in {
    "IPrivateEndpointConnection": ("string Name", "string GroupId", "string MemberName"),
    "ISubscriptionKeyParameterNames": ("string Header", "string Query"),
    "IWorkspace": ("string Id", "string Name"),
}.items():
    _interface(_name, dict.fromkeys(_members, _null))


_RESOLVED: Members[ResolvedField] = {
    "JToken Arguments": lambda resolved: resolved.arguments,
    "JToken GraphQLArguments": lambda resolved: resolved.arguments,
    "JToken Parent": lambda resolved: resolved.parent,
}
_interface("IGraphQLDataObject", _RESOLVED)
_PARENT: Members[ResolvedField] = {
    "JObject AsJObject()": lambda resolved: resolved.parent,
    "JToken AsJToken()": lambda resolved: resolved.parent,
}
_interface("IGraphQLParentResult", _PARENT)  # undocumented but for the examples of set-graphql-resolver


def _texts_map(mapping: dict[str, str]) -> object:
    return dictionaries.Dictionary.of(mapping, p.STRING, p.STRING, ignore_case=True)


def _certificates(certificates: Mapping[str, StoredCertificate]) -> object:
    wrapped = {name: wrap_certificate(certificate) for name, certificate in certificates.items()}
    return dictionaries.Dictionary.of(wrapped, p.STRING, OBJECT)


def _trace(context: ContextLike, *message: object) -> None:
    from gateway.expressions.formatting.text import text

    context.trace(" ".join(text(part) for part in message))


_CONTEXT: Members[ContextLike] = {
    "IApi Api": lambda context: context.api,
    "IBackend Backend": lambda context: context.backend,
    "IDeployment Deployment": lambda context: context.deployment,
    "TimeSpan Elapsed": lambda context: TimeSpan.of(timedelta(seconds=context.elapsed_s)),
    "IGraphQLDataObject GraphQL": lambda context: context.resolver,
    "ILastError LastError": lambda context: context.last_error,
    "IOperation Operation": lambda context: context.operation,
    "IGraphQLParentResult ParentResult": lambda context: context.resolver,
    "IUser Principal": _null,  # undocumented, and null; public policies guard it with ?.
    "IProduct Product": lambda context: context.product,
    "IRequest Request": lambda context: context.request,
    "Guid RequestId": lambda context: context.request_id,
    "IResponse Response": lambda context: context.response,
    "ISubscription Subscription": lambda context: context.subscription,
    "DateTime Timestamp": lambda context: from_python(context.timestamp),
    "bool Tracing": lambda context: context.tracing,
    "IUser User": lambda context: context.user,
    "Variables Variables": attrgetter("variables"),  # implemented in C, because nothing is read as often
    "IWorkspace Workspace": _null,
    "void Trace(object message)": _trace,
    "void Trace(object source, object message)": _trace,
}
CONTEXT = _interface("IProxyContext", _CONTEXT)

represent(Request, REQUEST)
represent(Response, RESPONSE)
represent(Url, URL)
represent(Authorization, AUTHORIZATION)
