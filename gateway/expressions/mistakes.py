"""
What people write where it is not C#: each mistake with its place, as a colleague would explain it.

They are looked for only in an expression that has been refused, so a pattern may be generous.

Source: C# language specification, "Lexical structure"; APIM "Policy expressions", "Syntax".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

_TEXT = r'"(?:[^"\\\n]|\\.)*"'


class SyntaxMistake(NamedTuple):
    """A mistake at an offset into the code, and its remedy."""

    offset: int
    message: str
    remedy: str


_Rule: TypeAlias = "tuple[re.Pattern[str], bool, Callable[[re.Match[str]], tuple[str, str]]]"


def recognised(code: str, is_block: bool) -> SyntaxMistake | None:
    """The first well-known mistake in *code* (without its ``@``); None if there is none."""
    blank = _without_texts(code)
    mistakes = [_matched(rule, code, blank) for rule in _RULES] + [_in_block(blank) if is_block else _in_single(blank)]
    return min(filter(None, mistakes), key=lambda mistake: mistake.offset, default=None)


def _without_texts(code: str) -> str:
    """*code* at the same offsets, with blanks in place of the content of strings and comments."""
    pattern = rf"{_TEXT}|//[^\n]*|/\*.*?\*/"
    return re.sub(pattern, lambda text: re.sub(r"[^\n]", " ", text[0]), code, flags=re.DOTALL)


def _matched(rule: _Rule, code: str, blank: str) -> SyntaxMistake | None:
    pattern, in_texts, explain = rule
    match = pattern.search(code if in_texts else blank)
    return None if match is None else SyntaxMistake(match.start(match.re.groupindex.get("at", 0)), *explain(match))


def _quoted(match: re.Match[str]) -> tuple[str, str]:
    text = match[0][1:-1]
    remedy = f'write "{text}", in an attribute &quot;{text}&quot;'
    return f"{match[0]} is not a text: C# writes text in double quotes", remedy


def _empty(_match: re.Match[str]) -> tuple[str, str]:
    return "'' is not a text: C# writes text in double quotes", 'write "", in an attribute &quot;&quot;'


def _word(match: re.Match[str]) -> tuple[str, str]:
    word, operator = match["at"], {"or": "||", "and": "&&"}[match["at"].lower()]
    return f"{word} is not an operator of C#", f"write {operator}"


def _joined(match: re.Match[str]) -> tuple[str, str]:
    return f"{match[0]} is two texts without an operator between them", 'write \\" for a quote inside a text'


def _entity(match: re.Match[str]) -> tuple[str, str]:
    return f"{match[0]} is left in the code: it was escaped twice", f"write it once, as {match[0]} for &amp;{match[1]};"


def _curly(match: re.Match[str]) -> tuple[str, str]:
    return f"{match[0]} is not a quote of C#", "write plain quotes"


def _comment(_match: re.Match[str]) -> tuple[str, str]:
    return "an XML comment is inside an expression", "write // … or /* … */"


def _json(_match: re.Match[str]) -> tuple[str, str]:
    return "this is JSON, not C#", 'write JObject.Parse(…), or new JObject(new JProperty("name", value))'


def _side_by_side(_match: re.Match[str]) -> tuple[str, str]:
    return "nothing separates this value from the one before it", "write a comma between them"


def _hash(_match: re.Match[str]) -> tuple[str, str]:
    return "# begins no comment in C#", "write // …"


_RULES: tuple[_Rule, ...] = (
    (re.compile(r"'[^'\\\n]{2,60}'"), False, _quoted),
    (re.compile(r"(?<!')''(?!')"), False, _empty),
    (re.compile(r"(?<=[\s)])(?P<at>or|and|OR|AND)(?=[\s(])"), False, _word),
    (re.compile(rf"(?<!@){_TEXT}(?:{_TEXT})+"), True, _joined),
    (re.compile(r"&(quot|lt|gt|amp|apos);"), False, _entity),
    (re.compile(r"[“”„«»‘’]"), False, _curly),
    (re.compile(r"<!--"), False, _comment),
    (re.compile(r"(?<==)\s*\{(?=\s*\"[^\"\n]*\"\s*:)"), True, _json),
    (re.compile(r"^\s*(?P<at>#)(?! *(?:if|else|endif|region|endregion|pragma)\b)", re.MULTILINE), False, _hash),
    (re.compile(r"[)\]}]\s+(?P<at>new)\b"), False, _side_by_side),
)

_RETURN = re.compile(r"\(\s*(?=return\b)")
_SEMICOLON = re.compile(r";\s*\)\s*$")


def _in_single(blank: str) -> SyntaxMistake | None:
    """Statements in ``@(…)``."""
    if returned := _RETURN.match(blank):
        message = "return belongs to a block of statements"
        return SyntaxMistake(returned.end(), message, "write @( … ) without return and ;, or @{ return …; }")
    if semicolon := _SEMICOLON.search(blank):
        message = "a single expression ends without a semicolon"
        return SyntaxMistake(semicolon.start(), message, "remove it, or write @{ return …; }")
    return None


def _in_block(blank: str) -> SyntaxMistake | None:
    """A single expression in ``@{…}``."""
    if ";" in blank or re.search(r"\breturn\b", blank) or "{" in blank[1:]:
        return None
    start = len(blank) - len(blank[1:].lstrip())
    return SyntaxMistake(
        start, "a block holds statements, and this is an expression", "write @( … ), or @{ return …; }"
    )
