"""
OData's expressions: ``$filter``, ``$orderby``, parameters. Names are looked up in the metadata, kinds are compared.

Source: OData URL Conventions 4.01 §5.1.1; OData ABNF Construction Rules 4.01, "Expressions".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from gateway.odata.failures import ODataMismatch, shown
from gateway.odata.functions import FUNCTIONS, TYPE_FUNCTIONS
from gateway.odata.kinds import (
    ANY,
    BOOLEAN,
    COLLECTION,
    NULL,
    NUMBER,
    comparable,
    kind_of,
    literal_kind,
    prefixed_kind,
)
from gateway.odata.metadata import Callable, ServiceModel, TypeRef
from gateway.odata.tokens import Word, WordStream

MOST_DEPTH = 32
MOST_LAMBDAS = 5

# From the loosest to the tightest.
_LEVELS = (
    ("or",),
    ("and",),
    ("eq", "ne", "has", "in"),
    ("gt", "ge", "lt", "le"),
    ("add", "sub"),
    ("mul", "div", "divby", "mod"),
)
_LOGICAL, _ARITHMETIC = ("or", "and"), (*_LEVELS[4], *_LEVELS[5])


@dataclass(frozen=True, slots=True)
class ExpressionScope:
    """
    What names mean in an expression.

    Attributes:
        it: What the expression is about: ``$it``; None: nothing has properties.
        variables: Of the lambdas around.
        dynamic: Names that ``$apply`` and ``$compute`` have made.
        aliases: Parameter aliases that the request defines.
    """

    metadata: ServiceModel
    it: TypeRef | None
    variables: Mapping[str, TypeRef] = field(default_factory=dict)
    dynamic: Collection[str] = ()
    aliases: Collection[str] = ()
    lambdas: int = 0

    def navigation(self, name: str) -> TypeRef | None:
        """The type that the navigation property *name* leads to from here."""
        return None if self.it is None else self.metadata.navigation(self.it.name, name)


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression gives; *type* is None where it is not one of the metadata's, or not known."""

    kind: str
    type: TypeRef | None = None


class ODataExpression:
    """Reads one expression after the other from *tokens*."""

    def __init__(self, tokens: WordStream, scope: ExpressionScope) -> None:
        self._tokens = tokens
        self._scope = scope
        self._depth = 0

    def condition(self) -> None:
        """An expression that is true or false. Raises ODataMismatch."""
        start = self._tokens.here
        value = self.value()
        if value.kind not in (BOOLEAN, ANY, NULL):
            raise ODataMismatch(self._tokens.part, f"{shown(self._tokens.text[start.start :])} is not true or false")

    def value(self) -> Value:
        """Any expression. Raises ODataMismatch."""
        return self._binary(0)

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise ODataMismatch(self._tokens.part, f"nested deeper than {MOST_DEPTH}")
        yield
        self._depth -= 1

    def _binary(self, level: int) -> Value:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while (operator := self._tokens.takes_word(*_LEVELS[level])) is not None:
            self._tokens.skip_space()
            right = self._list() if operator == "in" else self._binary(level + 1)
            left = self._combined(operator, left, right)
        return left

    def _combined(self, operator: str, left: Value, right: Value) -> Value:
        if operator == "in":
            return Value(BOOLEAN)
        if operator in _LOGICAL and not {left.kind, right.kind} <= {BOOLEAN, ANY, NULL}:
            raise self._tokens.error(f"{operator} joins conditions, not {left.kind} and {right.kind}")
        if operator in _ARITHMETIC:
            return Value(NUMBER if left.kind == right.kind == NUMBER else ANY)
        if not comparable(left.kind, right.kind) or COLLECTION in (left.kind, right.kind):
            raise self._tokens.error(f"{operator} cannot compare {left.kind} with {right.kind}")
        return Value(BOOLEAN)

    def _list(self) -> Value:
        """What stands behind ``in``: values in brackets, or something that is a collection."""
        if self._tokens.here.text != "(":
            return self._unary()
        self._tokens.take()
        self._values(")")
        return Value(COLLECTION)

    def _values(self, end: str) -> list[Value]:
        """Values between commas, up to *end*, which is then behind."""
        values: list[Value] = []
        self._tokens.skip_space()
        if self._tokens.takes(end):
            return values
        with self._deeper():
            values.append(self._spaced())
            while self._tokens.takes(","):
                values.append(self._spaced())
        self._tokens.expect(end)
        return values

    def _spaced(self) -> Value:
        """A value with white space around it."""
        self._tokens.skip_space()
        value = self.value()
        self._tokens.skip_space()
        return value

    def _unary(self) -> Value:
        tokens = self._tokens
        if tokens.here.text == "not" and (tokens.ahead(1).kind == "space" or tokens.ahead(1).text == "("):
            tokens.take()
            tokens.skip_space()
            with self._deeper():
                self._negated()
            return Value(BOOLEAN)
        if tokens.takes("-"):
            tokens.skip_space()
            with self._deeper():
                return self._unary()
        return self._primary()

    def _negated(self) -> None:
        value = self._unary()
        if value.kind not in (BOOLEAN, ANY, NULL):
            raise self._tokens.error(f"not is for conditions, and this is {value.kind}")

    def _primary(self) -> Value:
        token = self._tokens.here
        if token.text == "(" and token.kind == "mark":
            return self._group()
        if token.kind == "alias":
            return self._alias()
        if token.kind == "name" and self._tokens.ahead(1).kind == "string":
            return self._prefixed()
        kind = None if token.text in self._scope.variables else literal_kind(token)
        if kind is None:
            return self._path()
        self._tokens.take()
        return Value(kind)

    def _group(self) -> Value:
        self._tokens.take()
        self._tokens.skip_space()
        with self._deeper():
            value = self.value()
        self._tokens.skip_space()
        self._tokens.expect(")")
        return value

    def _alias(self) -> Value:
        if self._tokens.here.text not in self._scope.aliases:
            raise self._tokens.error("this parameter alias has no value")
        self._tokens.take()
        return Value(ANY)

    def _prefixed(self) -> Value:
        prefix, quoted = self._tokens.here.text, self._tokens.ahead(1).text
        kind = prefixed_kind(prefix, quoted, self._scope.metadata)
        if kind is None:
            raise self._tokens.error("there is no such literal")
        self._tokens.take()
        self._tokens.take()
        return Value(kind)

    # -- paths
    def _path(self) -> Value:
        token = self._tokens.here
        if token.kind not in ("name", "dollar"):
            raise self._tokens.error("a value is expected")
        self._tokens.take()
        if token.kind == "dollar":
            here = self._root(token)
        elif token.text in FUNCTIONS and self._tokens.here.text == "(":
            return Value(self._function(token))
        elif token.text in self._scope.variables:
            here = self._scope.variables[token.text]
        elif token.text in self._scope.dynamic:
            return Value(ANY)
        else:
            here = self._member(self._scope.it, token)
        return self._rest_of_path(here)

    def _root(self, token: Word) -> TypeRef | None:
        if token.text == "$count" and self._scope.it is not None:
            return TypeRef("Edm.Int64")
        if token.text not in ("$it", "$this") or self._scope.it is None:
            raise ODataMismatch(self._tokens.part, f"{token.text} is not possible here")
        return self._scope.it

    def _rest_of_path(self, here: TypeRef | None) -> Value:
        steps = 0
        while self._tokens.here.text == "/":
            self._tokens.take()
            steps += 1
            token = self._tokens.take()
            if steps > MOST_DEPTH:
                raise ODataMismatch(self._tokens.part, f"a path of more than {MOST_DEPTH} steps")
            if token.text in ("any", "all") and self._tokens.here.text == "(":
                return self._lambda(here, token)
            if token.text == "$count":
                return self._counted(here)
            here = self._member(here, token)
        return Value(kind_of(here, self._scope.metadata), here)

    def _counted(self, here: TypeRef | None) -> Value:
        if here is not None and not here.many:
            raise self._tokens.error("only collections have $count")
        return Value(NUMBER)

    def _member(self, here: TypeRef | None, token: Word) -> TypeRef | None:
        """The property, cast or bound function *token* of *here*. Raises ODataMismatch: there is none."""
        if token.kind != "name" or here is None:
            raise ODataMismatch(self._tokens.part, f"{shown(token.text)} is not a property")
        if "." in token.text:
            return self._qualified(here, token)
        return member_of(here, token.text, self._scope.metadata, self._tokens.part)

    def _qualified(self, here: TypeRef, token: Word) -> TypeRef | None:
        metadata = self._scope.metadata
        name = metadata.qualified(token.text)
        if self._tokens.here.text == "(":
            return self._bound(here, token)
        if name in metadata.types and metadata.casts(here.name, name):
            return replace(here, name=name)
        raise ODataMismatch(self._tokens.part, f"{shown(token.text)} is not derived from {here.name}")

    def _bound(self, here: TypeRef, token: Word) -> TypeRef | None:
        overloads = [bound for bound in self._scope.metadata.bound(token.text, here) if not bound.is_action]
        names = self.arguments()
        chosen = matching(overloads, names)
        if chosen is None:
            raise ODataMismatch(
                self._tokens.part, f"{here.name} has no function {shown(token.text)} with these parameters"
            )
        return chosen.returns

    def arguments(self) -> frozenset[str]:
        """Names of the parameters in ``(a=1,b=@b)``. Raises ODataMismatch."""
        self._tokens.expect("(")
        names: list[str] = []
        while not self._tokens.takes(")"):
            if names:
                self._tokens.expect(",")
            token = self._tokens.take()
            self._tokens.expect("=")
            if token.kind != "name" or token.text in names:
                raise ODataMismatch(self._tokens.part, f"{shown(token.text)} is not a parameter, or is given twice")
            names.append(token.text)
            with self._deeper():
                self.value()
        return frozenset(names)

    def _function(self, token: Word) -> str:
        """A canonical function; its kind."""
        arities, kind = FUNCTIONS[token.text]
        self._tokens.expect("(")
        if token.text in TYPE_FUNCTIONS:
            self._of_type()
            return kind
        if token.text == "case":
            return self._case()
        count = len(self._values(")"))
        if count not in arities:
            raise ODataMismatch(self._tokens.part, f"{token.text} does not take {count} values")
        return kind

    def _of_type(self) -> None:
        """``cast(value,Type)``, ``isof(Type)``: the last one is a type."""
        self._tokens.skip_space()
        if not self._takes_type():
            with self._deeper():
                self.value()
            self._tokens.skip_space()
            self._tokens.expect(",")
            self._tokens.skip_space()
            if not self._takes_type():
                raise self._tokens.error("a type is expected")
        self._tokens.skip_space()
        self._tokens.expect(")")

    def _takes_type(self) -> bool:
        metadata, token = self._scope.metadata, self._tokens.here
        name = metadata.qualified(token.text)
        known = name in metadata.types or name in metadata.enumerations or name in metadata.definitions
        if token.kind == "name" and (known or name.startswith("Edm.")) and self._tokens.ahead(1).kind != "string":
            self._tokens.take()
            return True
        return False

    def _case(self) -> str:
        with self._deeper():
            self._choice()
            while self._tokens.takes(","):
                self._choice()
        self._tokens.expect(")")
        return ANY

    def _choice(self) -> None:
        """``condition:value``."""
        self._tokens.skip_space()
        self.condition()
        self._tokens.skip_space()
        self._tokens.expect(":")
        self._spaced()

    def _lambda(self, here: TypeRef | None, token: Word) -> Value:
        if here is not None and not here.many:
            raise ODataMismatch(self._tokens.part, f"{token.text} is for collections")
        self._tokens.expect("(")
        self._tokens.skip_space()
        if token.text == "any" and self._tokens.takes(")"):
            return Value(BOOLEAN)
        self._within_lambda(here)
        self._tokens.skip_space()
        self._tokens.expect(")")
        return Value(BOOLEAN)

    def _within_lambda(self, here: TypeRef | None) -> None:
        scope, variable = self._scope, self._tokens.take()
        if scope.lambdas >= MOST_LAMBDAS:
            raise ODataMismatch(self._tokens.part, f"more than {MOST_LAMBDAS} lambdas in each other")
        if variable.kind != "name" or "." in variable.text:
            raise ODataMismatch(self._tokens.part, f"{shown(variable.text)} is not a variable")
        self._tokens.skip_space()
        self._tokens.expect(":")
        self._tokens.skip_space()
        item = TypeRef("") if here is None else here.item
        variables = {**scope.variables, variable.text: item}
        self._scope = replace(scope, variables=variables, lambdas=scope.lambdas + 1)
        with self._deeper():
            self.condition()
        self._scope = scope


def member_of(here: TypeRef, name: str, metadata: ServiceModel, part: str) -> TypeRef | None:
    """The property *name* of *here*; None: one that is not declared. Raises ODataMismatch: it cannot have it."""
    if here.many:
        raise ODataMismatch(part, f"a collection of {here.name} has no property {shown(name)}")
    known = metadata.member(here.name, name)
    if known is None and not metadata.is_open(here.name):
        raise ODataMismatch(part, f"{here.name} has no property {shown(name)}")
    return known


def matching(overloads: Collection[Callable], names: frozenset[str]) -> Callable | None:
    """The overload that takes the parameters *names*."""
    for overload in overloads:
        if frozenset(overload.parameters) - overload.optional <= names <= frozenset(overload.parameters):
            return overload
    return None
