"""
validate-content: only bodies of the right size, type and form.

Source: APIM policy reference, "validate-content". An operation's types and schemas come from its definition.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Element, Kind
from gateway.openapi import BodyContent
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.body_text import decoded, is_json, is_xml, media_type, message
from gateway.policies.parts.content_forms import CONTENT, ContentForm
from gateway.policies.parts.validation import ERRORS_VARIABLE, Conclusion, Finding, action

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.headers import Headers

_TYPE = Element(
    "type",
    "One mapping.",
    attributes=(
        Attribute("from", "Type of the message."),
        Attribute("when", "Condition instead of a type.", Kind.BOOLEAN),
        Attribute("to", "Type that it is validated as.", required=True),
    ),
)
_MAP = Element(
    "content-type-map",
    "Types to validate as others.",
    attributes=(
        Attribute("any-content-type-value", "For every message."),
        Attribute("missing-content-type-value", "For messages without a type."),
    ),
    children=(Child(_TYPE, maximum=None),),
)


@dataclass(frozen=True, slots=True)
class TypeMapping:
    """One ``<type>``: messages of type *given*, or for which *when* holds, are validated as *target*."""

    given: Value[str] | None
    when: Value[bool] | None
    target: Value[str]

    def applies(self, own: str, context: Context) -> bool:
        """Whether a message of the type *own* is meant."""
        if self.when is not None and self.when(context):
            return True
        return self.given is not None and self.given(context).lower() == own


@dataclass(frozen=True, slots=True)
class TypeMap:
    """``<content-type-map>``."""

    any: Value[str] | None = None
    missing: Value[str] | None = None
    types: tuple[TypeMapping, ...] = ()

    def type_of(self, headers: Headers, context: Context) -> str:
        """The type that the message is validated as; empty when there is none."""
        own = media_type(headers)
        if self.any:
            return self.any(context)
        mapping = next((mapping for mapping in self.types if mapping.applies(own, context)), None)
        if mapping is not None:
            return mapping.target(context)
        return self.missing(context) if not own and self.missing else own


@dataclass(frozen=True, slots=True)
class ValidateContent(PolicyType):
    """One compiled validate-content."""

    shape: ClassVar[Element] = Element(
        "validate-content",
        "Validates size, type and content of the body.",
        attributes=(
            ID,
            action("unspecified-content-type-action", "For types that are not declared."),
            Attribute("max-size", "Longest body, in bytes.", Kind.INTEGER, required=True, minimum=0),
            action("size-exceeded-action", "For longer bodies."),
            ERRORS_VARIABLE,
        ),
        children=(Child(_MAP), Child(CONTENT, maximum=None)),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND, Section.OUTBOUND, Section.ON_ERROR})

    unspecified: Value[str]
    max_bytes: Value[int]
    exceeded: Value[str]
    types: TypeMap
    forms: tuple[ContentForm, ...]
    conclusion: Conclusion
    max_buffer_bytes: int

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<validate-content>``. Raises LoadError: an unknown or broken schema."""
        settings.reads_body()
        variable = settings.maybe(settings.constant, "errors-variable-name")
        return cls(
            unspecified=settings.text("unspecified-content-type-action"),
            max_bytes=settings.integer("max-size"),
            exceeded=settings.text("size-exceeded-action"),
            types=_type_map(settings.child("content-type-map")),
            forms=tuple(map(ContentForm.compile, settings.all("content"))),
            conclusion=Conclusion(variable, settings.on_request),
            max_buffer_bytes=settings.services.max_body_bytes,
        )

    def before_body(self, context: Context) -> None:
        """Refuse a body that is announced to be too long, before the client is asked for it. Raises PolicyError."""
        headers, body = message(context, self.conclusion.on_request)
        if body is None or body.stream is None or "Content-Encoding" in headers:
            return
        oversize = self._oversize(body.stream.length or 0, context)
        if oversize and oversize[0].action == "prevent":
            self.conclusion.draw(oversize, context)

    def apply(self, context: Context) -> Awaitable[None] | None:
        """None when the body was judged immediately. Raises PolicyError: it is prevented; WorkExceeded."""
        headers, body = message(context, self.conclusion.on_request)
        content = decoded(body, headers, self.max_buffer_bytes) if body else b""
        defined = self._defined(context)
        if not content and (defined is None or not defined.required):
            return None
        oversize = self._oversize(len(content), context)
        if oversize and oversize[0].action == "prevent":  # before anything looks into the body
            self.conclusion.draw(oversize, context)
        finding = self._finding(content, headers, context)
        if isinstance(finding, Awaitable):
            return self._conclude(oversize, finding, context)
        self.conclusion.draw([*oversize, *finding], context)
        return None

    async def _conclude(self, oversize: list[Finding], finding: Awaitable[list[Finding]], context: Context) -> None:
        self.conclusion.draw([*oversize, *await finding], context)

    def _oversize(self, size: int, context: Context) -> list[Finding]:
        limit = self.max_bytes(context)
        if size <= limit:
            return []
        details = f"{self._which}'s body is {size} bytes long and it exceeds the configured limit of {limit} bytes."
        return [Finding("", f"{self._which}Body", "SizeLimit", details, self.exceeded(context))]

    def _finding(self, content: bytes, headers: Headers, context: Context) -> list[Finding] | Awaitable[list[Finding]]:
        """What is wrong with type and form, immediately or later."""
        given = self.types.type_of(headers, context).lower()
        defined = self._defined(context)
        declared = None if defined is None else defined.find(given)
        form = self._form(given, context)
        if form is not None and form.applies(defined is not None, declared is not None):
            details = form.details(content, given, declared, context.work)
            return self._misformed(details, given, form, context)
        listed = declared is not None or (defined is None and self._takes_unlisted(given))
        return [] if listed else self._unlisted(given, context)

    def _unlisted(self, given: str, context: Context) -> list[Finding]:
        details = f"Unspecified content type {given[:80] or '(none)'} is not allowed."
        return [Finding(given, f"{self._which}Body", "Unspecified", details, self.unspecified(context))]

    def _form(self, given: str, context: Context) -> ContentForm | None:
        """The first ``<content>`` for the type *given*."""
        return next((form for form in self.forms if form.type is None or form.type(context).lower() == given), None)

    def _misformed(
        self, details: str | Awaitable[str], given: str, form: ContentForm, context: Context
    ) -> list[Finding] | Awaitable[list[Finding]]:
        if not isinstance(details, str):
            return self._misformed_later(details, given, form, context)
        return self._misfits(details, given, form, context)

    async def _misformed_later(
        self, details: Awaitable[str], given: str, form: ContentForm, context: Context
    ) -> list[Finding]:
        return self._misfits(await details, given, form, context)

    def _misfits(self, details: str, given: str, form: ContentForm, context: Context) -> list[Finding]:
        if not details:
            return []
        return [Finding(given, f"{self._which}Body", "IncorrectMessage", details, form.action(context))]

    @property
    def _which(self) -> str:
        return "Request" if self.conclusion.on_request else "Response"

    def _defined(self, context: Context) -> BodyContent | None:
        """The definition of the operation's body; None without one."""
        definition = context.operation.definition
        if definition is None:
            return None
        if self.conclusion.on_request:
            return definition.body or BodyContent()
        response = definition.response(context.answer.status_code)
        return BodyContent() if response is None else response.content

    def _takes_unlisted(self, given: str) -> bool:
        """Whether a policy that lists no type, for an operation without definition, lets *given* pass."""
        return not self.forms and (is_json(given) or is_xml(given))


def _type_map(settings: Settings | None) -> TypeMap:
    if settings is None:
        return TypeMap()
    return TypeMap(
        settings.maybe(settings.text, "any-content-type-value"),
        settings.maybe(settings.text, "missing-content-type-value"),
        tuple(
            TypeMapping(mapping.maybe(mapping.text, "from"), mapping.maybe(mapping.boolean, "when"), mapping.text("to"))
            for mapping in settings.all("type")
        ),
    )
