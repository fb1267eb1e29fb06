"""
Swagger 2.0 in OpenAPI 3.0's terms: the same nodes, put where the newer version has them.

Source: Swagger 2.0, "Parameter Object", "Response Object"; APIM, "API import restrictions" (form parameters are not
looked at).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from gateway.errors import LoadError, Location
from gateway.openapi.plain import items, mapping, text
from gateway.reading.yaml_nodes import Mapping, Scalar, YamlNode

_STYLES = {"ssv": "spaceDelimited", "pipes": "pipeDelimited"}
_OWN = frozenset({"name", "in", "description", "required", "allowEmptyValue", "collectionFormat"})
_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


def parameter(node: Mapping) -> Mapping:
    """A query, path or header parameter, or a header: its type goes into a schema. Raises LoadError."""
    own = [entry for entry in node.entries if entry[0].value in _OWN - {"collectionFormat"}]
    rest = [entry for entry in node.entries if entry[0].value not in _OWN and not entry[0].value.startswith("x-")]
    extra = _serialization(node)
    return _made(node.location, *own, *extra, (_key("schema", node.location), Mapping(tuple(rest), node.location)))


def is_form(node: Mapping) -> bool:
    """Whether *node* is a parameter that travels in a form."""
    return _place(node) == "formData"


def is_body(node: Mapping) -> bool:
    """Whether *node* is a parameter that travels in the body."""
    return _place(node) in ("body", "formData")


def request_body(parameters: Sequence[Mapping], consumes: YamlNode | None) -> Mapping | None:
    """The body that *parameters* describe; None without any of those. Raises LoadError."""
    bodies = [parameter for parameter in parameters if is_body(parameter)]
    if not bodies:
        return None
    first = bodies[0]
    defaults = _FORM_TYPES if is_form(first) else ("application/json",)
    schema = None if is_form(first) else first.find("schema")
    content = _content(_types(consumes, defaults), schema, None, first.location)
    required = first.find("required") if not is_form(first) else None
    entries = [(_key("content", first.location), content)]
    return _made(first.location, *entries, *([(_key("required", first.location), required)] if required else []))


def response(node: Mapping, produces: YamlNode | None) -> Mapping:
    """A response: its schema goes into its content. Raises LoadError."""
    kept = [entry for entry in node.entries if entry[0].value not in ("schema", "examples", "headers")]
    headers = node.find("headers")
    if headers is not None:
        written = tuple((key, parameter(mapping(value))) for key, value in mapping(headers).entries)
        kept.append((_key("headers", headers.location), Mapping(written, headers.location)))
    schema, examples = node.find("schema"), node.find("examples")
    if schema is not None or examples is not None:
        content = _response_content(schema, None if examples is None else mapping(examples), produces, node.location)
        kept.append((_key("content", node.location), content))
    return _made(node.location, *kept)


def _response_content(
    schema: YamlNode | None, examples: Mapping | None, produces: YamlNode | None, at: Location
) -> Mapping:
    """The media types that are produced, and those that only an example names."""
    shown = [key.value for key, _ in examples.entries] if examples else []
    kinds = dict.fromkeys(chain(_types(produces, ("application/json",)), shown))
    return _content(kinds, schema, examples, at)


def _content(kinds: Iterable[str], schema: YamlNode | None, examples: Mapping | None, at: Location) -> Mapping:
    """One media type for each of *kinds*. A schema of type ``file`` says nothing about the body."""
    is_file = isinstance(schema, Mapping) and _text_of(schema, "type") == "file"
    shape = [] if schema is None or is_file else [(_key("schema", at), schema)]
    media_types = []
    for kind in kinds:
        example = examples.find(kind) if examples else None
        shown = [] if example is None else [(_key("example", at), example)]
        media_types.append((_key(kind, at), _made(at, *shape, *shown)))
    return Mapping(tuple(media_types), at)


def _types(node: YamlNode | None, defaults: Sequence[str]) -> list[str]:
    return list(defaults) if node is None else [text(item) for item in items(node)] or list(defaults)


def _serialization(node: Mapping) -> list[tuple[Scalar, YamlNode]]:
    """What ``collectionFormat`` says, as style and explode."""
    written = node.find("collectionFormat")
    if written is None and _text_of(node, "type") != "array":
        return []
    at, name = (written or node).location, "csv" if written is None else text(written)
    if name not in ("csv", "multi", *_STYLES):
        raise LoadError.at(at, "unsupported-style", f"the collectionFormat {name} is not supported", "use csv or multi")
    style = [(_key("style", at), _key(_STYLES[name], at))] if name in _STYLES else []
    explode = Scalar("true" if name == "multi" else "false", at, plain=True)
    return [*style, (_key("explode", at), explode)]


def _place(node: Mapping) -> str | None:
    return _text_of(node, "in")


def _text_of(node: Mapping, name: str) -> str | None:
    value = node.find(name)
    return value.value if isinstance(value, Scalar) else None


def _key(name: str, at: Location) -> Scalar:
    return Scalar(name, at)


def _made(at: Location, *entries: tuple[Scalar, YamlNode]) -> Mapping:
    return Mapping(entries, at)
