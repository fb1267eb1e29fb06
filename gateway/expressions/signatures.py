"""
Signatures of allowed members, written as C# writes them::

    string Substring(int startIndex, int length)        method
    int Length                                          property
    char this[int index]                                indexer
    new(string uri)                                     constructor
    static bool IsNullOrEmpty(string value)             static method
    ext R[] Map<T, R>(IEnumerable<T> source, Func<T, R> selector)    extension method
    generic T Value<T>(object key)                      the function gets the type arguments first
    numeric ext R Sum<T, R>(…)                          the last type argument is a number, see ``overloads``;
                                                        with ``enums`` it is an enumeration
    bool TryParse(string s, out int result)   object[] params, default values: as in C#
    free, slow, own                                     the price of the member, see ``prices``

Reading a row when its type is first used keeps the start of the process short.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from gateway.expressions import clr
from gateway.expressions.prices import PRICES, priced

_TOKEN = re.compile(r"\s*([A-Za-z_][\w.]*|\[\]|[<>,?()\[\]=]|\"[^\"]*\"|'[^']*'|-?\d+)")
_SIGNATURE = re.compile(
    r"(?P<flags>(?:(?:static|ext|generic|numeric|enums|const|free|slow|own) )*)(?P<rest>.*)", re.DOTALL
)
_DEFAULTS: dict[str, object] = {"null": None, "true": True, "false": False}


class _Tokens:
    """A cursor over the tokens of one signature."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.items = _TOKEN.findall(text)
        self.position = 0

    def peek(self) -> str:
        return self.items[self.position] if self.position < len(self.items) else ""

    def take(self) -> str:
        token = self.peek()
        self.position += 1
        return token

    def skip(self, token: str) -> bool:
        if self.peek() != token:
            return False
        self.position += 1
        return True


class SignatureParser:
    """Turns signature and type text into the model of ``clr``."""

    def read_type(self, text: str, bindings: clr.Bindings) -> clr.Type:
        """Read a type such as ``IEnumerable<KeyValuePair<K, V>>``."""
        return self._type(_Tokens(text), dict(bindings))

    def read_member(self, owner: clr.TypeDef, signature: str, call: object) -> clr.Member:
        """Read one row of a member table."""
        match = clr.certain(_SIGNATURE.fullmatch(signature))
        flags = match["flags"].split()
        tokens = _Tokens(match["rest"])
        scope = {name: clr.variable(name) for name in owner.parameters}
        getter, setter = call if isinstance(call, tuple) else (call, None)
        kind, name, result, type_parameters = self._head(tokens, clr.make(owner, *scope.values()), scope)
        if "const" in flags:
            kind, getter = "constant", _constant(getter)
        member = clr.Member(
            name=name,
            kind=kind,
            owner=owner,
            type=result,
            call=getter,
            price=next((flag for flag in flags if flag in PRICES), owner.price),
            static=not {"static", "ext"}.isdisjoint(flags) or kind in ("constructor", "constant"),
            extension="ext" in flags,
            generic="generic" in flags,
            constraint="".join({"numeric", "enums"}.intersection(flags)),
            type_parameters=type_parameters,
            parameters=tuple(self._parameters(tokens, scope)),
            store=setter,
        )
        paid = _with_price(member, scope)
        return replace(member, call=paid, long=paid is not member.call or member.price == "own")

    def _head(
        self, tokens: _Tokens, owner: clr.Type, scope: dict[str, clr.Type]
    ) -> tuple[str, str, clr.Type, tuple[str, ...]]:
        if tokens.skip("new"):
            tokens.skip("(")
            return "constructor", "new", owner, ()
        # A method's type parameters follow its name, but the result type before it may already use them.
        type_parameters = self._type_parameters(tokens.text)
        scope.update((name, clr.variable(name)) for name in type_parameters)
        result = self._type(tokens, scope)
        name = tokens.take()
        if type_parameters:
            while tokens.take() != ">":
                pass
        if tokens.skip("("):
            return "method", name, result, type_parameters
        return ("indexer" if tokens.skip("[") else "property"), name, result, type_parameters

    @staticmethod
    def _type_parameters(text: str) -> tuple[str, ...]:
        match = re.search(r"\w<([\w, ]+)>\(", text)
        return tuple(name.strip() for name in match[1].split(",")) if match else ()

    def _parameters(self, tokens: _Tokens, scope: dict[str, clr.Type]) -> Iterator[clr.MethodParameter]:
        while tokens.peek() not in ("", ")", "]"):
            mode = tokens.take() if tokens.peek() in ("out", "params") else ""
            clr_type = self._type(tokens, scope)
            name = tokens.take() if tokens.peek() not in (",", ")", "]", "=", "") else ""
            default: object = None
            if tokens.skip("="):
                mode, default = "optional", self._default(tokens.take(), clr_type)
            yield clr.MethodParameter(name, clr_type, mode, default)
            tokens.skip(",")

    @staticmethod
    def _default(text: str, clr_type: clr.Type) -> object:
        if text in _DEFAULTS:
            return _DEFAULTS[text]
        if text == "default":
            return clr_type.default
        return text[1:-1] if text[0] in "\"'" else int(text)

    def _type(self, tokens: _Tokens, scope: dict[str, clr.Type]) -> clr.Type:
        name = tokens.take()
        args: list[clr.Type] = []
        if tokens.skip("<"):
            args.append(self._type(tokens, scope))
            while tokens.skip(","):
                args.append(self._type(tokens, scope))
            tokens.skip(">")
        clr_type = self._named(name, args, scope)
        while tokens.peek() in ("?", "[]"):
            clr_type = clr.nullable(clr_type) if tokens.take() == "?" else clr.array_of(clr_type)
        return clr_type

    @staticmethod
    def _named(name: str, args: list[clr.Type], scope: dict[str, clr.Type]) -> clr.Type:
        if name in scope:
            return scope[name]
        if name in clr.KEYWORDS:
            return clr.KEYWORDS[name]
        if name in ("Func", "Action", "Predicate", "Comparison", "Converter"):
            return clr.make(delegate(name), *args)
        definition = clr.find_definition(name, len(args))
        if definition is None:
            raise LookupError(f"a member table names the unknown type {name}<{len(args)}>")
        return clr.make(definition, *args)


def _with_price(member: clr.Member, scope: dict[str, clr.Type]) -> clr.Call:
    """The call, charged for its inputs as ``prices`` defines; a generic one gets its type arguments first."""
    inputs = [parameter.type for parameter in member.parameters]
    if not member.static:
        inputs.insert(0, clr.make(member.owner, *(scope[name] for name in member.owner.parameters)))
    first = int(member.generic)
    texts = tuple(place for place, clr_type in enumerate(inputs, first) if _may_be_text(clr_type))
    collections = tuple(place for place, clr_type in enumerate(inputs, first) if _may_be_list(clr_type))
    return priced(member.call, member.price, texts, collections, _copies(member.type))


def _copies(result: clr.Type) -> bool:
    """Whether a member of this type may copy the given items into another collection."""
    return result is clr.VOID or _may_be_list(result)


def _may_be_text(clr_type: clr.Type) -> bool:
    return clr_type.definition.full_name in ("System.String", "System.Object") or clr_type.name == "byte[]"


def _may_be_list(clr_type: clr.Type) -> bool:
    if clr_type.name == "byte[]":
        return False
    return clr_type.definition is clr.ARRAY or clr_type.definition.name in _COLLECTIONS


_COLLECTIONS = frozenset(
    """
    Array ArrayList HashSet ICollection IEnumerable IList IReadOnlyCollection IReadOnlyList ISet LinkedList List Queue
    SortedSet Stack
    """.split()
)


def _constant(value: object) -> clr.Call:
    """The getter for a row whose right side is a constant value."""
    return lambda: value


_DELEGATES: dict[str, clr.TypeDef] = {}


def delegate(name: str) -> clr.TypeDef:
    """The definition of a delegate family; any number of arguments, the last is the result (except for Action)."""
    if name not in _DELEGATES:
        _DELEGATES[name] = clr.TypeDef(f"System.{name}", (), "delegate")
    return _DELEGATES[name]


def delegate_shape(clr_type: clr.Type) -> tuple[tuple[clr.Type, ...], clr.Type] | None:
    """Parameter types and result type of a delegate; None when *clr_type* is not one."""
    if clr_type.kind != "delegate":
        return None
    name, args = clr_type.definition.name, clr_type.args
    if name in ("Func", "Converter"):
        return args[:-1], args[-1]
    if name == "Action":
        return args, clr.VOID
    if name == "Predicate":
        return args, clr.KEYWORDS["bool"]
    return (args[0], args[0]), clr.KEYWORDS["int"]


def define(  # noqa: PLR0913  (one type, all its properties)
    full_name: str,
    table: Mapping[str, object] | None = None,
    *,
    parameters: tuple[str, ...] = (),
    kind: str = "class",
    parents: tuple[str, ...] = (),
    keyword: str = "",
    default: object = None,
    aliases: tuple[str, ...] = (),
    price: str = "",
) -> clr.Type:
    """Put a type on the allow-list, or add *table* to an existing one; *price* applies to all its members."""
    arity = len(parameters)
    key = f"{full_name}`{arity}" if arity else full_name
    definition = clr.DEFINITIONS.get(key)
    if definition is None:
        definition = clr.TypeDef(full_name, parameters, kind, parents, {}, keyword, default, price=price)
        clr.DEFINITIONS[key] = definition
        _name(definition, aliases)
    definition.table.update(table or {})
    if any(" ext " in f" {signature}" for signature in table or ()):
        clr.EXTENSION_TYPES.append(definition)
    return clr.make(definition, *(clr.variable(name) for name in definition.parameters))


def _name(definition: clr.TypeDef, aliases: tuple[str, ...]) -> None:
    if "+" in definition.full_name:
        return  # a library's inner class, which C# cannot name
    for name in (definition.name, *aliases):
        clr.SHORT_NAMES.setdefault(name, []).append(definition)
    parts = definition.full_name.split(".")[:-1]
    clr.NAMESPACES.update(".".join(parts[: count + 1]) for count in range(len(parts)))
    if definition.keyword:
        clr.KEYWORDS[definition.keyword] = clr.make(definition)


def read_type(text: str) -> clr.Type:
    """The type that is written *text* in C#. Raises LookupError: it is not on the allow-list."""
    return clr.Type.notation.read_type(text, {})


clr.Type.notation = SignatureParser()
