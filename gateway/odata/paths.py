"""
The path of a request, from the service's root: which resource it is, step by step.

Source: OData URL Conventions 4.01 §4; OData ABNF Construction Rules 4.01, "Resource Path".
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from urllib.parse import unquote_to_bytes

from gateway.odata.expressions import ExpressionScope, ODataExpression, Value, matching
from gateway.odata.failures import ODataMismatch, shown
from gateway.odata.kinds import STRUCTURE, comparable, fits_integer, kind_of
from gateway.odata.metadata import Callable, ServiceModel, TypeRef
from gateway.odata.tokens import WordStream

PART = "path"
MOST_SEGMENTS = 32

_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")

# What else can stand at the root; everything else is a name of the entity container.
SERVICE, METADATA = "", "$metadata"


@dataclass(frozen=True, slots=True)
class AddressedResource:
    """
    What a path addresses.

    Attributes:
        type: None: something without a type, such as the service document.
        form: ``resource``, ``count``, ``value``, ``reference``, ``action``, ``service``, ``metadata``.
    """

    type: TypeRef | None
    form: str = "resource"


def decoded(text: str, part: str) -> str:
    """*text* without percent-encoding. Raises ODataMismatch: it is not UTF-8, or is encoded twice."""
    try:
        plain = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise ODataMismatch(part, "the percent-encoding is not of UTF-8") from None
    if _ESCAPE.search(plain):
        raise ODataMismatch(part, "it is percent-encoded twice, and servers differ about what that means")
    if any(character < " " for character in plain):
        raise ODataMismatch(part, "it has a control character")
    return plain


def first_name(path: str) -> str:
    """The name that the first segment of *path* begins with: of a set, singleton or import. Raises ODataMismatch."""
    return decoded(path.removeprefix("/").partition("/")[0], PART).partition("(")[0]


def resource_at(path: str, metadata: ServiceModel, aliases: Collection[str]) -> AddressedResource:
    """What *path* addresses below the service's root. Raises ODataMismatch: nothing that *metadata* has."""
    segments = path.removeprefix("/").split("/")
    if len(segments) > MOST_SEGMENTS:
        raise ODataMismatch(PART, f"more than {MOST_SEGMENTS} segments")
    walk = _PathWalk(metadata, aliases)
    here = walk.root(decoded(segments[0], PART))
    for segment in segments[1:]:
        here = walk.next(here, decoded(segment, PART))
    return here


class _PathWalk:
    """The steps of one path."""

    def __init__(self, metadata: ServiceModel, aliases: Collection[str]) -> None:
        self._metadata = metadata
        self._aliases = aliases

    def root(self, segment: str) -> AddressedResource:
        """What the first *segment* stands for."""
        if segment in (SERVICE, METADATA):
            return AddressedResource(None, "metadata" if segment else "service")
        name, bracket, rest = segment.partition("(")
        metadata = self._metadata
        kind = metadata.entity_sets.get(name) or metadata.singletons.get(name)
        if kind is not None:
            return self._keyed(AddressedResource(kind), bracket + rest)
        qualified = metadata.function_imports.get(name)
        if qualified is not None:
            return self._called(self._unbound(qualified), bracket + rest, name)
        if name in metadata.action_imports and not bracket:
            return AddressedResource(None, "action")
        raise ODataMismatch(PART, f"the service has no {shown(name)}")

    def _unbound(self, qualified: str) -> list[Callable]:
        return [overload for overload in self._metadata.callables.get(qualified, ()) if overload.bound_to is None]

    def next(self, here: AddressedResource, segment: str) -> AddressedResource:
        """What *segment* stands for behind *here*."""
        if here.form != "resource" or here.type is None or not segment:
            raise ODataMismatch(
                PART, f"nothing can follow a {here.form}: {shown(segment)}" if segment else "an empty segment"
            )
        if segment.startswith("$"):
            return self._system(here.type, segment)
        name, bracket, rest = segment.partition("(")
        if "." in name:
            return self._qualified(here.type, name, bracket + rest)
        return self._property(here.type, name, bracket + rest)

    def _system(self, here: TypeRef, segment: str) -> AddressedResource:
        kind = kind_of(here.item, self._metadata)
        has_value = kind != STRUCTURE or self._metadata.has_stream(here.name)
        possible = {
            "$count": ("count", here.many),
            "$ref": ("reference", self._is_entity(here.name)),
            "$value": ("value", has_value and not here.many),
        }
        form, is_possible = possible.get(segment, ("", False))
        if is_possible:
            return AddressedResource(here, form)
        raise ODataMismatch(PART, f"{shown(segment)} is not possible behind {here.name}")

    def _is_entity(self, name: str) -> bool:
        return any(structure.is_entity for structure in self._metadata.lineage(name))

    def _property(self, here: TypeRef, name: str, rest: str) -> AddressedResource:
        if here.many:
            raise ODataMismatch(
                PART, f"a collection of {here.name} has no property {shown(name)}; keys are in brackets"
            )
        known = self._metadata.member(here.name, name)
        if known is None and not self._metadata.is_open(here.name):
            raise ODataMismatch(PART, f"{here.name} has no property {shown(name)}")
        if rest and (known is None or self._metadata.navigation(here.name, name) is None):
            raise ODataMismatch(PART, f"{shown(name)} has no key")
        return self._keyed(AddressedResource(known), rest)

    def _qualified(self, here: TypeRef, name: str, rest: str) -> AddressedResource:
        metadata = self._metadata
        qualified = metadata.qualified(name)
        if qualified in metadata.types:
            if not metadata.casts(here.name, qualified):
                raise ODataMismatch(PART, f"{shown(name)} is not derived from {here.name}")
            return self._keyed(AddressedResource(replace(here, name=qualified)), rest)
        overloads = metadata.bound(name, here)
        if not overloads:
            raise ODataMismatch(PART, f"{shown(name)} is neither a type nor a function or action of {here.name}")
        if overloads[0].is_action and not rest:
            return AddressedResource(None, "action")
        return self._called(overloads, rest, name)

    def _called(self, overloads: list[Callable], rest: str, name: str) -> AddressedResource:
        """A function with its parameters, and a key of what it returns."""
        tokens = WordStream(rest or "()", PART)
        names = ODataExpression(tokens, self._scope()).arguments()
        chosen = matching([overload for overload in overloads if not overload.is_action], names)
        if chosen is None:
            raise ODataMismatch(PART, f"there is no function {shown(name)} with these parameters")
        here = AddressedResource(chosen.returns)
        return self._keyed(here, rest[tokens.here.start :] if rest else "")

    def _keyed(self, here: AddressedResource, key: str) -> AddressedResource:
        """*here* with the *key* in brackets."""
        if not key:
            return here
        if here.type is None or not here.type.many or not self._is_entity(here.type.name):
            raise ODataMismatch(PART, f"{shown(key)} is a key of something that is not a collection of entities")
        self._check_key(WordStream(key, PART), self._metadata.keys(here.type.name))
        return AddressedResource(here.type.item)

    def _check_key(self, tokens: WordStream, keys: dict[str, TypeRef]) -> None:
        tokens.expect("(")
        if tokens.here.kind == "name" and tokens.ahead(1).text == "=":
            self._check_named(tokens, keys)
        elif len(keys) == 1:
            self._check_part(tokens, next(iter(keys.values())))
        else:
            raise tokens.error(f"the key has the parts {', '.join(keys) or 'none'}")
        tokens.expect(")")
        tokens.end()

    def _check_named(self, tokens: WordStream, keys: dict[str, TypeRef]) -> None:
        seen: set[str] = set()
        while True:
            name = tokens.take().text
            if name not in keys or name in seen:
                raise ODataMismatch(PART, f"{shown(name)} is not a part of the key, or is given twice")
            seen.add(name)
            tokens.expect("=")
            self._check_part(tokens, keys[name])
            if not tokens.takes(","):
                break
        if seen != set(keys):
            raise ODataMismatch(PART, f"the key has the parts {', '.join(keys)}")

    def _check_part(self, tokens: WordStream, wanted: TypeRef) -> None:
        """One value of a key: a literal or an alias, of the right kind."""
        is_negative = tokens.takes("-")
        token = tokens.here
        value = self._literal(tokens)
        if not comparable(kind_of(wanted, self._metadata), value.kind) or value.kind == "null":
            raise ODataMismatch(PART, f"{shown(token.text)} is not of the type {wanted.name}")
        if token.kind == "number" and not fits_integer(wanted.name, token, is_negative):
            raise ODataMismatch(PART, f"{shown(token.text)} is not of the type {wanted.name}")

    def _literal(self, tokens: WordStream) -> Value:
        if tokens.here.text in ("(", "-"):
            raise tokens.error("a literal is expected")
        return ODataExpression(tokens, self._scope()).value()

    def _scope(self) -> ExpressionScope:
        return ExpressionScope(self._metadata, None, aliases=self._aliases)
