"""APIs, operations, products, subscriptions, users and groups: what APIM keeps in its control plane."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import PrivateAttr, model_validator

from gateway.data_plane.mcp.settings import McpSettings, ProtectedResource
from gateway.errors import Location
from gateway.graphql.settings import GraphQLSettings
from gateway.reading.settings import Block, mistake
from gateway.reading.values import BaseUrl, Count, File, Id, Secret, Status, TextForm
from gateway.soap.settings import SoapSettings
from gateway.wire.grpc.settings import GrpcSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.odata.metadata import ServiceModel
    from gateway.openapi import OperationDefinition
    from gateway.soap.wsdl import SoapOperation


class Version(Block):
    """How callers name the version of an API."""

    scheme: Literal["path", "header", "query"]
    """Where the version is found: first segment below the API's path, a header field, a query parameter."""
    value: str
    """The version: `v1`."""
    name: str | None = None
    """Name of the header field or query parameter; not with `path`."""

    @model_validator(mode="after")
    def _name_fits(self) -> Version:
        if (self.scheme == "path") == (self.name is not None):
            message = "name is for the schemes header and query, and needed there"
            raise mistake("one-of", message, "add or remove name")
        return self


class SubscriptionKeyNames(Block):
    """Where a subscription key is read."""

    header: str = "Ocp-Apim-Subscription-Key"
    """Header field; read first."""
    query: str = "subscription-key"
    """Query parameter; read when the header is absent."""


class Example(Block):
    """An example of a response, for mock-response."""

    content_type: str = "application/json"
    """Media type."""
    body: str | None = None
    """The body. Give this or *file*."""
    file: File | None = None
    """File with the body."""

    @model_validator(mode="after")
    def _one_body(self) -> Example:
        if self.body is not None and self.file is not None:
            raise mistake("one-of", "an example has either body or file", "remove one of them")
        return self


class ResponseExamples(Block):
    """Examples of the responses with one status."""

    status: Status = 200
    """HTTP status."""
    examples: tuple[Example, ...] = ()
    """In the order in which mock-response considers them."""


class Operation(Block):
    """One operation of an API."""

    id: Id
    """Unique within the API. With *openapi*: an operationId of the definition, or an operation of one's own."""
    name: str | None = None
    """Display name. None: the definition's, or else the id."""
    method: Annotated[str, TextForm(r"^([A-Z]+|\*)$", "a method in capital letters", "write GET, or * for all")] = ""
    """`GET`, `POST`, …; `*` is every method, which APIM does not have. Needed unless the definition has it."""
    url_template: Annotated[str, TextForm(r"^/.*$", "a path that begins with a slash", "write /jobs/{id}")] = ""
    """Below the API's path: `/jobs/{id}`, `/{*rest}`, `/add?a={a}`. Needed unless the definition has it."""
    policy: File | None = None
    """Policy document of this operation, XML or YAML."""
    responses: tuple[ResponseExamples, ...] = ()
    """Examples for mock-response; they take precedence over those of the definition."""

    _definition: OperationDefinition | None = PrivateAttr(None)
    _location: Location | None = PrivateAttr(None)

    @property
    def definition(self) -> OperationDefinition | None:
        """The API's definition of this operation."""
        return self._definition

    @property
    def location(self) -> Location | None:
        """Where it is written, for an API that has a definition."""
        return self._location

    def defined(self, definition: OperationDefinition | None, location: Location) -> Operation:
        """This operation, completed by *definition*, at *location*."""
        facts = {"method": definition.method, "url_template": definition.url_template} if definition else {}
        completed = self.model_copy(update=facts)
        completed._definition, completed._location = definition, location
        return completed

    def at(self, location: Location) -> Operation:
        """This operation, at *location*."""
        placed = self.model_copy()
        placed._location = location
        return placed


class Api(Block):
    """One API: a URL prefix, a backend, a policy."""

    id: Id
    """Unique."""
    name: str | None = None
    """Display name. None: the id."""
    type: Literal["http", "grpc", "graphql", "mcp", "odata", "soap"] = "http"
    """`grpc`: its requests are gRPC calls, so that no policy may read or replace bodies. `graphql`: it has one
    endpoint, at its path, whose requests are read and bounded. `mcp`: it is an MCP server, made of operations or passed
    through; see *mcp*. `odata`: its operations are told apart by what their paths begin with, see *metadata*. `soap`:
    by action and body, see *wsdl*."""
    path: str = ""
    """URL prefix, whole segments; empty takes what no other API claims."""
    backend: Id | None = None
    """Id of the backend. Give this or *service-url*, or neither when a policy always chooses."""
    service_url: BaseUrl | None = None
    """Base URL of the backend."""
    policy: File | None = None
    """Policy document of this API, XML or YAML."""
    openapi: File | None = None
    """Definition of the API: OpenAPI 3.0 or 3.1, or Swagger 2.0, in YAML or JSON. Its operations are the API's."""
    wsdl: File | None = None
    """Description of a SOAP service, WSDL 1.1. Its operations are the API's."""
    soap: SoapSettings | None = None
    """Which part of the WSDL is published, and how large messages may be."""
    metadata: File | None = None
    """Metadata of an OData 4 service, in XML. Its entity sets, singletons, functions and actions are the API's
    operations."""
    translate_required_query_parameters: Literal["template", "query"] = "template"
    """Whether required query parameters of the definition become part of the URL template; without them: 404."""
    operations: tuple[Operation, ...] = ()
    """With *openapi*: policies for its operations, and more of them. Neither given: every method and path passes."""
    protocols: tuple[Literal["http", "https", "ws", "wss"], ...] = ("http", "https")
    """The value of `context.Api.Protocols`."""
    version: Version | None = None
    """Version of this API; several APIs may share a path when their versions differ."""
    revision: str = "1"
    """Revision; one that is not current is addressed by `;rev=N` after the prefix."""
    current: bool = True
    """Whether this is the current revision."""
    grpc: GrpcSettings | None = None
    """How gRPC calls pass. With *type* `http` it says that there are some; without it, requests that call themselves
    gRPC are like any other."""
    mcp: McpSettings | None = None
    """Of an API of type `mcp`: its tools, and how messages pass."""
    protected_resource: ProtectedResource | None = None
    """OAuth for clients that find it out themselves, as MCP's do: metadata at
    `/.well-known/oauth-protected-resource/PATH`, which refusals with 401 point to. None: neither."""
    graphql: GraphQLSettings | None = None
    """Schema and bounds; needed with *type* `graphql`, and only there."""
    path_escapes: tuple[Literal["%2F", "%25", "//"], ...] = ()
    """Allowed in paths, which are refused with it otherwise: servers disagree whether `%2F` is a slash, `%25` begins
    another escape, and `//` is `/`. Policies and URL templates see it as it was written."""
    subscription_required: bool = False
    """Whether a request needs a subscription key. APIM's own default is true."""
    subscription_key: SubscriptionKeyNames = SubscriptionKeyNames()
    """Where the key is read."""
    products: tuple[Id, ...] = ()
    """Products that contain this API, besides those that list it themselves."""

    _described: Mapping[str, Any] = PrivateAttr({})

    @property
    def soap_operations(self) -> tuple[SoapOperation, ...]:
        """The operations of the WSDL."""
        operations: tuple[SoapOperation, ...] = self._described.get("soap", ())
        return operations

    @property
    def model(self) -> ServiceModel | None:
        """The model in the metadata."""
        return self._described.get("odata")

    @property
    def described_names(self) -> Mapping[str, str]:
        """What the WSDL or the metadata calls the operations, by id."""
        names: Mapping[str, str] = self._described.get("names", {})
        return names

    def describes(self, described: Mapping[str, Any]) -> Api:
        """This API with what its WSDL or metadata says."""
        completed = self.model_copy()
        completed._described = described
        return completed

    @model_validator(mode="after")
    def _one_description(self) -> Api:
        needed = {"soap": ("wsdl", self.wsdl), "odata": ("metadata", self.metadata)}
        for kind, (key, file) in needed.items():
            if (self.type == kind) != (file is not None):
                raise mistake("one-of", f"{key} and type {kind} belong together", "write both, or neither")
        if self.openapi is not None and self.type in needed:
            raise mistake("one-of", f"an API of type {self.type} has no openapi", "remove openapi")
        if self.soap is not None and self.type != "soap":
            raise mistake("one-of", "soap is for APIs of type soap", "remove it")
        return self

    @model_validator(mode="after")
    def _one_backend(self) -> Api:
        if self.backend is not None and self.service_url is not None:
            raise mistake("one-of", "an API has either backend or service-url", "remove one of them")
        return self

    @model_validator(mode="after")
    def _mcp_fits(self) -> Api:
        if self.type == "mcp":
            return self._as_mcp()
        if self.mcp is not None:
            raise mistake("one-of", "mcp is for APIs of type mcp", "write type: mcp", at="mcp")
        return self

    def _as_mcp(self) -> Api:
        if self.openapi or self.operations:
            raise mistake("one-of", "an API of type mcp has tools, not operations", "list them under mcp.tools")
        if self.mcp is not None and self.mcp.tools and (self.backend or self.service_url):
            raise mistake("one-of", "an MCP server made of operations has no backend of its own", "remove one of them")
        return self

    @model_validator(mode="after")
    def _graphql_is_whole(self) -> Api:
        if (self.type == "graphql") != (self.graphql is not None):
            raise mistake("one-of", "graphql is for APIs of type graphql, and needed there", "add or remove graphql")
        if self.type == "graphql" and (self.operations or self.openapi or self.grpc):
            message = "an API of type graphql has one endpoint, and neither operations, openapi nor grpc"
            raise mistake("one-of", message, "remove them")
        return self


class Product(Block):
    """A product: APIs that are subscribed to together."""

    id: Id
    """Unique."""
    name: str | None = None
    """Display name. None: the id."""
    apis: tuple[Id, ...] = ()
    """Ids of its APIs."""
    policy: File | None = None
    """Policy document of this product, XML or YAML."""
    subscription_required: bool = True
    """Whether its APIs need a key; an open product accepts requests without one."""
    approval_required: bool = False
    """The value of `context.Product.ApprovalRequired`."""
    subscriptions_limit: Count | None = None
    """The value of `context.Product.SubscriptionsLimit`."""
    state: Literal["published", "not-published"] = "published"
    """The value of `context.Product.State`; it has no other effect."""
    groups: tuple[Id, ...] = ()
    """Ids of the groups that may see it: `context.Product.Groups`."""


class Subscription(Block):
    """A pair of keys and what they give access to."""

    id: Id
    """Unique."""
    name: str | None = None
    """Display name. None: the id."""
    scope: Annotated[
        str,
        TextForm(
            r"^/(apis|apis/[^/]+|products/[^/]+)$",
            "the path of a product or an API",
            "write /products/ID, /apis/ID, or /apis for every API",
        ),
    ]
    """`/products/ID`, `/apis/ID`, or `/apis` for all of them."""
    primary_key: Secret
    """The key, or `sha256:` and the hexadecimal SHA-256 of it."""
    secondary_key: Secret | None = None
    """A second key, so that keys can be changed one after the other."""
    state: Literal["active", "suspended", "expired", "submitted", "rejected", "cancelled"] = "active"
    """Only an active subscription gives access."""
    user: Id | None = None
    """Id of the user who owns it: `context.User`."""
    all_access: bool = False
    """A key for operators: gives access to everything, and allows traces."""
    created_date: datetime | None = None
    """`context.Subscription.CreatedDate`."""
    start_date: datetime | None = None
    """`context.Subscription.StartDate`; it has no effect, only the state has."""
    end_date: datetime | None = None
    """`context.Subscription.EndDate`; it has no effect, only the state has."""


class Group(Block):
    """A group of users."""

    id: Id
    """Unique."""
    name: str | None = None
    """Display name. None: the id."""


class Identity(Block):
    """A user's identity at an identity provider."""

    id: str
    """The user's id there."""
    provider: str
    """Name of the identity provider."""


class User(Block):
    """An owner of subscriptions: `context.User`."""

    id: Id
    """Unique."""
    email: str = ""
    """E-mail address."""
    first_name: str = ""
    """First name."""
    last_name: str = ""
    """Last name."""
    note: str = ""
    """A remark."""
    registration_date: datetime | None = None
    """When the user was registered."""
    groups: tuple[Id, ...] = ()
    """Ids of the user's groups."""
    identities: tuple[Identity, ...] = ()
    """The user's identities at identity providers."""


def named(entity: Any) -> str:
    """The entity's name for people; its id where it has none."""
    return str(entity.name or entity.id)
