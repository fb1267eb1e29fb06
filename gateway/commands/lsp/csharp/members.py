"""The members of the allow-list as an editor lists them: name, signature as C# writes it, and what they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.commands.lsp.csharp.probing import Members, Names, Probed
from gateway.expressions import clr
from gateway.expressions.binding.bound import Namespace
from gateway.expressions.binding.names import extends
from gateway.expressions.clr import Candidate, Member, MethodParameter, Type, TypeDef

KEYWORDS = (
    "var if else for foreach in while do return switch case default break continue new null true false is as throw try"
    " catch finally typeof nameof out from where select orderby let join group by into"
).split()


@dataclass(frozen=True, slots=True)
class Offered:
    """
    What may be written at a place.

    Attributes:
        kind: method, property, constant, type, namespace, variable or keyword.
        signatures: As C# writes them, overloads one after the other.
    """

    name: str
    kind: str
    signatures: tuple[str, ...] = ()


def offered(probed: Probed) -> list[Offered]:
    """Everything that may be written for a name of which *probed* is known, each name once."""
    match probed:
        case Members():
            return _members(probed)
        case Namespace():
            return sorted(_in_namespace(probed.name), key=lambda item: item.name)
        case Names():
            return [*_variables(probed), *_types(), *(Offered(word, "keyword") for word in KEYWORDS)]
    return []


def _variables(names: Names) -> Iterator[Offered]:
    yield from (Offered(name, "variable", (f"{clr_type.name} {name}",)) for name, clr_type in names.locals.items())


def _types() -> Iterator[Offered]:
    for keyword, clr_type in clr.KEYWORDS.items():
        yield Offered(keyword, "keyword", (clr_type.definition.full_name,))
    for name, definitions in clr.SHORT_NAMES.items():
        yield Offered(name, "type", tuple(_type_name(definition) for definition in definitions))


def _type_name(definition: TypeDef) -> str:
    parameters = f"<{', '.join(definition.parameters)}>" if definition.parameters else ""
    return f"{definition.full_name}{parameters}"


def _in_namespace(namespace: str) -> Iterator[Offered]:
    below = {name.removeprefix(f"{namespace}.").partition(".")[0] for name in clr.NAMESPACES if _is_in(name, namespace)}
    yield from (Offered(name, "namespace", (f"{namespace}.{name}",)) for name in below)
    for definition in clr.DEFINITIONS.values():
        if definition.full_name.rpartition(".")[0] == namespace and "+" not in definition.full_name:
            yield Offered(definition.name, "type", (_type_name(definition),))


def _is_in(name: str, namespace: str) -> bool:
    return name.startswith(f"{namespace}.")


# -- members of a type
def _members(probed: Members) -> list[Offered]:
    grouped: dict[str, list[Candidate]] = {}
    for candidate in _candidates(probed):
        grouped.setdefault(candidate.member.name, []).append(candidate)
    tuple_names = [Offered(name, "property") for name in probed.owner.names if name]
    return [*tuple_names, *(_offered(name, grouped[name]) for name in sorted(grouped))]


def _candidates(probed: Members) -> Iterator[Candidate]:
    for ancestor in probed.owner.ancestors:
        yield from (Candidate(member, ancestor.bindings) for member in _own(probed, ancestor))
    if not probed.static and probed.owner.kind not in ("dynamic", "null", "void"):
        yield from _extensions(probed.owner)


def _own(probed: Members, ancestor: Type) -> Iterator[Member]:
    """The members that *ancestor* declares and that the owner shows: an array hides those of a list."""
    hidden = probed.owner.definition.explicit if ancestor.kind == "interface" else ()
    for name, members in clr.declared(ancestor.definition).items():
        yield from (member for member in members if name not in hidden and _is_named(member, probed.static))


def _is_named(member: Member, static: bool) -> bool:
    """Whether it can be written behind a dot: neither an indexer nor a constructor nor an extension."""
    return (
        member.kind in ("method", "property", "constant")
        and member.static == static
        and not member.extension
        and member.name.isidentifier()
        and not member.name.startswith("op_")
    )


def _extensions(owner: Type) -> Iterator[Candidate]:
    clr.extensions("")  # reads the tables that have not been read
    for members in clr.EXTENSIONS.values():
        yield from (Candidate(member, _bindings(member, owner)) for member in members if extends(member, owner))


def _bindings(member: Member, owner: Type) -> clr.Bindings:
    """What the extended type says about the method's type parameters: ``T`` of ``IEnumerable<T>``."""
    source = member.parameters[0].type
    seen = owner.as_definition(source.definition) if source.args else None
    if seen is None:
        return {}
    pairs = zip(source.args, seen.args, strict=True)
    return {variable.definition.full_name: actual for variable, actual in pairs if variable.kind == "variable"}


def _offered(name: str, candidates: list[Candidate]) -> Offered:
    kind = candidates[0].member.kind
    return Offered(name, kind, tuple(dict.fromkeys(map(signature, candidates))))


def signature(candidate: Candidate) -> str:
    """``string GetValueOrDefault(string key, string defaultValue)``."""
    member, bindings = candidate.member, candidate.bindings
    result = member.type.substitute(bindings).name
    if member.kind != "method":
        return f"{result} {member.name}"
    shown: Iterable[MethodParameter] = member.parameters[1:] if member.extension else member.parameters
    parameters = ", ".join(_parameter(parameter, bindings) for parameter in shown)
    generic = f"<{', '.join(member.type_parameters)}>" if member.type_parameters and member.generic else ""
    return f"{result} {member.name}{generic}({parameters})"


def _parameter(parameter: MethodParameter, bindings: clr.Bindings) -> str:
    mode = f"{parameter.mode} " if parameter.mode in ("out", "params") else ""
    text = f"{mode}{parameter.type.substitute(bindings).name} {parameter.name}".rstrip()
    return f"{text} = {_default(parameter.default)}" if parameter.mode == "optional" else text


def _default(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case int() | float():
            return str(value)
    return "default"
