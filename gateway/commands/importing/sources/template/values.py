"""
The values of template expressions, as YamlNodes: texts are quoted scalars, numbers and booleans plain ones.

Source: "Data types in ARM templates".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

import yaml

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.template.limits import MAX_VALUES, EvaluationFault, check_length
from gateway.errors import Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

_YamlLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_LONGEST_NAME = 60


# -- making values
def text(value: str, location: Location) -> Scalar:
    """A string."""
    return Scalar(value, location)


def number(value: int, location: Location) -> Scalar:
    """An integer; templates have no fractions."""
    return Scalar(str(value), location, plain=True)


def boolean(value: bool, location: Location) -> Scalar:
    """true or false."""
    return Scalar("true" if value else "false", location, plain=True)


def null(location: Location) -> Scalar:
    """null."""
    return Scalar("", location, null=True, plain=True)


def unknown(name: str, location: Location, because_of: Iterable[YamlNode] = (), *, secret: bool = False) -> Unresolved:
    """A value that only a deployment knows, called *name*; it is a secret when one of *because_of* is."""
    label = shortened(name)
    secret = secret or any(leaf.secret for value in because_of for leaf in unresolved_in(value))
    return Unresolved("{" + label + "}", location, names=(label,), secret=secret)


def shortened(name: str) -> str:
    """*name* as it stands between braces: one line, without braces, not too long."""
    line = " ".join(name.replace("{", "(").replace("}", ")").split())
    return line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 1] + "…"


def plain_data(value: object, location: Location) -> YamlNode:
    """What the json or yaml module made of a text, every part at *location*."""
    if isinstance(value, dict):
        entries = ((Scalar(str(key), location), plain_data(part, location)) for key, part in value.items())
        return Mapping(tuple(entries), location)
    if isinstance(value, list):
        return Sequence(tuple(plain_data(part, location) for part in value), location)
    if isinstance(value, bool | int | float):
        return Scalar(json.dumps(value), location, plain=True)
    return null(location) if value is None else text(str(value), location)


def from_json(text_of_json: str, location: Location) -> YamlNode:
    """
    The value that a text of JSON is, every part at *location*.

    Raises:
        EvaluationFault: Not JSON.
    """
    try:
        return plain_data(json.loads(text_of_json), location)
    except (ValueError, RecursionError):
        raise EvaluationFault(location, "the text is not JSON") from None


def from_yaml(text_of_yaml: bytes, location: Location) -> YamlNode:
    """
    The value that a text of YAML is, anchors and aliases written out, every part at *location*.

    Raises:
        EvaluationFault: Not YAML, or larger than a value may be.
    """
    try:
        root = yaml.load(text_of_yaml, Loader=_YamlLoader)  # noqa: S506 - it makes plain values alone
        _check_size(root, location)
        return plain_data(root, location)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise EvaluationFault(location, "the text is not YAML") from None


def _check_size(root: object, location: Location) -> None:
    """Refuse what aliases make larger than a value may be."""
    waiting, visited = [root], 0
    while waiting:
        part = waiting.pop()
        visited += 1
        if visited > MAX_VALUES:
            raise EvaluationFault(location, f"a value of more than {MAX_VALUES:,} parts")
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


# -- asking values
def kind(value: YamlNode) -> str:
    """``string``, ``int``, ``float``, ``bool``, ``null``, ``array``, ``object`` or ``unknown``."""
    if isinstance(value, Unresolved):
        return "unknown"
    if isinstance(value, Scalar):
        return _scalar_kind(value)
    return "array" if isinstance(value, Sequence) else "object"


def _scalar_kind(value: Scalar) -> str:
    if value.null:
        return "null"
    if not value.plain:
        return "string"
    if value.value in ("true", "false"):
        return "bool"
    if _INTEGER.fullmatch(value.value):
        return "int"
    return "float" if _NUMBER.fullmatch(value.value) else "string"


def parts_of(value: YamlNode) -> Iterator[YamlNode]:
    """
    *value* and everything in it, in order.

    Raises:
        EvaluationFault: More than MAX_VALUES. Lists may hold the same list many times over: a short template
            can make a value of 2⁶⁰ parts that takes no memory until somebody visits it.
    """
    waiting = [value]
    visited = 0
    while waiting:
        part = waiting.pop()
        visited += 1
        if visited > MAX_VALUES:
            raise EvaluationFault(value.location, f"a value of more than {MAX_VALUES:,} parts")
        yield part
        if isinstance(part, Sequence):
            waiting.extend(reversed(part.items))
        elif isinstance(part, Mapping):
            waiting.extend(entry for _, entry in reversed(part.entries))


def unresolved_in(value: YamlNode) -> Iterator[Unresolved]:
    """Every unknown part of *value*."""
    return (part for part in parts_of(value) if isinstance(part, Unresolved))


def is_opaque(value: YamlNode) -> bool:
    """Nothing of the text *value* is known."""
    return isinstance(value, Unresolved) and value.value == "".join(f"{{{name}}}" for name in value.names)


def is_known(value: YamlNode) -> bool:
    """No part of *value* is unknown."""
    return next(unresolved_in(value), None) is None


def as_text(value: YamlNode) -> str:
    """
    The string *value*.

    Raises:
        EvaluationFault: Not a string.
    """
    if isinstance(value, Scalar) and kind(value) in ("string", "unknown"):
        return value.value
    raise EvaluationFault(value.location, f"a string is needed, not {article(value)}")


def as_integer(value: YamlNode) -> int:
    """
    The integer *value*.

    Raises:
        EvaluationFault: Not an integer.
    """
    if isinstance(value, Scalar) and kind(value) == "int":
        return int(value.value)
    raise EvaluationFault(value.location, f"an integer is needed, not {article(value)}")


def as_boolean(value: YamlNode) -> bool:
    """
    The boolean *value*.

    Raises:
        EvaluationFault: Not a boolean.
    """
    if isinstance(value, Scalar) and kind(value) == "bool":
        return value.value == "true"
    raise EvaluationFault(value.location, f"a boolean is needed, not {article(value)}")


def as_items(value: YamlNode) -> tuple[YamlNode, ...]:
    """
    The items of the array *value*.

    Raises:
        EvaluationFault: Not an array.
    """
    if isinstance(value, Sequence):
        return value.items
    raise EvaluationFault(value.location, f"an array is needed, not {article(value)}")


def as_object(value: YamlNode) -> Mapping:
    """
    The object *value*.

    Raises:
        EvaluationFault: Not an object.
    """
    if isinstance(value, Mapping):
        return value
    raise EvaluationFault(value.location, f"an object is needed, not {article(value)}")


def article(value: YamlNode) -> str:
    """The kind of *value* with its article."""
    name = kind(value)
    return f"{'an' if name[0] in 'aiou' else 'a'} {name}" if name != "null" else "null"


def find_any_case(value: Mapping, key: str) -> YamlNode | None:
    """The entry *key* of *value*; templates ignore the case of names."""
    exact = value.find(key)
    if exact is not None:
        return exact
    lower = key.lower()
    return next((entry for name, entry in value.entries if name.value.lower() == lower), None)


def with_entries(value: Mapping, entries: dict[str, YamlNode]) -> Mapping:
    """*value* with *entries* replaced or added."""
    kept = tuple(entry for entry in value.entries if entry[0].value not in entries)
    return Mapping(kept + tuple((Scalar(key, part.location), part) for key, part in entries.items()), value.location)


def equal(left: YamlNode, right: YamlNode) -> bool:
    """Whether two known values are the same: kind, text, items, entries in any order."""
    for part in (left, right):
        sum(1 for _ in parts_of(part))  # refuses what is too large to compare
    return _same(left, right)


def _same(left: YamlNode, right: YamlNode) -> bool:
    if kind(left) != kind(right):
        return False
    match left, right:
        case (Mapping(), Mapping()):
            return _same_entries(left, right)
        case (Sequence(), Sequence()):
            return len(left.items) == len(right.items) and all(map(_same, left.items, right.items))
        case (Scalar(), Scalar()):
            return left.value == right.value
    return False


def _same_entries(left: Mapping, right: Mapping) -> bool:
    others = {name.value: value for name, value in right.entries}
    if len(left.entries) != len(others):
        return False
    return all(name.value in others and _same(value, others[name.value]) for name, value in left.entries)


# -- values as text
def joined(parts: Iterable[YamlNode], location: Location) -> Scalar:
    """The text that scalars make together: known as far as they are."""
    listed, texts, length = list(parts), [], 0
    for part in listed:
        texts.append(displayed(part))
        length += len(texts[-1])
        check_length(length, location)
    holes = dict.fromkeys(name for part in listed for leaf in unresolved_in(part) for name in leaf.names)
    known = text("".join(_known(part) for part in listed), location)
    if any(has_literally(part, holes) for part in (known, *listed)):
        return opaque(location, listed)
    return depending("".join(texts), location, listed)


def _known(part: YamlNode) -> str:
    return "\0" if isinstance(part, Unresolved) else displayed(part)


def has_literally(text_of: YamlNode, names: Iterable[str]) -> bool:
    """Whether a text has one of *names* in braces for something else: ``/orders/{id}``, beside a parameter id."""
    own = text_of.names if isinstance(text_of, Unresolved) else ()
    return isinstance(text_of, Scalar) and any(f"{{{name}}}" in text_of.value for name in names if name not in own)


def opaque(location: Location, sources: Iterable[YamlNode]) -> Unresolved:
    """A text of which nothing can be said, made of *sources*."""
    unknown = [part for source in sources for part in unresolved_in(source)]
    names = tuple(dict.fromkeys(name for part in unknown for name in part.names))
    shown = "".join(f"{{{name}}}" for name in names)
    return Unresolved(shown, location, names=names, secret=any(part.secret for part in unknown))


def depending(shown: str, location: Location, sources: Iterable[YamlNode]) -> Scalar:
    """The text *shown*, unknown as far as one of *sources* is, which it was made of."""
    unknown = [part for source in sources for part in unresolved_in(source)]
    if not unknown:
        return text(shown, location)
    names = dict.fromkeys(name for part in unknown for name in part.names)
    return Unresolved(shown, location, names=tuple(names), secret=any(part.secret for part in unknown))


def split(value: Scalar, delimiters: Iterable[str]) -> list[Scalar]:
    """The parts of a text between any of *delimiters*; those inside ``{…}`` of an unknown part divide nothing."""
    wanted = "|".join(map(re.escape, filter(None, delimiters)))
    if not wanted:
        return [value]
    pattern = f"{_holes(value)}|(?P<at>{wanted})"
    marks = [mark.span() for mark in re.finditer(pattern, value.value) if mark["at"]]
    edges = [0, *(edge for mark in marks for edge in mark), len(value.value)]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [_part(value.value[start:end], value) for start, end in pairs]


def _holes(value: Scalar) -> str:
    """A pattern for what is unknown in *value*; one that matches nothing where all is known."""
    names = value.names if isinstance(value, Unresolved) else ()
    return "|".join([*(re.escape(f"{{{name}}}") for name in names), "(?!)"])


def _part(part: str, whole: Scalar) -> Scalar:
    names = whole.names if isinstance(whole, Unresolved) else ()
    inside = tuple(name for name in names if f"{{{name}}}" in part)
    secret = isinstance(whole, Unresolved) and whole.secret
    return Unresolved(part, whole.location, names=inside, secret=secret) if inside else text(part, whole.location)


def displayed(value: YamlNode) -> str:
    """*value* as `format` and interpolation write it: ``True``, ``7``, JSON for arrays and objects."""
    if not isinstance(value, Scalar):
        return as_json(value)
    return value.value.capitalize() if kind(value) == "bool" else value.value


def as_json(value: YamlNode) -> str:
    """
    *value* as JSON without blanks, as `string` writes it.

    Raises:
        EvaluationFault: Longer than a text may be.
    """
    check_length(sum(len(part.value) for part in parts_of(value) if isinstance(part, Scalar)), value.location)
    return "".join(_json_pieces(value))


def _json_pieces(value: YamlNode) -> Iterator[str]:
    if isinstance(value, Scalar):
        yield (
            json.dumps(value.value, ensure_ascii=False)
            if kind(value) in ("string", "unknown")
            else value.value or "null"
        )
        return
    yield "[" if isinstance(value, Sequence) else "{"
    if isinstance(value, Sequence):
        yield from _listed(value.items)
    else:
        yield from _members(value)
    yield "]" if isinstance(value, Sequence) else "}"


def _listed(items: tuple[YamlNode, ...]) -> Iterator[str]:
    for position, item in enumerate(items):
        yield "," if position else ""
        yield from _json_pieces(item)


def _members(value: Mapping) -> Iterator[str]:
    for position, (key, entry) in enumerate(value.entries):
        yield "," if position else ""
        yield json.dumps(key.value, ensure_ascii=False) + ":"
        yield from _json_pieces(entry)
