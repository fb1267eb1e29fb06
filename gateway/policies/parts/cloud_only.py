"""
Policies that need an Azure service: known by name, and refused with the reason.

A rule that silently does not run would be worse than a document that does not load.

Source: docs/differences.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.shape import Element
from gateway.pipeline.policy import ANYWHERE, PolicyType

if TYPE_CHECKING:
    from gateway.documents.model import Section
    from gateway.pipeline.settings import Settings

_AI = "it calls Azure AI Content Safety"
_EMBEDDINGS = "it needs an embeddings deployment and a vector cache in Azure"
_UNDESCRIBED = "Microsoft has not described it, so that what it would do here is a guess"
_GRAPHQL = "GraphQL APIs and their resolvers are not run here"

REASONS: Mapping[str, str] = {
    "llm-content-safety": _AI,
    "azure-openai-semantic-cache-lookup": _EMBEDDINGS,
    "azure-openai-semantic-cache-store": _EMBEDDINGS,
    "llm-semantic-cache-lookup": _EMBEDDINGS,
    "llm-semantic-cache-store": _EMBEDDINGS,
    "set-graphql-resolver": _GRAPHQL,
    "http-data-source": _GRAPHQL,
    "cosmosdb-data-source": _GRAPHQL,
    "sql-data-source": _GRAPHQL,
    "publish-event": _GRAPHQL,
    "validate-graphql-request": _GRAPHQL,
    "authentication-oauth2": _UNDESCRIBED + "; get-authorization-context fetches such tokens",
    "invoke-request": _UNDESCRIBED + "; send-request calls other services",
    "cross-domain": "Flash and Silverlight, which read crossdomain.xml, no longer exist; for browsers there is cors",
}


def refused(name: str, reason: str) -> type[PolicyType]:
    """The policy called *name*, which never compiles."""

    class CloudOnly(PolicyType):
        shape: ClassVar[Element] = Element(name, f"Not run here: {reason}.", refused=reason)
        sections: ClassVar[frozenset[Section]] = ANYWHERE

        @classmethod
        def compile(cls, settings: Settings) -> Self:
            """Raises LoadError: always."""
            raise settings.error(
                "cloud-only", f"{name} is not run here: {reason}", "remove it, or keep this API in APIM"
            )

    return CloudOnly


CLOUD_ONLY = tuple(refused(name, reason) for name, reason in REASONS.items())
