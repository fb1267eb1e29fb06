"""
A service's model: types, entity sets, singletons, functions and actions.

Names are qualified by their namespace, never by its alias. What another document defines is not known here, and what is
not known has no properties.

Source: OData CSDL XML 4.01 §6 to §13.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.errors import Location

MOST_BASES = 32  # types that one is derived from


@dataclass(frozen=True, slots=True)
class TypeRef:
    """A type's qualified name (``Edm.String``, ``Shop.Order``), and whether there is a collection of it."""

    name: str
    many: bool = False

    @property
    def item(self) -> TypeRef:
        """One of the collection."""
        return TypeRef(self.name)


@dataclass(frozen=True, slots=True)
class StructuredType:
    """
    An entity type or complex type, without what it inherits.

    Attributes:
        keys: Names, or paths such as ``Address/Zip`` without aliases; empty for complex types and where inherited.
        is_open: Whether it may have properties that are not declared.
    """

    name: str
    base: str = ""
    is_entity: bool = False
    is_open: bool = False
    has_stream: bool = False
    keys: tuple[str, ...] = ()
    properties: Mapping[str, TypeRef] = field(default_factory=dict)
    navigations: Mapping[str, TypeRef] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Callable:
    """
    One overload of a function or action.

    Attributes:
        parameters: By name; of a bound one, without the binding parameter.
        optional: Names of parameters that may be left out.
    """

    name: str
    is_action: bool
    bound_to: TypeRef | None
    parameters: Mapping[str, TypeRef]
    optional: frozenset[str]
    returns: TypeRef | None
    is_composable: bool = False


@dataclass(frozen=True, slots=True)
class ServiceModel:
    """
    The model of one service.

    Attributes:
        enumerations: Names of the members by type.
        definitions: Underlying types of type definitions.
        entity_sets, singletons: Type by name.
        function_imports, action_imports: Qualified function or action by the name of the import.
        places: Where sets, singletons and imports are written.
    """

    types: Mapping[str, StructuredType]
    enumerations: Mapping[str, frozenset[str]]
    definitions: Mapping[str, str]
    callables: Mapping[str, tuple[Callable, ...]]
    aliases: Mapping[str, str]
    entity_sets: Mapping[str, TypeRef]
    singletons: Mapping[str, TypeRef]
    function_imports: Mapping[str, str]
    action_imports: Mapping[str, str]
    places: Mapping[str, Location]

    def qualified(self, name: str) -> str:
        """*name* with its namespace instead of an alias."""
        prefix, dot, local = name.rpartition(".")
        return f"{self.aliases.get(prefix, prefix)}.{local}" if dot else name

    def lineage(self, name: str) -> Iterator[StructuredType]:
        """The type *name* and those that it is derived from."""
        for _ in range(MOST_BASES):
            structure = self.types.get(name)
            if structure is None:
                return
            yield structure
            name = structure.base

    def member(self, type_name: str, name: str) -> TypeRef | None:
        """The type of the property or navigation property *name*; None where there is none."""
        for structure in self.lineage(type_name):
            known = structure.properties.get(name) or structure.navigations.get(name)
            if known is not None:
                return known
        return None

    def navigation(self, type_name: str, name: str) -> TypeRef | None:
        """The type that the navigation property *name* leads to."""
        return next((s.navigations[name] for s in self.lineage(type_name) if name in s.navigations), None)

    def is_open(self, type_name: str) -> bool:
        """Whether the type, or one that it is derived from, may have properties that are not declared."""
        return any(structure.is_open for structure in self.lineage(type_name))

    def has_stream(self, type_name: str) -> bool:
        """Whether entities of the type are media."""
        return any(structure.has_stream for structure in self.lineage(type_name))

    def keys(self, type_name: str) -> dict[str, TypeRef]:
        """The key of an entity type, by name or alias."""
        named = next((structure.keys for structure in self.lineage(type_name) if structure.keys), ())
        return {key.rpartition("/")[2]: self._key_type(type_name, key) for key in named}

    def _key_type(self, type_name: str, path: str) -> TypeRef:
        here = TypeRef(type_name)
        for name in path.split("/"):
            here = self.member(here.name, name) or TypeRef("")
        return here

    def is_kind_of(self, name: str, other: str) -> bool:
        """Whether *name* is *other* or derived from it."""
        return any(structure.name == other for structure in self.lineage(name))

    def casts(self, name: str, target: str) -> bool:
        """Whether an instance of *name* can be taken for the *target*: one of them is derived from the other."""
        return self.is_kind_of(name, target) or self.is_kind_of(target, name)

    def bound(self, name: str, to: TypeRef) -> list[Callable]:
        """The overloads of *name* that are bound to *to*."""
        overloads = self.callables.get(self.qualified(name), ())
        return [
            overload for overload in overloads if overload.bound_to is not None and self._fits(to, overload.bound_to)
        ]

    def _fits(self, given: TypeRef, wanted: TypeRef) -> bool:
        if given.many != wanted.many:
            return False
        return wanted.name in (given.name, "Edm.EntityType") or self.is_kind_of(given.name, wanted.name)
