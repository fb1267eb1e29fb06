"""
set-graphql-resolver: what answers one field of a synthetic GraphQL API, the older form of a resolver.

Source: APIM policy reference, "set-graphql-resolver".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Element
from gateway.pipeline.policy import PolicyType
from gateway.policies.http_data_source import HttpDataSource

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class SetGraphqlResolver(PolicyType):
    """One compiled set-graphql-resolver; of no effect for APIs of other types, and behind a resolver of the API."""

    shape: ClassVar[Element] = Element(
        "set-graphql-resolver",
        "Sets what answers a field of a synthetic GraphQL API; the forward-request behind it runs the query.",
        attributes=(
            ID,
            Attribute("parent-type", "An object type of the schema.", required=True, expression=False),
            Attribute("field", "A field of it.", required=True, expression=False),
        ),
        children=(Child(HttpDataSource.shape, minimum=1),),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.BACKEND})

    parent_type: str
    field: str
    source: HttpDataSource

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<set-graphql-resolver>``."""
        source = HttpDataSource.compile(next(settings.all("http-data-source")))
        return cls(settings.constant("parent-type"), settings.constant("field"), source)

    def apply(self, context: Context) -> None:
        """Remember the resolver for this request."""
        call = context.graphql
        if call is not None:
            call.resolvers.setdefault((self.parent_type, self.field), self.source)
