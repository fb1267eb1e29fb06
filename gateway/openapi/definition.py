"""
What a definition says about an API: its operations, their parameters, bodies and responses.

All of it is built at load and only read while requests run.

Source: OpenAPI 3.1, "Operation Object" and below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gateway.errors import Location
from gateway.openapi.json_schema import Schema
from gateway.openapi.parameters import Parameter
from gateway.openapi.samples import sample_body


@dataclass(frozen=True)
class MediaType:
    """
    One form of a body.

    Attributes:
        name: ``application/json``, lower case, without parameters; ``application/*`` and ``*/*`` are ranges.
        schema: None: anything.
        examples: Bodies, in the order of the definition.
    """

    name: str
    schema: Schema | None = None
    examples: tuple[bytes, ...] = ()

    @cached_property
    def bodies(self) -> tuple[bytes, ...]:
        """
        What mock-response can answer: the examples, else a sample of the schema, else nothing.

        Made when first asked for: most operations of a large definition are never mocked.
        """
        if self.examples or self.schema is None:
            return self.examples
        body = sample_body(self.schema, self.name)
        return () if body is None else (body,)


@dataclass(frozen=True, slots=True)
class BodyContent:
    """The forms that a body may have, in the order of the definition."""

    media_types: Mapping[str, MediaType] = field(default_factory=dict)
    required: bool = False

    def find(self, name: str) -> MediaType | None:
        """The form for the lower-case media type *name*: itself, its range, or any; None where it is not declared."""
        ranges = (name, f"{name.partition('/')[0]}/*", "*/*")
        return next((self.media_types[range_] for range_ in ranges if range_ in self.media_types), None)


@dataclass(frozen=True, slots=True)
class ResponseDefinition:
    """What the answers with one status look like; *headers* by field key."""

    content: BodyContent = BodyContent()
    headers: Mapping[str, Parameter] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OperationDefinition:
    """
    One operation.

    Attributes:
        id: As APIM names it: the normalized operationId, or method and path.
        path: Parameters of the path by name.
        query: Parameters of the query, in the order of the definition.
        headers: Header parameters by field key: lower case, ``-`` for ``_``.
        body: None: the operation has none.
        responses: By status (``200``), range (``4XX``) or ``default``.
        description: For readers; kept only where the definition is read for its descriptions.
    """

    id: str
    name: str
    method: str
    url_template: str
    location: Location
    path: Mapping[str, Parameter] = field(default_factory=dict)
    query: tuple[Parameter, ...] = ()
    headers: Mapping[str, Parameter] = field(default_factory=dict)
    body: BodyContent | None = None
    responses: Mapping[str, ResponseDefinition] = field(default_factory=dict)
    description: str = ""

    def response(self, status: int) -> ResponseDefinition | None:
        """What is declared for *status*: exactly, by its range, or by default."""
        keys = (str(status), f"{status // 100}XX", "default")
        return next((self.responses[key] for key in keys if key in self.responses), None)


# For an operation that is in no definition.
UNDEFINED = OperationDefinition("", "", "", "", Location("(no definition)"))
