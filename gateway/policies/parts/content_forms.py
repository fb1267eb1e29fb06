"""
The forms that validate-content asks of a body: JSON, XML or SOAP, with a schema of the policy or of the operation.

Source: APIM policy reference, "validate-content", ``<content>``. Without a schema the body must be well-formed.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakValueDictionary

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from lxml import etree
from referencing import Registry

from gateway.documents.shape import Attribute, Element, Kind
from gateway.openapi import Schema, closed, first_mistake, read_json, validator_class
from gateway.openapi.json_schema import Schemas, check_references
from gateway.policies.parts.safe_xml import XmlError, parse_xml
from gateway.policies.parts.validation import action
from gateway.wire.slices import work_time
from gateway.wire.work import TURN_S, WorkExceeded

if TYPE_CHECKING:
    from gateway.openapi import MediaType
    from gateway.pipeline.beside import Beside
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.work import Work

# Schemas may refer to parts of themselves, never to what would have to be fetched.
_NO_OTHERS: Registry[Any] = Registry()

MOST_SCHEMAS = 1_024  # of a configuration, kept ready for use

# The longest body that is first tried within a turn of the loop.
SMALL = 4 * 1024

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
class JsonJudge:
    """
    A JSON schema of the configuration, as any process can apply it.

    Attributes:
        reference: The definition in it that is meant; None: the schema itself.
        additional: Whether JSON objects may have more properties; None: as in the schema.
    """

    name: str
    schema: bytes
    reference: str | None
    on_request: bool
    additional: bool | None

    def mistake(self, content: bytes, time_s: float) -> str:
        """What is wrong; empty when it fits. Raises ValueError, RecursionError: not JSON; WorkExceeded."""
        return first_mistake(_json_validator(self).iter_errors(read_json(content)), time_s)


@dataclass(frozen=True, slots=True)
class DefinitionJudge:
    """A schema of an OpenAPI definition, as any process can apply it. *schemas* is the text of all of them."""

    name: str
    schemas: bytes
    key: str
    on_request: bool
    additional: bool | None

    def mistake(self, content: bytes, time_s: float) -> str:
        """What is wrong; empty when it fits. Raises ValueError, RecursionError: not JSON; WorkExceeded."""
        schema = Schema(self.key, self.name, _definition(self.schemas))
        return schema.mistake(read_json(content), self.on_request, self.additional, time_s)


@dataclass(frozen=True, slots=True)
class XmlJudge:
    """XML or SOAP, with or without a schema."""

    name: str
    form: str
    schema: bytes | None = None

    def mistake(self, content: bytes, time_s: float) -> str:
        """What is wrong; empty when it fits. Raises XmlError: not XML."""
        root = parse_xml(content)
        parts = [root]
        if self.form == "soap":
            namespace = etree.QName(root).namespace
            if namespace not in _SOAP or etree.QName(root).localname != "Envelope":
                return "It is not a SOAP envelope."
            parts = root.findall(f"{{{namespace}}}Body/*")
        fits = self.schema is None or all(_xml_schema(self.schema).validate(part) for part in parts)
        return "" if fits else "It does not match the schema."


@dataclass(frozen=True, slots=True)
class WellFormedJson:
    """JSON without a schema."""

    name: str = ""

    def mistake(self, content: bytes, time_s: float) -> str:
        """Nothing. Raises ValueError, RecursionError: not JSON."""
        read_json(content)
        return ""


Judge: TypeAlias = JsonJudge | DefinitionJudge | XmlJudge | WellFormedJson


def _json_schema(judge: JsonJudge) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(judge.schema)
    return schema if judge.reference is None else {**schema, "$ref": judge.reference}


def _check(judge: JsonJudge) -> None:
    """Once, at load, because it takes much longer than using it. Raises ValueError, SchemaError: it cannot be used."""
    schema = _json_schema(judge)
    check_references(schema)
    Draft202012Validator.check_schema(schema)


@lru_cache(MOST_SCHEMAS)
def _json_validator(judge: JsonJudge) -> Any:
    schema = _json_schema(judge)
    kind = validator_class(judge.on_request, judge.additional)
    return kind(closed(schema) if judge.additional is False else schema, registry=_NO_OTHERS)


# What this process has read as part of a configuration is not read again with a request.
_LOADED: WeakValueDictionary[bytes, Schemas] = WeakValueDictionary()


def _definition(text: bytes) -> Schemas:
    return _LOADED.get(text) or _read_definition(text)


@lru_cache(64)
def _read_definition(text: bytes) -> Schemas:
    schemas = Schemas(json.loads(text))
    schemas.seal()
    return schemas


@lru_cache(MOST_SCHEMAS)
def _xml_schema(text: bytes) -> etree.XMLSchema:
    """Raises XmlError, XMLSchemaParseError: the schema cannot be used."""
    root = parse_xml(text)
    if root.xpath("//*[namespace-uri() = $xs][@schemaLocation]", xs="http://www.w3.org/2001/XMLSchema"):
        raise XmlError("it refers to other files, which are never read")
    return etree.XMLSchema(root)


def judged(judge: Judge, content: bytes, time_s: float) -> bytes:
    """A job: whether *content* is well-formed, and what is wrong with it, as JSON. Raises WorkExceeded."""
    try:
        return json.dumps([True, judge.mistake(content, time_s)]).encode()
    except (ValueError, RecursionError, XmlError):
        return b'[false, ""]'


@dataclass(frozen=True, slots=True)
class ContentForm:
    """
    One ``<content>``.

    Attributes:
        judge: What decides; None where the operation's definition has the schema.
        additional: Whether JSON objects may have more properties; None: as in the schema.
    """

    type: Value[str] | None
    form: str
    action: Value[str]
    on_request: bool
    beside: Beside
    schema_id: str | None = None
    additional: bool | None = None
    judge: Judge | None = None

    @classmethod
    def compile(cls, settings: Settings) -> ContentForm:
        """From ``<content>``. Raises LoadError: an unknown or broken schema."""
        if settings.constant_bool("case-insensitive-property-names"):
            message = "JSON names are compared as they are"
            raise settings.error("unsupported", message, "remove it", at="case-insensitive-property-names")
        return cls(
            type=settings.maybe(settings.text, "type"),
            form=settings.constant("validate-as"),
            action=settings.text("action"),
            on_request=settings.on_request,
            beside=settings.services.beside,
            schema_id=settings.maybe(settings.constant, "schema-id"),
            additional=settings.maybe(settings.constant_bool, "allow-additional-properties"),
            judge=_judge(settings),
        )

    def applies(self, defined: bool, declared: bool) -> bool:
        """Whether this form decides: it has a schema of its own, or no definition contradicts it."""
        return self.schema_id is not None or declared or not defined

    def details(self, content: bytes, given: str, declared: MediaType | None, work: Work) -> str | Awaitable[str]:
        """
        What is wrong with a body of the type *given*; empty when it fits. Never shows the body itself.

        Raises:
            WorkExceeded: Checking takes more than is left of *work*.
        """
        judge = self.judge or self._of_definition(declared)
        if len(content) > SMALL:
            return self._beside(judge, content, given, work)
        begun = work_time()
        try:
            verdict = judged(judge, content, min(TURN_S / 2, work.time_s))
        except WorkExceeded:
            return self._beside(judge, content, given, work)
        finally:
            work.used(work_time() - begun)
        return self._told(judge.name, given, verdict)

    async def _beside(self, judge: Judge, content: bytes, given: str, work: Work) -> str:
        verdict = await self.beside.run(work, judged, judge, content, work.time_s)
        return self._told(judge.name, given, verdict)

    def _told(self, name: str, given: str, verdict: bytes) -> str:
        which = "request" if self.on_request else "response"
        well_formed, mistake = json.loads(verdict)
        if not well_formed:
            return f"Body of the {which} is not well-formed {self.form}."
        if not mistake:
            return ""
        return (
            f"Body of the {which} does not conform to the definition {name}, "
            f"which is associated with the content type {given[:80]}. {mistake}"
        )

    def _of_definition(self, declared: MediaType | None) -> Judge:
        """The operation's own schema."""
        schema = None if declared is None else declared.schema
        if schema is None:
            return WellFormedJson()
        _LOADED.setdefault(schema.among.text, schema.among)
        return DefinitionJudge(schema.name, schema.among.text, schema.key, self.on_request, self.additional)


# What a schema that cannot be used leads to.
_UNUSABLE = (ValueError, RecursionError, XmlError, SchemaError, etree.XMLSchemaParseError)


def schema_mistake(text: bytes) -> str:
    """Why *text* cannot be used as a schema, of XML where it looks like XML, else of JSON; empty where it can."""
    try:
        if text.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
            _xml_schema(text)
        else:
            _check(JsonJudge("", text, None, on_request=True, additional=None))
    except _UNUSABLE as error:
        return _reason(error)
    return ""


def _reason(error: Exception) -> str:
    """What is wrong with a schema, in its own words instead of a body's."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return f"it is not JSON: line {error.lineno}, column {error.colno}"
    return str(error).splitlines()[0].replace("the body ", "it ")


def _judge(settings: Settings) -> Judge | None:
    """What the policy itself decides by; None: the definition. Raises LoadError: an unknown or broken schema."""
    schema = _schema(settings)
    try:
        is_json = settings.constant("validate-as") == "json"
        return _json_judge(settings, schema) if is_json else _xml_judge(settings, schema)
    except _UNUSABLE as error:
        message = f"the schema cannot be used: {_reason(error)}"
        remedy = "mend the file that the configuration names under schemas"
        raise settings.error("bad-schema", message, remedy, at="schema-id") from None


def _xml_judge(settings: Settings, schema: bytes | None) -> Judge:
    if schema is not None:
        _xml_schema(schema)
    form = settings.constant("validate-as")
    return XmlJudge(settings.maybe(settings.constant, "schema-id") or form, form, schema)


def _json_judge(settings: Settings, schema: bytes | None) -> Judge | None:
    if schema is None:
        return None
    judge = JsonJudge(
        name=settings.constant("schema-id"),
        schema=schema,
        reference=settings.maybe(settings.constant, "schema-ref"),
        on_request=settings.on_request,
        additional=settings.maybe(settings.constant_bool, "allow-additional-properties"),
    )
    _check(judge)
    _json_validator(judge)
    return judge


def _schema(settings: Settings) -> bytes | None:
    name = settings.maybe(settings.constant, "schema-id")
    if name is None:
        return None
    schema = settings.services.schemas.get(name)
    if schema is None:
        remedy = "add it under schemas in the configuration"
        raise settings.error("unknown-schema", f"no schema {name!r}", remedy, at="schema-id")
    return schema
