"""
The forms that validate-content asks of a body: JSON, XML or SOAP, with a schema of the policy or of the operation.

Source: APIM policy reference, "validate-content", ``<content>``. Without a schema the body must be well-formed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from lxml import etree
from referencing import Registry

from gateway.documents.shape import Attribute, Element, Kind
from gateway.openapi import closed, first_mistake, read_json, validator_class
from gateway.policies.parts.safe_xml import XmlError, parse_xml
from gateway.policies.parts.validation import action

if TYPE_CHECKING:
    from gateway.openapi import MediaType
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

# Schemas may refer to parts of themselves, never to what would have to be fetched.
_NO_OTHERS: Registry[Any] = Registry()

_SOAP = ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")

CONTENT = Element(
    "content",
    "One type and its form.",
    attributes=(
        Attribute("type", "The type; absent: any."),
        Attribute("validate-as", "The form.", required=True, choices=("json", "xml", "soap"), expression=False),
        Attribute(
            "schema-id", "A schema of the configuration; absent: the operation's, by its definition.", expression=False
        ),
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
class ContentForm:
    """
    One ``<content>``.

    Attributes:
        schema_id: Of the configuration; None: the operation's schema applies.
        additional: Whether JSON objects may have more properties; None: as the schema says.
        json_mistake: What is wrong with a JSON value; empty when it fits.
    """

    type: Value[str] | None
    form: str
    action: Value[str]
    on_request: bool
    schema_id: str | None = None
    additional: bool | None = None
    json_mistake: Callable[[object], str] | None = None
    xml_schema: etree.XMLSchema | None = None

    @classmethod
    def compile(cls, settings: Settings) -> ContentForm:
        """From ``<content>``. Raises LoadError: an unknown or broken schema."""
        if settings.constant_bool("case-insensitive-property-names"):
            message = "JSON names are compared as they are"
            raise settings.error("unsupported", message, "remove it", at="case-insensitive-property-names")
        name, schema = settings.maybe(settings.constant, "schema-id"), _schema(settings)
        form = settings.constant("validate-as")
        additional = settings.maybe(settings.constant_bool, "allow-additional-properties")
        try:
            return cls(
                type=settings.maybe(settings.text, "type"),
                form=form,
                action=settings.text("action"),
                on_request=settings.on_request,
                schema_id=name,
                additional=additional,
                json_mistake=_json_schema(schema, additional, settings) if schema and form == "json" else None,
                xml_schema=etree.XMLSchema(parse_xml(schema)) if schema and form != "json" else None,
            )
        except (ValueError, XmlError, SchemaError, etree.XMLSchemaParseError) as error:
            message = f"the schema cannot be used: {str(error).splitlines()[0]}"
            raise settings.error("bad-schema", message, at="schema-id") from None

    def details(self, content: bytes, given: str, declared: MediaType | None) -> str:
        """What is wrong with a body of the type *given*; empty when it fits. Never shows the body itself."""
        which = "request" if self.on_request else "response"
        try:
            name, mistake = self._mistake(content, declared)
        except (ValueError, RecursionError, XmlError):
            return f"Body of the {which} is not well-formed {self.form}."
        if not mistake:
            return ""
        return (
            f"Body of the {which} does not conform to the definition {name}, "
            f"which is associated with the content type {given[:80]}. {mistake}"
        )

    def _mistake(self, content: bytes, declared: MediaType | None) -> tuple[str, str]:
        """The schema's name, and what it finds."""
        if self.form != "json":
            return self.schema_id or self.form, _xml_mistake(parse_xml(content), self)
        value = read_json(content)
        if self.json_mistake is not None:
            return self.schema_id or "", self.json_mistake(value)
        schema = None if declared is None else declared.schema
        return ("", "") if schema is None else (schema.name, schema.mistake(value, self.on_request, self.additional))


def _xml_mistake(root: etree._Element, form: ContentForm) -> str:
    parts = [root]
    if form.form == "soap":
        namespace = etree.QName(root).namespace
        if namespace not in _SOAP or etree.QName(root).localname != "Envelope":
            return "It is no SOAP envelope."
        parts = root.findall(f"{{{namespace}}}Body/*")
    fits = form.xml_schema is None or all(form.xml_schema.validate(part) for part in parts)
    return "" if fits else "It does not match the schema."


def _schema(settings: Settings) -> bytes | None:
    name = settings.maybe(settings.constant, "schema-id")
    if name is None:
        return None
    schema = settings.services.schemas.get(name)
    if schema is None:
        remedy = "add it under schemas in the configuration"
        raise settings.error("unknown-schema", f"no schema {name!r}", remedy, at="schema-id")
    return schema


def _json_schema(text: bytes, additional: bool | None, settings: Settings) -> Callable[[object], str]:
    """The schema, or the definition in it that ``schema-ref`` names, as a check."""
    schema: dict[str, Any] = json.loads(text)
    if settings.has("schema-ref"):
        schema = {**schema, "$ref": settings.constant("schema-ref")}
    Draft202012Validator.check_schema(schema)
    kind = validator_class(settings.on_request, additional)
    validator = kind(closed(schema) if additional is False else schema, registry=_NO_OTHERS)
    return lambda value: first_mistake(validator.iter_errors(value))
