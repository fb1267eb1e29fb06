"""What the configuration states about one GraphQL API."""

from __future__ import annotations

from gateway.reading.settings import Block
from gateway.reading.values import Count, Duration, File


class GraphQLResolver(Block):
    """What answers one field of the schema."""

    type: str
    """Object type of the schema: `Query`."""
    field: str
    """A field of it."""
    policy: File
    """Policy document of the resolver: one `http-data-source`, as APIM has it."""


class GraphQLSettings(Block):
    """How GraphQL requests are read, bounded and answered."""

    schema_file: File
    """The schema, in GraphQL's schema definition language."""
    resolvers: tuple[GraphQLResolver, ...] = ()
    """What answers the fields of a synthetic API, which has neither `backend` nor `service-url`. A field without one
    is read from its parent's object."""
    max_request_bytes: Count = 102_400
    """Longest request. APIM's own bound for `validate-graphql-request`."""
    max_tokens: Count = 2000
    """Largest document of a client, in lexical tokens."""
    max_fields: Count = 250
    """Most fields of an operation, every fragment counted where it is spread. APIM's own bound."""
    max_resolver_calls: Count = 100
    """Most calls of resolvers for one request; the fields beyond are errors."""
    max_concurrent_calls: Count = 10
    """How many of them may wait for an answer at the same time."""
    resolver_timeout_s: Duration = 30.0
    """Longest time for one resolver's call; `forward-request` in its document may say less or more."""
