"""
set-header: set, add or delete a header of the request to the backend, or of the response to the caller.

Source: APIM policy reference, "set-header"; RFC 9110 §5.5 and docs/adr/0049 for what a value may hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self, TypeAlias

from gateway.documents.shape import ID, Attribute, Child, Element
from gateway.errors import ExpressionError
from gateway.expressions import Expression
from gateway.pipeline.changes import RESPONSE, Change, Header, RequestHeaders
from gateway.pipeline.policy import ANYWHERE, PolicyType
from gateway.pipeline.values import Constant
from gateway.policies.parts.elements import FIELD_NAME, FIELD_VALUE, VALUE
from gateway.wire.authority import is_authority
from gateway.wire.fields import field_key, fold_name
from gateway.wire.headers import ONE_LINE_EACH

if TYPE_CHECKING:
    from gateway.documents.model import Section
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.headers import Headers

ACTIONS = ("override", "skip", "append", "delete")

# They belong to the connection, not to the message. Source: APIM "set-header", usage notes.
_IMMUTABLE = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})

_NAME, _VALUE = re.compile(FIELD_NAME.pattern), re.compile(FIELD_VALUE.pattern)


_Evaluated: TypeAlias = "tuple[Value[str], str]"


@dataclass(frozen=True, slots=True)
class SetHeader(PolicyType):
    """
    One compiled set-header.

    Attributes:
        owned: The name that this policy makes trustworthy, for the header contract; empty when it is not known at
            load, or when the client's value may stay (skip, append, delete).
        exact: Whether a value comes out of a token: then white space around it is not stripped but refused.
        ready: The usual case prepared: key, beginning of the line, value; None where there is more to decide.
    """

    shape: ClassVar[Element] = Element(
        "set-header",
        "Sets, adds or deletes a header: of the request in inbound and backend, of the response elsewhere.",
        attributes=(
            ID,
            Attribute("name", "Header name; its case is kept on the wire.", required=True, format=FIELD_NAME),
            Attribute("exists-action", "What to do if the header exists.", default="override", choices=ACTIONS),
        ),
        children=(Child(replace(VALUE, format=FIELD_VALUE), maximum=None),),
    )
    sections: ClassVar[frozenset[Section]] = ANYWHERE
    header_attributes: ClassVar[tuple[str, ...]] = ()  # it sets the one that it names

    name: Value[str]
    action: Value[str]
    values: tuple[Value[str], ...]
    on_request: bool
    owned: tuple[str, ...]
    exact: bool
    ready: tuple[str, str, Value[str]] | None

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<set-header>``. Raises LoadError: a value is missing, or the name cannot be set."""
        name, action = settings.text("name"), settings.text("exists-action")
        values = tuple(value.content() for value in settings.all("value"))
        if isinstance(name, Constant):
            _check_literals(settings, name.value, values)
        if not values and isinstance(action, Constant) and action.value != "delete":
            raise settings.error("missing-child", "set-header has no <value>", "add one, or exists-action='delete'")
        owned = _owned(name, action)
        exact = any(isinstance(value, Expression) and value.reads_token for value in values)
        return cls(
            name=name,
            action=action,
            values=values,
            on_request=settings.on_request,
            owned=owned,
            exact=exact,
            ready=_ready(owned, values),
        )

    @property
    def sets_headers(self) -> tuple[str, ...]:
        """The name that this policy makes trustworthy."""
        return self.owned

    @property
    def changes(self) -> Change:
        """The header; all of them where its name is computed."""
        return _change(self.name, self.on_request)

    def apply(self, context: Context) -> None:
        """Raises ExpressionError: the name or a value cannot be sent in a header."""
        headers = (context.request if self.on_request else context.answer).headers
        if self.ready is None:
            return self.change(headers, context)
        key, beginning, value = self.ready
        text = value(context)
        if text and text.isascii() and text.isprintable() and text[0] != " " != text[-1]:
            headers.lines[key] = beginning + text
        else:
            self._set(headers, beginning[:-2], [(value, text)])
        return None

    def change(self, headers: Headers, context: Context) -> None:
        """Apply to *headers*; return-response and send-request use it for their own messages."""
        name = _checked_name(self.name(context))
        action = self.action(context)
        if action == "delete":
            headers.remove(name)
        elif action == "override":
            self._set(headers, name, self._evaluated(context))
        elif action == "append":
            self._append(headers, name, self._evaluated(context))
        elif action != "skip":
            raise ExpressionError("ArgumentException", f"exists-action {action!r} is not one of {', '.join(ACTIONS)}")
        elif name not in headers:
            self._set(headers, name, self._evaluated(context))

    def _evaluated(self, context: Context) -> list[_Evaluated]:
        return [(value, value(context)) for value in self.values]

    def _set(self, headers: Headers, name: str, evaluated: list[_Evaluated]) -> None:
        headers.replace(name, *self._lines(name, evaluated))

    def _append(self, headers: Headers, name: str, evaluated: list[_Evaluated]) -> None:
        if fold_name(name) == "host" and name in headers:
            raise _invalid(name, "a request has exactly one Host")
        for line in self._lines(name, evaluated):
            headers.append(name, line)

    def _lines(self, name: str, evaluated: list[_Evaluated]) -> list[str]:
        """The values as header lines: one line, joined by a comma, unless the header's lists must stay apart."""
        carried = [(value, safe_value(name, text, self.exact)) for value, text in evaluated]
        # A claim that is missing or blank must not become an empty identity: no value, no header (docs/adr/0044).
        values = [text for value, text in carried if text or isinstance(value, Constant)]
        lines = _joined(name, values)
        if fold_name(name) == "host" and not all(map(_is_host, lines)):
            raise _invalid(name, "it is not a host with an optional port")
        return lines


def _is_host(text: str) -> bool:
    """A host with an optional port; an empty port, which a client may send, is not written by a policy."""
    return is_authority(text) and not text.endswith(":")


def _joined(name: str, values: list[str]) -> list[str]:
    return values if len(values) < 2 or fold_name(name) in ONE_LINE_EACH else [",".join(values)]


def _owned(name: Value[str], action: Value[str]) -> tuple[str, ...]:
    """The name that is overridden whatever the client sent; empty where that depends on the request."""
    overrides = isinstance(action, Constant) and action.value == "override"
    return (name.value,) if overrides and isinstance(name, Constant) else ()


def _change(name: Value[str], on_request: bool) -> Change:
    if isinstance(name, Constant):
        return Header(fold_name(name.value), on_request)
    return RequestHeaders() if on_request else RESPONSE


def _ready(owned: tuple[str, ...], values: tuple[Value[str], ...]) -> tuple[str, str, Value[str]] | None:
    """Key, beginning of the line and value of the usual case: one value for one known name."""
    if not owned or len(values) != 1 or field_key(owned[0]) == "host":
        return None
    return field_key(owned[0]), f"{owned[0]}: ", values[0]


def safe_value(name: str, value: str, exact: bool) -> str:
    """
    *value* when it is allowed in a header line, without the white space around it, which is not part of it there.

    Args:
        exact: Whether white space around a value that is not blank is refused: ``" alice"`` is not ``"alice"``.

    Raises:
        ExpressionError: It is not printable ASCII.
    """
    if not _VALUE.fullmatch(value):
        raise _invalid(name, "it holds characters that a header cannot carry")
    carried = value.strip(" \t")
    if exact and carried not in ("", value):
        raise _invalid(name, "it begins or ends with white space, which a header cannot carry")
    return carried


def _invalid(name: str, reason: str) -> ExpressionError:
    return ExpressionError("FormatException", f"Expression value is invalid. The value for header {name}: {reason}.")


def _check_literals(settings: Settings, name: str, values: tuple[Value[str], ...]) -> None:
    """What can be checked at load about a literal *name*, and about literal values for it."""
    if _belongs_to_connection(name):
        raise settings.error("bad-value", f"{name} belongs to the connection and cannot be set", at="name")
    if fold_name(name) != "host":
        return
    for value, element in zip(values, settings.all("value"), strict=True):
        if isinstance(value, Constant) and not _is_host(value.value):
            message, remedy = f"Host cannot be {value.value!r}", "write a host, with or without :port"
            raise element.error("bad-value", message, remedy)


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name) or _belongs_to_connection(name):
        raise ExpressionError("ArgumentException", f"{name!r} cannot be used as a header name")
    return name


def _belongs_to_connection(name: str) -> bool:
    return fold_name(name) in _IMMUTABLE
