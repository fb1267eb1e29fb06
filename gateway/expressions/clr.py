"""
The model of .NET types that the allow-list is written in, and that the compiler binds against.

A :class:`TypeDef` is one entry of the allow-list (``List<T>``); a :class:`Type` is it with its type arguments
(``List<string>``). Equal types are the same object. A member exists only if a table of ``gateway/expressions/types``
has it: there is no other way from an expression to anything in Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Protocol, TypeVar

Call = Callable[..., object]
Known = TypeVar("Known")
Bindings = Mapping[str, "Type"]


@dataclass(eq=False, slots=True, weakref_slot=True)
class TypeDef:
    """
    One allowed type.

    Attributes:
        full_name: ``System.String``; also how expressions may spell it.
        parameters: Names of the type parameters, such as ``("K", "V")``.
        kind: class, struct, interface, enum, delegate, static, or one of our own: dynamic, null, void,
        variable.
        parents: Base type and interfaces, as C# text.
        table: Signature text → Python callable (a pair of getter and setter, or a constant value).
        keyword: C#'s keyword for it (``string``).
        default: The value of ``default(T)``; None for reference types.
        make_default: The same for a struct with type parameters: a function of the constructed type.
        price: The price of members whose rows in the table have none; see ``prices``.
        explicit: Names of interface members that a value of this type has only where it is seen as the interface.
    """

    full_name: str
    parameters: tuple[str, ...] = ()
    kind: str = "class"
    parents: tuple[str, ...] = ()
    table: dict[str, object] = field(default_factory=dict)
    keyword: str = ""
    default: object = None
    make_default: Callable[[Type], object] | None = None
    members: dict[str, list[Member]] | None = None
    values: dict[str, int] = field(default_factory=dict)
    price: str = ""
    explicit: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The short name; that of the inner one for a class inside of another."""
        return self.full_name.rpartition(".")[2].rpartition("+")[2]


class Notation(Protocol):
    """How the texts of a table are read."""

    def read_type(self, text: str, bindings: Bindings) -> Type:
        """A type such as ``IEnumerable<KeyValuePair<K, V>>``."""
        ...

    def read_member(self, owner: TypeDef, signature: str, call: object) -> Member:
        """One row of a member table."""
        ...


_INTERNED: dict[tuple[object, ...], Type] = {}


class Type:
    """
    A type with its arguments; made only by :func:`make`, so that equal types are identical.

    Attributes:
        notation: Parses the types and members in tables. Set by ``signatures``, which is built on this model.
        names: Names of a tuple type's elements, empty for an element without one; names do not make it another type.
        plain: This type without any names of elements.
    """

    notation: ClassVar[Notation]

    def __init__(self, definition: TypeDef, args: tuple[Type, ...], names: tuple[str, ...] = ()) -> None:
        self.definition = definition
        self.args = args
        self.names = names
        self.plain: Type = self
        self.kind = definition.kind
        self.is_value = definition.kind in ("struct", "enum")
        self._members: dict[str, list[Candidate]] = {}

    @cached_property
    def name(self) -> str:
        """Its name in C#, for error messages."""
        if self.definition is ARRAY:
            return f"{self.args[0].name}[]"
        if self.definition is NULLABLE:
            return f"{self.args[0].name}?"
        if self.definition.name.startswith("Array["):  # of several dimensions
            return f"{self.args[0].name}{self.definition.name.removeprefix('Array')}"
        short = self.definition.keyword or self.definition.name
        return f"{short}<{', '.join(arg.name for arg in self.args)}>" if self.args else short

    @cached_property
    def full_name(self) -> str:
        """How .NET's ``Type.ToString()`` writes it."""
        if self.definition is ARRAY:
            return f"{self.args[0].full_name}[]"
        if not self.args:
            return self.definition.full_name
        return f"{self.definition.full_name}`{len(self.args)}[{','.join(arg.full_name for arg in self.args)}]"

    @property
    def default(self) -> object:
        """The value of ``default(T)``."""
        make_default = self.definition.make_default
        return self.definition.default if make_default is None else make_default(self)

    @cached_property
    def bindings(self) -> Bindings:
        """Type parameter → argument."""
        return dict(zip(self.definition.parameters, self.args, strict=False))

    @cached_property
    def parents(self) -> tuple[Type, ...]:
        """The direct base type and interfaces."""
        return tuple(self.notation.read_type(text, self.bindings) for text in self.definition.parents)

    @cached_property
    def ancestors(self) -> tuple[Type, ...]:
        """This type and everything it derives from, nearest first."""
        nearest: dict[Type, None] = {self: None}
        for parent in self.parents:
            nearest.update(dict.fromkeys(parent.ancestors))
        if self.kind in ("class", "struct", "enum", "interface", "delegate", "static"):
            nearest.setdefault(OBJECT, None)
        return tuple(nearest)

    @cached_property
    def is_open(self) -> bool:
        """Whether it contains an unbound type variable."""
        return self.kind == "variable" or any(arg.is_open for arg in self.args)

    def find(self, name: str) -> list[Candidate]:
        """Members called *name*, own and inherited, with the bindings of the type that declares them."""
        if name in self.names:
            name = f"Item{self.names.index(name) + 1}"
        candidates = self._members.get(name)
        if candidates is None:
            explicit = name in self.definition.explicit
            candidates = [
                Candidate(member, ancestor.bindings)
                for ancestor in self.ancestors
                if not (explicit and ancestor.kind == "interface")
                for member in declared(ancestor.definition).get(name, ())
            ]
            self._members[name] = candidates
        return candidates

    def as_definition(self, definition: TypeDef) -> Type | None:
        """The constructed ancestor of *definition*: ``List<int>`` seen as IEnumerable gives ``IEnumerable<int>``."""
        return next((ancestor for ancestor in self.ancestors if ancestor.definition is definition), None)

    def substitute(self, bindings: Bindings) -> Type:
        """This type with its variables replaced; an unknown variable stays."""
        if self.kind == "variable":
            return bindings.get(self.definition.full_name, self)
        if not self.is_open:
            return self
        return make(self.definition, *(arg.substitute(bindings) for arg in self.args), names=self.names)

    def closed(self) -> Type:
        """This type with dynamic in place of every variable that inference left open."""
        if self.kind == "variable":
            return DYNAMIC
        return make(self.definition, *(arg.closed() for arg in self.args), names=self.names) if self.is_open else self

    def __repr__(self) -> str:
        return f"<{self.name}>"


def make(definition: TypeDef, *args: Type, names: tuple[str, ...] = ()) -> Type:
    """The one Type of *definition* with *args* and *names* of tuple elements."""
    key = (definition, *args, *names)
    interned = _INTERNED.get(key)
    if interned is None:
        interned = _INTERNED[key] = Type(definition, args, names)
        plain = [arg.plain for arg in args]
        if names or any(arg is not bare for arg, bare in zip(args, plain, strict=True)):
            interned.plain = make(definition, *plain)
    return interned


@dataclass(slots=True, frozen=True)
class MethodParameter:
    """One parameter; *mode* is "", "out", "params" or "optional" (then *default* counts)."""

    name: str
    type: Type
    mode: str = ""
    default: object = None


@dataclass(slots=True, frozen=True, eq=False)
class Member:
    """
    One allowed member.

    Attributes:
        kind: method, property, indexer, constructor or constant.
        generic: The Python function wants the type arguments, a tuple of Type, as its first argument.
        constraint: Of the last type argument: ``numeric``, where the row replaces C#'s ten overloads for numbers,
        ``enums``, or empty.
        call: Function of (receiver, *arguments); without receiver when static.
        long: A call of it may take long, depending on its arguments.
        store: The setter of a property or indexer, if it has one.
    """

    name: str
    kind: str
    owner: TypeDef
    type: Type
    call: Call
    price: str = ""
    long: bool = False
    static: bool = False
    extension: bool = False
    generic: bool = False
    constraint: str = ""
    type_parameters: tuple[str, ...] = ()
    parameters: tuple[MethodParameter, ...] = ()
    store: Call | None = None


@dataclass(slots=True, frozen=True, eq=False)
class Candidate:
    """A member as seen from one constructed type."""

    member: Member
    bindings: Bindings


# --- The few types that the engine itself must know -------------------------------------------------------------------

OBJECT_DEF = TypeDef("System.Object", keyword="object")
ARRAY = TypeDef("System.Array", ("T",), "class", ("IList<T>", "IReadOnlyList<T>", "Array"))
ARRAY.explicit = frozenset("Count Add Remove Contains Clear IndexOf Insert RemoveAt IsReadOnly".split())
NULLABLE = TypeDef("System.Nullable", ("T",), "nullable")
OBJECT = make(OBJECT_DEF)
DYNAMIC = make(TypeDef("dynamic", kind="dynamic", keyword="dynamic"))
NULL = make(TypeDef("null", kind="null", keyword="null"))
VOID = make(TypeDef("System.Void", kind="void", keyword="void"))

DEFINITIONS: dict[str, TypeDef] = {"System.Object": OBJECT_DEF}
SHORT_NAMES: dict[str, list[TypeDef]] = {"Object": [OBJECT_DEF]}
KEYWORDS: dict[str, Type] = {"object": OBJECT, "dynamic": DYNAMIC, "void": VOID}
NAMESPACES: set[str] = set()
EXTENSIONS: dict[str, list[Member]] = {}
EXTENSION_TYPES: list[TypeDef] = []


def variable(name: str) -> Type:
    """The type variable *name*."""
    key = ("variable", name)
    interned = _INTERNED.get(key)
    if interned is None:
        interned = _INTERNED[key] = Type(TypeDef(name, kind="variable"), ())
    return interned


def find_definition(name: str, arity: int = 0) -> TypeDef | None:
    """The allowed type with this short or full name and number of type parameters."""
    if "." in name:
        return DEFINITIONS.get(f"{name}`{arity}" if arity else name)
    return next((definition for definition in SHORT_NAMES.get(name, ()) if len(definition.parameters) == arity), None)


def definition_of(name: str, arity: int = 0) -> TypeDef:
    """An allowed type that the engine itself needs."""
    definition = find_definition(name, arity)
    if definition is None:
        raise LookupError(f"{name} is not on the allow-list")
    return definition


class MissingPart(LookupError):
    """A part of the syntax tree is missing: the parser accepted text that is not C#."""


def certain(value: Known | None) -> Known:
    """A value that exists whenever the syntax tree and the tables are as they must be."""
    if value is None:
        raise MissingPart("a part is missing that the grammar or the tables promise")
    return value


def nullable(inner: Type) -> Type:
    """``T?``; for a reference type just the type."""
    return make(NULLABLE, inner) if inner.is_value else inner


def array_of(element: Type) -> Type:
    """``T[]``."""
    return make(ARRAY, element)


def underlying(clr_type: Type) -> Type:
    """The T of ``T?``, or the type itself."""
    return clr_type.args[0] if clr_type.definition is NULLABLE else clr_type


def extensions(name: str) -> list[Member]:
    """Extension methods called *name*."""
    while EXTENSION_TYPES:
        declared(EXTENSION_TYPES.pop())
    return EXTENSIONS.get(name, [])


def declared(definition: TypeDef) -> dict[str, list[Member]]:
    """The members of one type by name; their signatures are read when first asked for."""
    if definition.members is None:
        definition.members = {}
        for signature, call in definition.table.items():
            _declare(definition.members, Type.notation.read_member(definition, signature, call))
    return definition.members


def _declare(members: dict[str, list[Member]], member: Member) -> None:
    members.setdefault(member.name, []).append(member)
    if member.extension:
        EXTENSIONS.setdefault(member.name, []).append(member)
