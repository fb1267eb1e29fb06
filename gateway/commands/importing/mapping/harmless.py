"""
What of an instance has no effect on traffic, and which kinds of resources the gateway does not have at all.

Source: "Microsoft.ApiManagement resource types" in Azure's template reference.
"""

from __future__ import annotations

from typing import NamedTuple

# Properties of every kind: they describe, or say what the service itself has found out.
_EVERYWHERE = frozenset(
    """
    description displayname title provisioningstate id name type metadata createddate createdat lastmodified isonline
    tags tagids systemdata etag
    """.split()
)

# Properties of single kinds, as ``kind: path``.
_SINGLE = frozenset(
    f"{kind}:{path}"
    for kind, paths in {
        "apis": """apirevisiondescription apiversiondescription contact license termsofserviceurl authenticationsettings
            wsdlselector translaterequiredqueryparameters provisioningstate""",
        "apis/operations": """templateparameters responses.description responses.headers
            responses.representations.schemaid responses.representations.typename
            responses.representations.generatedsample responses.representations.sample
            responses.representations.formparameters responses.representations.examples.default.summary policies""",
        "": """sku location zones identity publisheremail publishername notificationsenderemail gatewayurl
            gatewayregionalurl portalurl managementapiurl scmurl developerportalurl targetprovisioningstate createdatutc
            publicipaddresses privateipaddresses publicipaddressid publicnetworkaccess virtualnetworktype
            virtualnetworkconfiguration
            additionallocations natgatewaystate outboundpublicipaddresses apiversionconstraint platformversion
            developerportalstatus legacyportalstatus configurationapi restore disablegateway privateendpointconnections
            releasechannel""",
        "products": "terms",
        "namedValues": "keyvault.laststatus keyvault.secretidentifier keyvault.identityclientid tags",
        "backends": "resourceid azureregion properties",
        "subscriptions": "startdate enddate expirationdate notificationdate statecomment allowtracing",
        "certificates": "expirationdate subject thumbprint keyvault.laststatus",
        "loggers": "isbuffered resourceid",
        "groups": "builtin type externalid",
        "users": "confirmation apptype state password",
        "caches": "resourceid",
    }.items()
    for path in paths.split()
)


def is_harmless(kind: str, path: str) -> bool:
    """Whether the property at *path* of a resource of *kind* has no effect on traffic."""
    folded = path.casefold()
    return folded in _EVERYWHERE or f"{kind}:{folded}" in _SINGLE


class Reason(NamedTuple):
    """Why a kind of resources is left out."""

    message: str
    remedy: str = ""
    harmless: bool = True


_PORTAL = Reason("it is about the developer portal, which the gateway does not have")
_TELEMETRY = Reason("logs and metrics are set up in the gateway's own configuration (logging, /metrics)")
_ADMINISTRATION = Reason("it is about the administration of the instance")
_SELF_HOSTED = Reason("which self-hosted gateway has which API: this gateway has those that config.yaml lists")

_ORPHAN = Reason("what it belongs to is not in the source", "import it together with that", harmless=False)

KINDS: dict[str, Reason] = {
    "tags": _PORTAL,
    "apis/tags": _PORTAL,
    "apis/operations/tags": _PORTAL,
    "products/tags": _PORTAL,
    "products/groups": Reason("the product that it belongs to is not in the source"),
    "products/groupLinks": Reason("the product that it belongs to is not in the source"),
    "apis/products": Reason("what products an API is in is taken from the products"),
    "tags/apiLinks": _PORTAL,
    "tags/operationLinks": _PORTAL,
    "tags/productLinks": _PORTAL,
    "apis/tagDescriptions": _PORTAL,
    "apis/issues": _PORTAL,
    "apis/issues/comments": _PORTAL,
    "apis/issues/attachments": _PORTAL,
    "apis/wikis": _PORTAL,
    "products/wikis": _PORTAL,
    "apis/releases": Reason("the notes of a release; which revision is current is taken from the revisions"),
    "portalsettings": _PORTAL,
    "portalRevisions": _PORTAL,
    "portalconfigs": _PORTAL,
    "templates": _PORTAL,
    "identityProviders": _PORTAL,
    "openidConnectProviders": Reason("the test console's sign-in: validate-jwt does not use it"),
    "authorizationServers": Reason("the test console's sign-in: validate-jwt does not use it"),
    "notifications": _ADMINISTRATION,
    "notifications/recipientEmails": _ADMINISTRATION,
    "notifications/recipientUsers": _ADMINISTRATION,
    "settings": _ADMINISTRATION,
    "tenant": _ADMINISTRATION,
    "privateEndpointConnections": _ADMINISTRATION,
    "policyRestrictions": _ADMINISTRATION,
    "documentations": _PORTAL,
    "contentTypes": _PORTAL,
    "contentTypes/contentItems": _PORTAL,
    "workspaces": Reason("its contents are taken over one by one"),
    "workspaceLinks": _ADMINISTRATION,
    "diagnostics": _TELEMETRY,
    "diagnostics/loggers": _TELEMETRY,
    "apis/diagnostics": _TELEMETRY,
    "apis/diagnostics/loggers": _TELEMETRY,
    "gateways": _SELF_HOSTED,
    "gateways/apis": _SELF_HOSTED,
    "gateways/certificateAuthorities": _SELF_HOSTED,
    "gateways/hostnameConfigurations": Reason(
        "host names of a self-hosted gateway", "set listen and tls in config.yaml", harmless=False
    ),
    "apis/resolvers": _ORPHAN,
    "apis/resolvers/policies": _ORPHAN,
    "authorizationProviders": Reason(
        "the credential manager is part of Azure", "fetch the token with send-request", harmless=False
    ),
    "authorizationProviders/authorizations": Reason("the credential manager is part of Azure", harmless=False),
    "authorizationProviders/authorizations/accessPolicies": Reason(
        "the credential manager is part of Azure", harmless=False
    ),
    "clientApplications": Reason("applications with tokens of their own are not known here", harmless=False),
    "apis/policies": _ORPHAN,
    "apis/operations": _ORPHAN,
    "apis/operations/policies": _ORPHAN,
    "products/apis": _ORPHAN,
    "products/apiLinks": _ORPHAN,
    "products/policies": _ORPHAN,
    "apis/schemas": Reason("the types of an API's operations are read from its definition"),
}
UNKNOWN = Reason("the gateway has nothing of this kind", harmless=False)

# What to do about properties that the gateway has under another name, as ``kind: path``.
REMEDIES = {
    ":hostnameconfigurations": "set listen and tls in config.yaml",
    ":enableclientcertificate": "set tls/client-ca in config.yaml",
    ":customproperties": "protocols and ciphers of TLS are those of the gateway's OpenSSL",
    ":certificates": "set a backend's tls/ca-file in config.yaml",
}
