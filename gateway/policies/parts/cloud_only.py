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

_DATABASE = "it speaks to a database of Azure, and no public policy document that is deployed has it"
_UNDESCRIBED = "Microsoft has not described it, so that what it would do here is a guess"

REASONS: Mapping[str, str] = {
    "cosmosdb-data-source": _DATABASE,
    "sql-data-source": _DATABASE,
    "publish-event": "subscriptions of synthetic GraphQL APIs are not run here",
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
