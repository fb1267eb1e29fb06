"""
One GraphQL request on its way through the pipeline: read once, judged as far as its policies ask, and written anew.

A backend never gets what the client has written but what was judged: one operation, printed from its syntax tree, in a
JSON object of known members, as a POST.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import DocumentNode, OperationDefinitionNode, print_ast

from gateway.graphql.document import Document, Extent
from gateway.graphql.envelope import Envelope, envelope_of, read_get, read_post
from gateway.graphql.judge import Judge
from gateway.graphql.refusals import BAD_REQUEST, LIMIT, NOT_ALLOWED, GraphQLRefusal, error_of, refusal
from gateway.graphql.removal import kept
from gateway.graphql.rules import ALLOW, REJECT, FieldRules, selected_fields
from gateway.graphql.settings import GraphQLSettings
from gateway.wire.body import Body
from gateway.wire.slices import elsewhere

if TYPE_CHECKING:
    from gateway.wire.messages import Request
    from gateway.wire.work import Work

_LONGEST_SHOWN = 100  # characters of an operation in the request log
# Processor time for each byte that is read, and for each character that is printed.
_READ_S, _PRINT_S = 2e-7, 1e-5


@dataclass(frozen=True, slots=True)
class GraphQLApi:
    """
    One API of the kind.

    Attributes:
        resolvers: By type and field; what ``http_data_source`` compiles.
        is_synthetic: Whether resolvers answer its requests; otherwise a backend does.
    """

    judge: Judge
    settings: GraphQLSettings
    is_synthetic: bool = False
    resolvers: Mapping[tuple[str, str], Any] = field(default_factory=dict)

    def session(self) -> GraphQLSession:
        """What a WebSocket begins."""
        return GraphQLSession(self)

    def read(self, request: Request, work: Work) -> GraphQLCall:
        """The call that *request* is. Raises GraphQLRefusal, WorkExceeded."""
        return self.call(self._envelope(request, work), work, request.original_method == "GET")

    def call(self, envelope: Envelope, work: Work, read_only: bool = False) -> GraphQLCall:
        """The call in *envelope*. Raises GraphQLRefusal, WorkExceeded."""
        document = self.judge.document(envelope.query, work)
        operation = document.operation(envelope.operation_name)
        if read_only and operation.operation.value != "query":
            raise refusal(BAD_REQUEST, "A GET may ask for queries only.", 405)
        return GraphQLCall(self, envelope, document, operation)

    def _envelope(self, request: Request, work: Work) -> Envelope:
        if request.method not in ("GET", "POST"):
            raise refusal(BAD_REQUEST, "GraphQL is asked with POST or GET.", 405)
        content = b"" if request.body is None else bytes(request.body.read(preserve=True))
        size = len(content) + len(request.query)
        if size > self.settings.max_request_bytes:
            raise refusal(LIMIT, f"The request is longer than {self.settings.max_request_bytes} bytes.", 413)
        work.draw(size * _READ_S)
        if request.method == "GET":
            return read_get(request.query)
        media_type = (request.headers.first("Content-Type") or "").partition(";")[0].strip().lower()
        return elsewhere(lambda: read_post(media_type, content, request.query), size * _READ_S)


@dataclass(slots=True, eq=False)
class GraphQLCall:
    """
    A request that has been read.

    Attributes:
        node, written: The document and the body as they were written anew; None: not yet.
        removed: Errors of the fields that were taken out of the request.
        resolvers: Those that policies have set, besides the API's own.
        calls: Calls of resolvers so far.
    """

    api: GraphQLApi
    envelope: Envelope
    document: Document
    operation: OperationDefinitionNode
    node: DocumentNode | None = None
    written: bytes | None = None
    removed: list[dict[str, Any]] = field(default_factory=list)
    resolvers: dict[tuple[str, str], Any] = field(default_factory=dict)
    calls: int = 0

    @property
    def kind(self) -> str:
        """``query``, ``mutation`` or ``subscription``."""
        return self.operation.operation.value

    @property
    def name(self) -> str:
        """The operation's name, as the client has chosen it; empty where it has none."""
        return "" if self.operation.name is None else self.operation.name.value

    @property
    def shown(self) -> str:
        """Kind and name, cut: names are the client's."""
        return f"{self.kind} {self.name}".strip()[:_LONGEST_SHOWN]

    @property
    def extent(self) -> Extent:
        """How large the operation is."""
        return self.document.extent(self.operation.selection_set, self.api.settings.max_fields)

    def validate(self, work: Work) -> None:
        """Hold the document against the schema. Raises GraphQLRefusal, WorkExceeded."""
        self.api.judge.validate(self.document, work)

    def limit_depth(self, most: int) -> None:
        """Raises GraphQLRefusal: the operation has more than *most* levels of fields."""
        if self.extent.depth > most:
            raise refusal(LIMIT, f"The operation is deeper than {most} levels of fields.")

    def authorize(self, rules: FieldRules, evaluate: Callable[[int], str]) -> list[int]:
        """
        The ids of the field nodes to take out, each with its error in ``removed``.

        Raises:
            GraphQLRefusal: A field is one that refuses the whole request.
        """
        schema, unwanted = self.api.judge.schema, list[int]()
        for selected in selected_fields(schema, self.operation, self.document.reachable(self.operation)):
            action = rules.action(schema, selected, evaluate)
            if action == ALLOW:
                continue
            path = f"{selected.parent}.{selected.node.name.value}"
            if action == REJECT:
                raise GraphQLRefusal(
                    NOT_ALLOWED, [error_of(f"The field {path} is not allowed.")], f"a rule rejects {path}"
                )
            unwanted.append(id(selected.node))
            self.removed.append(error_of(f"The field {path} is not allowed and was removed."))
        return unwanted

    def write(self, work: Work, unwanted: Sequence[int] = ()) -> bytes:
        """The request as it was judged, without *unwanted* fields. Raises GraphQLRefusal: nothing is left of it."""
        price_s = len(self.envelope.query) * _PRINT_S
        work.draw(price_s)
        node = kept(self.document, self.operation, unwanted)
        if node is None:
            raise GraphQLRefusal(NOT_ALLOWED, self.removed[:5], "no field of the operation is allowed")
        self.node = node
        self.written = self.envelope.written(elsewhere(lambda: print_ast(node), price_s), self.name or None)
        return self.written

    def rewrite(self, request: Request, work: Work, unwanted: Sequence[int] = ()) -> None:
        """Make *request* what ``write`` gives. Raises GraphQLRefusal."""
        content = self.write(work, unwanted)
        if request.method == "GET":  # its parameters are in the body now
            request.method, request.query = "POST", ""
        request.headers.remove("Content-Encoding")
        request.headers.replace("Content-Type", "application/json")
        request.body = Body(content)

    def is_of(self, request: Request) -> bool:
        """Whether the body of *request* is the one that was judged."""
        body = request.body
        return body is not None and body.buffered and body.content == self.written


@dataclass(slots=True, eq=False)
class GraphQLSession:
    """
    A WebSocket, over which requests come one by one.

    Attributes:
        checks: What policies ask of each request of so many bytes; they give the ids of the fields to take out.
        kinds: Number of the requests that went on, by kind.
    """

    api: GraphQLApi
    checks: list[Callable[[GraphQLCall, int, Work], list[int]]] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def judged(self, members: object, size: int, work: Work) -> tuple[GraphQLCall, bytes]:
        """The request with these *members*, and how it goes on. Raises GraphQLRefusal, WorkExceeded, PolicyError."""
        if not isinstance(members, dict):
            raise refusal(BAD_REQUEST, "The payload must be a JSON object.")
        call = self.api.call(envelope_of(members), work)
        unwanted = [node for check in self.checks for node in check(call, size, work)]
        return call, call.write(work, unwanted)
