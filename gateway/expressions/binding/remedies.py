"""What to write instead of a type, a member or a call that policy expressions do not have."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from gateway.documentation import page
from gateway.expressions import clr
from gateway.expressions.clr import NULL, Candidate, Type
from gateway.expressions.conversions import explicit
from gateway.expressions.primitives import BOOL, NUMERIC, STRING

SEE = f"see {page('expressions')}"

# Types that programs use but policies may not, and their replacements here.
_INSTEAD = {
    "XmlReader": "XDocument.Parse(…)",
    "XmlDocument": "XDocument.Parse(…)",
    "XmlNode": "XElement",
    "JsonDocument": "JObject.Parse(…)",
    "JsonSerializer": "JsonConvert",
    "JavaScriptSerializer": "JsonConvert",
    "HttpClient": "the policy send-request",
    "WebClient": "the policy send-request",
    "WebRequest": "the policy send-request",
    "HttpWebRequest": "the policy send-request",
    "ConfigurationManager": "named values",
    "File": "named values",
    "Console": "the policy trace",
    "Debug": "the policy trace",
    "Task": "the value itself: an expression waits for nothing",
    "Thread": "the value itself: an expression waits for nothing",
}
_PLACEHOLDER = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|__\w+__")
_USUAL = ("string", "JObject", "IResponse", "Jwt", "JArray", "int", "bool")
# Methods that read a dictionary in other languages and libraries.
_GETTERS, _GETTER = ("Get", "GetOrDefault", "GetHeader"), "GetValueOrDefault"
_SHOWN = 4  # overloads that are listed in a message


def for_type(name: str) -> str:
    """Remedy for a type that is not allowed, by its short or full name."""
    short = name.rpartition(".")[2]
    if short in _INSTEAD:
        return f"use {_INSTEAD[short]}"
    near = difflib.get_close_matches(short, clr.SHORT_NAMES, 1)
    return f"did you mean {near[0]}?" if near else f"{SEE} for the allowed types"


def for_conversion(source: Type, target: Type) -> str:
    """Remedy for a value of *source* where *target* is needed: a cast where C# has one."""
    if source is NULL:
        return "give it a value"
    if explicit(source, target) is not None:
        return f"cast it: ({target.name})…"
    if source is STRING and target in (BOOL, *NUMERIC):
        return f"convert it: {target.name}.Parse(…)" + (", or compare it: … == …" if target is BOOL else "")
    if target is STRING:
        return "call ToString()"
    return "compare it: … == …" if target is BOOL else f"give a {target.name}"


def for_name(name: str, in_scope: Iterable[str]) -> str:
    """Remedy for an unknown name."""
    if _PLACEHOLDER.fullmatch(name):
        return "fill in the placeholder before loading, or declare the name"
    if name in _INSTEAD:
        return f"use {_INSTEAD[name]}"
    near = difflib.get_close_matches(name, [*in_scope, *clr.SHORT_NAMES], 1)
    return f"did you mean {near[0]}?" if near else "only locals, context and the allowed .NET types have names here"


def for_member(clr_type: Type, name: str) -> str:
    """Remedy for a member that *clr_type* does not have: the most similar member, or a type that has it."""
    if clr_type is clr.OBJECT:
        return f"cast the object to its type first, such as (({_owner(name)})x).{name}"
    if name in _GETTERS and "Dictionary" in clr_type.name:
        return f"did you mean {_GETTER}?"
    if near := _near(clr_type, name):
        return f"did you mean {near}?"
    if _is_indexed_by_text(clr_type):
        return f'write ["{name}"] for a member of its data'
    if len(clr_type.args) == 1 and clr_type.args[0].find(name):
        return f"{clr_type.args[0].name} has it: take one element, such as [0] or First()"
    return f"{SEE} for the members of each type"


def _near(clr_type: Type, name: str) -> str | None:
    """The member whose name is most similar to *name*."""
    known = {member for ancestor in clr_type.ancestors for member in clr.declared(ancestor.definition)}
    lower = {member.lower(): member for member in known}
    return lower.get(name.lower()) or next(iter(difflib.get_close_matches(name, known, 1)), None)


def _is_indexed_by_text(clr_type: Type) -> bool:
    """Whether its items are accessed by text, as in JSON objects and dictionaries."""
    indexers = [candidate.member.parameters for candidate in clr_type.find("this")]
    return any(len(own) == 1 and own[0].type is clr.KEYWORDS["string"] for own in indexers)


def _owner(member: str) -> str:
    """A type that has *member*, the usual ones first."""
    named = ((name, clr.KEYWORDS.get(name) or _plain(name)) for name in _USUAL)
    return next((name for name, clr_type in named if clr_type is not None and clr_type.find(member)), "JObject")


def _plain(name: str) -> Type | None:
    definition = clr.find_definition(name)
    return None if definition is None else clr.make(definition)


def for_property_call(name: str, members: Iterable[Candidate], has_arguments: bool) -> str:
    """Remedy for a property that is called like a method."""
    indexed = any(candidate.member.type.substitute(candidate.bindings).find("this") for candidate in members)
    return f"write {name}[…]" if indexed and has_arguments else "drop the ()"


def for_call(candidates: Iterable[Candidate]) -> str:
    """Remedy for arguments that no overload takes: the overloads' parameters."""
    lists = dict.fromkeys(_parameters(candidate) for candidate in candidates)
    more = ", …" if len(lists) > _SHOWN else ""
    return f"it takes {', '.join([*lists][:_SHOWN])}{more}" if lists else "check the number and types of arguments"


def _parameters(candidate: Candidate) -> str:
    first = 1 if candidate.member.extension else 0
    parameters = candidate.member.parameters[first:]
    types = (
        f"{parameter.mode + ' ' if parameter.mode in ('out', 'params') else ''}"
        f"{parameter.type.substitute(candidate.bindings).name}"
        for parameter in parameters
    )
    return f"({', '.join(types)})"
