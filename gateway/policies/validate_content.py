"""
validate-content: only bodies of the right size, type and form.

Source: APIM policy reference, "validate-content". Without a schema the body must at least be well-formed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from lxml import etree
from referencing import Registry

from gateway.pipeline.document import Section
from gateway.pipeline.shape import ID, Attribute, Child, Element, Kind
from gateway.policies.body_text import is_json, is_xml, media_type, message
from gateway.policies.safe_xml import XmlError, parse_xml
from gateway.policies.validation import ERRORS_VARIABLE, Conclusion, Finding, action

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.policy import Value
    from gateway.pipeline.settings import Settings
    from gateway.wire.headers import Headers

# Schemas may refer to parts of themselves, never to what would have to be fetched.
_NO_OTHERS: Registry[Any] = Registry()

_SOAP = ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")

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
_CONTENT = Element(
    "content",
    "One type and its form.",
    attributes=(
        Attribute("type", "The type; absent: any."),
        Attribute("validate-as", "The form.", required=True, choices=("json", "xml", "soap"), expression=False),
        Attribute("schema-id", "A schema of the configuration.", expression=False),
        Attribute("schema-ref", "A definition inside it, `#/definitions/…`.", expression=False),
        action("action", "What happens when the body does not fit."),
        Attribute("allow-additional-properties", "Whether JSON objects may have more properties.", Kind.BOOLEAN),
        Attribute(
            "case-insensitive-property-names",
            "Compare JSON names without case; refused here.",
            Kind.BOOLEAN,
            default="false",
            expression=False,
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Form:
    """One ``<content>``."""

    type: Value[str] | None
    form: str
    action: Value[str]
    json_schema: Draft202012Validator | None
    xml_schema: etree.XMLSchema | None


@dataclass(frozen=True, slots=True)
class TypeMap:
    """``<content-type-map>``."""

    any: Value[str] | None = None
    missing: Value[str] | None = None
    types: tuple[tuple[Value[str] | None, Value[bool] | None, Value[str]], ...] = ()

    def type_of(self, headers: Headers, context: Context) -> str:
        """The type that the message is validated as; empty when there is none."""
        own = media_type(headers)
        if self.any:
            return self.any(context)
        for given, when, target in self.types:
            if (when and when(context)) or (given and given(context).lower() == own):
                return target(context)
        return self.missing(context) if not own and self.missing else own


@dataclass(frozen=True, slots=True)
class ValidateContent:
    """One compiled validate-content."""

    shape: ClassVar[Element] = Element(
        "validate-content",
        "Looks at size, type and form of the body.",
        attributes=(
            ID,
            action("unspecified-content-type-action", "For types not listed."),
            Attribute("max-size", "Longest body, in bytes.", Kind.INTEGER, required=True, minimum=0),
            action("size-exceeded-action", "For longer bodies."),
            ERRORS_VARIABLE,
        ),
        children=(Child(_MAP), Child(_CONTENT, maximum=None)),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND, Section.OUTBOUND, Section.ON_ERROR})

    unspecified: Value[str]
    max_bytes: Value[int]
    exceeded: Value[str]
    types: TypeMap
    forms: tuple[Form, ...]
    conclusion: Conclusion

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
            forms=tuple(map(_form, settings.all("content"))),
            conclusion=Conclusion(variable, settings.on_request),
        )

    def apply(self, context: Context) -> None:
        """Raises PolicyError: the body is prevented."""
        headers, body = message(context, self.conclusion.on_request)
        content = body.read(preserve=True) if body else b""
        if content:
            self.conclusion.draw(list(self._findings(content, headers, context)), context)

    def _findings(self, content: bytes, headers: Headers, context: Context) -> Iterator[Finding]:
        kind = "RequestBody" if self.conclusion.on_request else "ResponseBody"
        limit = self.max_bytes(context)
        if len(content) > limit:
            details = f"The body is {len(content)} bytes long, which is more than {limit}."
            yield Finding("body", kind, "SizeLimit", details, self.exceeded(context))
        given = self.types.type_of(headers, context).lower()
        form = next((form for form in self.forms if form.type is None or form.type(context).lower() == given), None)
        if form is not None:
            details = _mistake(content, form)
            if details:
                yield Finding("body", kind, "IncorrectMessage", details, form.action(context))
        elif self.forms or not (is_json(given) or is_xml(given)):
            details = f"Content type {given[:80] or '(none)'} is not allowed."
            yield Finding(given, kind, "Unspecified", details, self.unspecified(context))


def _mistake(content: bytes, form: Form) -> str:
    """What is wrong with the body; empty when it fits. Never shows the body itself."""
    try:
        return _json_mistake(content, form) if form.form == "json" else _xml_mistake(content, form)
    except (ValueError, RecursionError, XmlError):
        return f"The body is not well-formed {form.form}."


def _json_mistake(content: bytes, form: Form) -> str:
    value = json.loads(content)
    error = best_match(form.json_schema.iter_errors(value)) if form.json_schema else None
    if error is None:
        return ""
    place = "/".join(map(str, error.absolute_path)) or "(root)"
    return f"The body does not match the schema at {place[:120]}: {error.validator}."


def _xml_mistake(content: bytes, form: Form) -> str:
    root = parse_xml(content)
    if form.form == "soap":
        namespace = etree.QName(root).namespace
        parts = root.findall(f"{{{namespace}}}Body/*")
        if namespace not in _SOAP or etree.QName(root).localname != "Envelope":
            return "The body is no SOAP envelope."
    else:
        parts = [root]
    fits = form.xml_schema is None or all(form.xml_schema.validate(part) for part in parts)
    return "" if fits else "The body does not match the schema."


def _type_map(settings: Settings | None) -> TypeMap:
    if settings is None:
        return TypeMap()
    return TypeMap(
        settings.maybe(settings.text, "any-content-type-value"),
        settings.maybe(settings.text, "missing-content-type-value"),
        tuple(
            (each.maybe(each.text, "from"), each.maybe(each.boolean, "when"), each.text("to"))
            for each in settings.all("type")
        ),
    )


def _form(settings: Settings) -> Form:
    if settings.constant_bool("case-insensitive-property-names"):
        message = "JSON names are compared as they are"
        raise settings.error("unsupported", message, "remove it", at="case-insensitive-property-names")
    kind, form = settings.maybe(settings.text, "type"), settings.constant("validate-as")
    schema = _schema(settings)
    try:
        return Form(
            type=kind,
            form=form,
            action=settings.text("action"),
            json_schema=_json_schema(schema, settings) if schema and form == "json" else None,
            xml_schema=etree.XMLSchema(parse_xml(schema)) if schema and form != "json" else None,
        )
    except (ValueError, XmlError, SchemaError, etree.XMLSchemaParseError) as error:
        message = f"the schema cannot be used: {str(error).splitlines()[0]}"
        raise settings.error("bad-schema", message, at="schema-id") from None


def _schema(settings: Settings) -> bytes | None:
    name = settings.maybe(settings.constant, "schema-id")
    if name is None:
        return None
    schema = settings.services.schemas.get(name)
    if schema is None:
        remedy = "add it under schemas in the configuration"
        raise settings.error("unknown-schema", f"no schema {name!r}", remedy, at="schema-id")
    return schema


def _json_schema(text: bytes, settings: Settings) -> Draft202012Validator:
    """The schema, or the definition in it that ``schema-ref`` names; closed where the policy says so."""
    schema: dict[str, Any] = json.loads(text)
    if settings.has("schema-ref"):
        schema = {**schema, "$ref": settings.constant("schema-ref")}
    if settings.has("allow-additional-properties") and not settings.constant_bool("allow-additional-properties"):
        schema = {**schema, "unevaluatedProperties": False}
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, registry=_NO_OTHERS)
