"""
set-query-parameter: set, add or delete a query parameter of the request to the backend.

Source: APIM policy reference, "set-query-parameter".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Element
from gateway.errors import ExpressionError
from gateway.pipeline.changes import URL, Change
from gateway.pipeline.policy import PolicyType
from gateway.pipeline.values import Constant
from gateway.policies.parts import query
from gateway.policies.parts.elements import VALUE
from gateway.policies.set_header import ACTIONS

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value


@dataclass(frozen=True, slots=True)
class SetQueryParameter(PolicyType):
    """One compiled set-query-parameter."""

    shape: ClassVar[Element] = Element(
        "set-query-parameter",
        "Sets, adds or deletes a query parameter of the request to the backend; values are URL-encoded here.",
        attributes=(
            ID,
            Attribute("name", "Name of the parameter, any case.", required=True),
            Attribute("exists-action", "What to do if the parameter exists.", default="override", choices=ACTIONS),
        ),
        children=(Child(VALUE, maximum=None),),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND, Section.BACKEND})
    changes: ClassVar[Change] = URL

    name: Value[str]
    action: Value[str]
    values: tuple[Value[str], ...]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<set-query-parameter>``. Raises LoadError: a value is missing."""
        action = settings.text("exists-action")
        values = tuple(value.content() for value in settings.all("value"))
        if isinstance(action, Constant) and action.value != "delete" and not values:
            remedy = "add one, or exists-action='delete'"
            raise settings.error("missing-child", "set-query-parameter has no <value>", remedy)
        return cls(settings.text("name"), action, values)

    def apply(self, context: Context) -> None:
        """Changes ``context.Request.Url``. Raises ExpressionError: the action is none."""
        name, action, request = self.name(context), self.action(context), context.request
        if action not in ACTIONS:
            raise ExpressionError("ArgumentException", f"exists-action {action!r} is not one of {', '.join(ACTIONS)}")
        if action == "skip" and query.values(request.query, name):
            return
        kept = request.query if action == "append" else query.without(request.query, [name])
        added = [] if action == "delete" else [query.encode(name, value(context)) for value in self.values]
        request.query = query.join([*query.pairs(kept), *added])
