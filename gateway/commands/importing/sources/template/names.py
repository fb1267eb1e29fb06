"""
Types and names of resources: ``Microsoft.ApiManagement/service/apis`` and ``contoso/orders`` → ``apis``, ``orders``.

Source: "Child resources in ARM templates"; "Microsoft.ApiManagement resource types".
"""

from __future__ import annotations

from dataclasses import replace

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.template import values
from gateway.errors import Location
from gateway.reading.yaml_nodes import Scalar

SERVICE = "microsoft.apimanagement/service"
_SEGMENTS = {
    name.lower(): name
    for name in """
        apis apiVersionSets authorizationServers backends cache caches certificates diagnostics documentations
        emailTemplates gateways groups identityProviders loggers namedValues notifications openidConnectProviders
        operations policies policyFragments portalconfigs portalrevisions portalsettings products properties
        releases resolvers schemas subscriptions tags tagDescriptions templates users wikis workspaces
        apiLinks groupLinks operationLinks productLinks authorizationProviders authorizations accessPolicies
        certificateAuthorities hostnameConfigurations attachments comments issues recipientEmails recipientUsers
        clientApplications privateEndpointConnections policyRestrictions tools
    """.split()
}


def without_version(kind: str) -> str:
    """A type of Bicep without ``@version``."""
    return kind.partition("@")[0]


def below(parent: str, kind: str) -> str:
    """The whole type of a child declared inside *parent*: its own may be relative."""
    return kind if "." in kind.partition("/")[0] else f"{parent}/{kind}"


def kind_in_service(kind: str) -> str | None:
    """*kind* below the service in its usual spelling, empty for the service; None for another kind of resource."""
    lower = kind.lower()
    if lower != SERVICE and not lower.startswith(f"{SERVICE}/"):
        return None
    return "/".join(_SEGMENTS.get(step, step) for step in lower[len(SERVICE) + 1 :].split("/") if step)


def segments_of(name: Scalar) -> tuple[Scalar, ...]:
    """The parts of a resource's name, between slashes."""
    return tuple(values.split(name, "/"))


def whole_name(name: Scalar, kind: str, parent: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    """The parts of the name of a resource of the type *kind* that is declared inside *parent* (or under none)."""
    own = segments_of(name)
    wanted = kind.count("/")
    return own if len(own) == wanted or not parent else (*parent, *own)


def unnamed(location: Location) -> Scalar:
    """What stands for a name that is missing."""
    return Unresolved("{name}", location, names=("name",))


def without_service(id: Unresolved) -> Scalar:
    """
    An id of something in the service as the service itself accepts it: ``/apis/orders``, often without unknowns.

    What stands before the whole id goes, too (``/products/`` and the product's id); a URL is none.
    """
    head, service, rest = id.value.rpartition("/providers/Microsoft.ApiManagement/service/")
    if not service or not head.startswith("/"):
        return id
    tail = values.split(replace(id, value=rest), "/")[1:]
    return values.joined([part for segment in tail for part in (Scalar("/", id.location), segment)], id.location)
