"""
Documents against the schema and the bounds: parsed, measured, validated, and remembered while they are asked again.

A document that takes longer than a turn of the event loop is judged in a thread, for which only its request waits.

Source: GraphQL specification §5; graphql-core, ``validate``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cachetools import LRUCache
from graphql import DocumentNode, GraphQLError, GraphQLSchema, GraphQLSyntaxError, parse, validate

from gateway.graphql.document import Document
from gateway.graphql.refusals import INVALID, LIMIT, MOST_ERRORS, SYNTAX, GraphQLRefusal, error_of, refusal
from gateway.graphql.settings import GraphQLSettings
from gateway.wire.slices import elsewhere
from gateway.wire.work import Work

_REMEMBERED = 100_000  # characters of documents that are kept parsed; each takes at most 270 bytes of memory
_CHARACTERS_PER_TOKEN = 50  # on average; white space and comments count
# Processor time of parsing a character, of validating a field, and of comparing it with another one.
_PARSE_S, _FIELD_S, _PAIR_S = 4e-6, 1.5e-4, 3e-6

T = TypeVar("T")


class Judge:
    """Judges the documents of one API."""

    def __init__(self, schema: GraphQLSchema, settings: GraphQLSettings) -> None:
        self.schema = schema
        self._tokens = settings.max_tokens
        self._fields = settings.max_fields
        self._known: LRUCache[str, Document] = LRUCache(_REMEMBERED, getsizeof=lambda document: document.size)

    def document(self, query: str, work: Work) -> Document:
        """The document *query*, within its bounds. Raises GraphQLRefusal, WorkExceeded."""
        document = self._known.get(query)
        if document is None:
            if len(query) > self._tokens * _CHARACTERS_PER_TOKEN:
                raise refusal(LIMIT, f"The document has more than {self._tokens * _CHARACTERS_PER_TOKEN} characters.")
            document = _done(lambda: self._parse(query), len(query) * _PARSE_S, work)
            if document.size <= _REMEMBERED / 4:
                self._known[query] = document
        return document

    def _parse(self, query: str) -> Document:
        try:
            node = parse(query, max_lexical_tokens=self._tokens, max_comments=self._tokens)
        except GraphQLSyntaxError as error:
            raise GraphQLRefusal(SYNTAX, [_shown(error)], "The document is not GraphQL.") from None
        document = Document(node, len(query))
        document.measure(self._fields)
        return document

    def validate(self, document: Document, work: Work) -> None:
        """Hold *document* against the schema, once. Raises GraphQLRefusal, WorkExceeded."""
        if document.is_valid:
            return
        fields = sum(extent.fields for extent in document.extents.values())
        fields += sum(document.extent(node.selection_set, self._fields).fields for node in document.operations.values())
        _done(lambda: self._validate(document), fields * _FIELD_S + fields * fields * _PAIR_S, work)
        document.is_valid = True

    def _validate(self, document: Document) -> None:
        node = DocumentNode(definitions=(*document.operations.values(), *document.fragments.values()))
        errors = validate(self.schema, node, max_errors=MOST_ERRORS, hide_suggestions=True)
        if errors:
            shown = [_shown(error) for error in errors[:MOST_ERRORS]]
            raise GraphQLRefusal(INVALID, shown, "The document does not fit the schema.")


def _done(step: Callable[[], T], price_s: float, work: Work) -> T:
    """The result of *step*, which the request pays for before it is done."""
    work.draw(price_s)
    return elsewhere(step, price_s)


def _shown(error: GraphQLError) -> dict[str, object]:
    places = [{"line": place.line, "column": place.column} for place in error.locations or ()]
    return error_of(error.message, **({"locations": places[:MOST_ERRORS]} if places else {}))
