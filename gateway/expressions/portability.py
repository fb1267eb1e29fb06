"""
What runs here in an expression and is refused by Azure: C# after version 7.3, ``dynamic``, types off Microsoft's list.

Source: https://learn.microsoft.com/azure/api-management/api-management-policy-expressions, "Syntax" and the list of
types; https://learn.microsoft.com/dotnet/csharp/whats-new/csharp-version-history.
"""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from gateway.errors import LoadError, Location, Problem
from gateway.expressions.binding.binder import Binder
from gateway.expressions.clr import MissingPart
from gateway.expressions.context_types import CONTEXT
from gateway.expressions.syntax import Source, parse
from gateway.expressions.vendor_types import SOURCE, is_allowed

LANGUAGE = "azure-language"
TYPES = "azure-types"
_DYNAMIC = "https://github.com/MicrosoftDocs/azure-docs/issues/49430"

# Node of the grammar → its name, the version of C# that introduced it, and the alternative in version 7.
_LATER = {
    "switch_expression": ("a switch expression", "8", "a switch statement, or ?:"),
    "range_expression": ("a range", "8", "Substring, Skip or Take"),
    "recursive_pattern": ("a property pattern", "8", "is and &&"),
    "property_pattern_clause": ("a property pattern", "8", "is and &&"),
    "implicit_object_creation_expression": ("new without a type", "9", "new with its type"),
    "negated_pattern": ("a pattern with not", "9", "!"),
    "and_pattern": ("a pattern with and", "9", "&&"),
    "or_pattern": ("a pattern with or", "9", "||"),
    "relational_pattern": ("a relational pattern", "9", "a comparison"),
    "with_expression": ("with", "9", "a new object"),
    "list_pattern": ("a list pattern", "11", "Length and an index"),
    "raw_string_literal": ("a raw text", "11", '@"…"'),
    "collection_expression": ("a collection expression", "12", "new[] { … }"),
}
_LATER_OPERATORS = {"??=": ("??=", "8", "?? and ="), ">>>": (">>>", "11", ">> of an unsigned number")}


def refused_by_azure(text: str, location: Location) -> list[Problem]:
    """
    Everything in an expression that Azure is known to refuse.

    Args:
        text: ``@(…)`` or ``@{…}``; one that does not compile is reported elsewhere.
        location: Where it begins.
    """
    source = Source(text, location)
    try:
        node = parse(source)
        binder = Binder(source, CONTEXT)
        if source.is_block:
            binder.statement(node)
        else:
            binder.value(node)
    except (LoadError, MissingPart, RecursionError):
        return []
    problems = dict.fromkeys([*_later_language(source, node), *_off_the_list(source, binder)])
    return sorted(problems, key=lambda problem: problem.location)


def _later_language(source: Source, root: Node) -> Iterator[Problem]:
    todo = [root]
    while todo:
        node = todo.pop()
        todo += node.children
        later = _LATER.get(node.type) or _LATER_OPERATORS.get(node.type) or _by_its_parts(source, node)
        if later is not None:
            what, version, instead = later
            message = f"{what} is C# {version}, and Azure's policies are C# 7"
            yield Problem(source.locate(node), LANGUAGE, message, f"write {instead}; {SOURCE}")
        if node.type == "identifier" and node.text == b"dynamic":
            message = "Azure's policies know no dynamic"
            yield Problem(source.locate(node), LANGUAGE, message, f"name the type, such as JObject; {_DYNAMIC}")


# Syntax whose node is older than its use: the node, a token in it, and the name of the two together.
_WITH_TOKEN: dict[str, tuple[bytes, tuple[str, str, str]]] = {
    "local_declaration_statement": (b"using", ("a using declaration", "8", "using (…) { … }")),
    "local_function_statement": (b"static", ("a static local function", "8", "a local function")),
    "lambda_expression": (b"static", ("a static lambda", "9", "a lambda")),
    "postfix_unary_expression": (b"!", ("a null-forgiving !", "8", "the value without it")),
}


def _by_its_parts(source: Source, node: Node) -> tuple[str, str, str] | None:
    """Syntax whose node in the grammar is older than its use."""
    if node.type not in _WITH_TOKEN:
        return None
    token, later = _WITH_TOKEN[node.type]
    if token not in [child.text for child in node.children] or source.is_conditional(node):
        return None
    return later


def _off_the_list(source: Source, binder: Binder) -> Iterator[Problem]:
    for node, owners, member in binder.uses:
        if not any(is_allowed(owner, member) for owner in owners):
            message = f"{_named(owners[0], member)} is not on Azure's list of allowed types and members"
            yield Problem(source.locate(node), TYPES, message, f"see {SOURCE}")


def _named(owner: str, member: str) -> str:
    name = owner.rpartition(".")[2]
    return {"": f"the type {name}", ".ctor": f"a constructor of {name}"}.get(member, f"{name}.{member}")
