"""
validate-graphql-request: only GraphQL requests of the right size and depth, and only fields that rules allow.

Source: APIM policy reference, "validate-graphql-request".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Element, Format, Kind
from gateway.graphql.refusals import LIMIT, GraphQLRefusal, refusal
from gateway.pipeline.policy import PolicyType

if TYPE_CHECKING:
    from gateway.graphql.call import GraphQLApi, GraphQLCall
    from gateway.graphql.rules import FieldRules
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.work import Work

ERRORS_VARIABLE = "GraphQLErrors"
_PATH = Format(r"/\S*", "write /Type/field, /Type/* or /__*")
_RULE = Element(
    "rule",
    "What becomes of the fields at a path.",
    attributes=(
        Attribute("path", "`/Type/field`; `*` stands for anything.", required=True, expression=False, format=_PATH),
        Attribute(
            "action",
            "`reject` the request, `remove` the field, `allow` it, or `ignore` this rule.",
            default="allow",
            choices=("allow", "remove", "reject", "ignore"),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class ValidateGraphqlRequest(PolicyType):
    """One compiled validate-graphql-request; of no effect for APIs of other types."""

    shape: ClassVar[Element] = Element(
        "validate-graphql-request",
        "Validates a GraphQL request against the API's schema, its size and depth, and the fields that it asks for.",
        attributes=(
            ID,
            Attribute("error-variable-name", "Variable for the errors, which `GraphQLErrors` has in any case."),
            Attribute("max-size", "Longest body, in bytes.", Kind.INTEGER, default="102400", minimum=1),
            Attribute("max-depth", "Most levels of fields.", Kind.INTEGER, default="6", minimum=1),
        ),
        children=(Child(Element("authorize", "Rules for fields.", children=(Child(_RULE, minimum=1, maximum=None),))),),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})

    variable: Value[str] | None
    max_bytes: Value[int]
    max_depth: Value[int]
    paths: tuple[str, ...]
    actions: tuple[Value[str], ...]
    rules: Callable[[], FieldRules]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<validate-graphql-request>``."""
        settings.reads_body()
        authorize = settings.child("authorize")
        rules = [] if authorize is None else list(authorize.all("rule"))
        paths = tuple(rule.constant("path") for rule in rules)
        return cls(
            variable=settings.maybe(settings.text, "error-variable-name"),
            max_bytes=settings.integer("max-size"),
            max_depth=settings.integer("max-depth"),
            paths=paths,
            actions=tuple(rule.text("action") for rule in rules),
            rules=_once(paths),
        )

    def before_body(self, context: Context) -> None:
        """Refuse a body that is announced to be too long, before the client is asked for it. Raises GraphQLRefusal."""
        body = context.request.body
        if context.operation.graphql is not None and body is not None and body.stream is not None:
            self._telling(partial(self._limit_size, body.stream.length or 0), context)

    def apply(self, context: Context) -> None:
        """Reads, judges and rewrites the request. Raises GraphQLRefusal; WorkExceeded."""
        api = context.operation.graphql
        if api is None:
            return
        self._telling(partial(self._judge, api), context)

    def _telling(self, judge: Callable[[Context], None], context: Context) -> None:
        try:
            judge(context)
        except GraphQLRefusal as refused:
            self._tell(refused.errors, context)
            raise

    def _judge(self, api: GraphQLApi, context: Context) -> None:
        request, work = context.request, context.work
        if request.upgrade:  # each request that comes over the WebSocket is judged
            session = context.graphql_session = context.graphql_session or api.session()
            session.checks.append(partial(self._check, context))
            return
        size = len(request.query) if request.body is None else len(request.body.read(preserve=True))
        self._limit_size(size, context)
        before = context.graphql
        call = context.graphql = api.read(request, work)
        if before is not None and before.is_of(request):
            call.removed += before.removed  # by a policy before this one
        call.rewrite(request, work, self._check(context, call, size, work))
        if call.removed:
            self._tell(call.removed, context)

    def _check(self, context: Context, call: GraphQLCall, size: int, work: Work) -> list[int]:
        """The fields of *call*, of so many bytes, that are to be taken out. Raises GraphQLRefusal, WorkExceeded."""
        self._limit_size(size, context)
        call.validate(work)
        call.limit_depth(self.max_depth(context))
        return self._unwanted(call, context)

    def _unwanted(self, call: GraphQLCall, context: Context) -> list[int]:
        """The fields to take out; each action is evaluated once, and only where a rule applies."""
        if not self.actions:
            return []
        known: dict[int, str] = {}

        def evaluate(index: int) -> str:
            if index not in known:
                known[index] = self.actions[index](context)
            return known[index]

        return call.authorize(self.rules(), evaluate)

    def _limit_size(self, size: int, context: Context) -> None:
        most = self.max_bytes(context)
        if size > most:
            raise refusal(LIMIT, f"The request is longer than {most} bytes.")

    def _tell(self, errors: list[dict[str, object]], context: Context) -> None:
        names = {ERRORS_VARIABLE, *([self.variable(context)] if self.variable else [])}
        context.variables.update(dict.fromkeys(names, [error["message"] for error in errors]))


def _once(paths: tuple[str, ...]) -> Callable[[], FieldRules]:
    """The rules, made with the first request: until there is a GraphQL API nobody needs the library."""
    kept: list[FieldRules] = []

    def rules() -> FieldRules:
        if not kept:
            from gateway.graphql.rules import FieldRules

            kept.append(FieldRules(paths))
        return kept[0]

    return rules
