"""What to write instead: the remedies for names, texts and expressions that stand in the wrong place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from gateway.documents.model import Section
from gateway.documents.placeholders import NAMED_VALUE
from gateway.documents.shape import Content, Element
from gateway.documents.vocabulary import STRUCTURE, Vocabulary, statement_shape
from gateway.expressions.scan import scan_expression

# What other languages call it.
_SYNONYMS = {"else": "otherwise", "if": "when", "elseif": "when", "else-if": "when", "default": "otherwise"}
_SHOWN = 80  # characters of an expression that a remedy writes out


def suggest(name: str, known: Iterable[str]) -> str:
    """Did you mean …; or what there is, where that is little."""
    names = list(known)
    if (synonym := _SYNONYMS.get(name.lower())) in names:
        return f"write {synonym}"
    longer = [known for known in names if name.lower() in known.split("-")]  # as base-url has url
    if close := get_close_matches(name.lower(), names, n=1) or (longer if len(longer) == 1 else []):
        return f"did you mean {close[0]}?"
    return f"it takes: {', '.join(names)}" if 0 < len(names) <= 12 else "remove it"


def element_remedy(name: str, parent: Element, is_policy: bool) -> str:
    """Where an element belongs that its parent does not take: an attribute, one level deeper, or higher."""
    if parent.attribute(name):
        return f'it is an attribute here: {name}="…"'
    deeper = [child.element.name for child in parent.children if child.element.child(name)]
    if deeper:
        return f"put it inside {' or '.join(f'<{child}>' for child in deeper)}"
    if is_policy:
        return f"it is a policy of its own: put it outside of <{parent.name}>"
    return suggest(name, [child.element.name for child in parent.children])


def policy_remedy(name: str, vocabulary: Vocabulary) -> str:
    """Where an element belongs that stands among policies and is not one."""
    if name in {section.value for section in Section}:
        return "it is a section: put it directly below <policies>, and policies inside it"
    if parents := _parents(name, vocabulary)[:3]:
        return f"put it inside {' or '.join(f'<{parent}>' for parent in parents)}"
    return suggest(name, [*vocabulary, *STRUCTURE])


def _parents(name: str, vocabulary: Vocabulary) -> list[str]:
    """The policies that take an element called *name*."""
    shapes = (statement_shape(known, vocabulary) for known in [*vocabulary, *STRUCTURE])
    return sorted({shape.name for shape in shapes if shape is not None and shape.child(name)})


def text_remedy(shape: Element) -> str:
    """Where the text belongs of an element that takes none."""
    takers = [child.element.name for child in shape.children if child.element.content is Content.TEXT]
    return f"put it inside <{takers[0]}>…</{takers[0]}>" if len(takers) == 1 else "remove it, or name its setting"


_COMPUTED_NAME = re.compile(r"\{\{[^{}]*@[({]")


def mixture_remedy(value: str, start: int) -> tuple[str, str]:
    """
    What is wrong with a value that is part text and part expression, which begins at *start*; and what to write.

    Returns:
        What the value does, and the remedy.
    """
    if _COMPUTED_NAME.search(value):
        return "computes the name of a named value, which is looked up at load", "write the name itself in {{…}}"
    end = scan_expression(value, start)
    if goes_on(value, end):
        return f"ends its expression before {_cut(value[end:])}", "put brackets around the whole: @((…)…)"
    example = _joined(value[:start], value[start + 1 : end], value[end:])
    return "mixes text and an expression, so it would be taken literally", f"write one expression: {example}"


def _joined(before: str, brackets: str, after: str) -> str:
    """One expression for a text, a bracketed expression and another text; in general terms where it would be long."""
    inner = brackets[1:-1]
    whole = f'@($"{before}{{{f"({inner})" if "?" in inner else inner}}}{after}")'
    plain = brackets[0] == "(" and not set('"{') & set(before + after)
    return whole if plain and len(whole) <= _SHOWN and "\n" not in whole else '@($"text {…}")'


_CONTINUATION = re.compile(r"\s*(?:\?\.|\.[A-Z_]|\[|\?\?|==|!=|&&|\|\|)")


def goes_on(text: str, end: int) -> bool:
    """Whether what stands behind an expression that ends at *end* is more of it: ``@((T)x).Name``."""
    return _CONTINUATION.match(text, end) is not None


def _cut(text: str) -> str:
    return text.strip()[:30].partition("\n")[0]


_SURPLUS = re.compile(r"\s*[)\]};]+\s*")


def is_surplus(rest: str) -> bool:
    """Whether all that stands behind an expression is brackets that nothing opened."""
    return _SURPLUS.fullmatch(rest) is not None


_UNCLOSED_NAME = re.compile(r"\{\{\s*([\w.-]+)(?![\w.-]|\s*\}\})")


def unclosed_named_value(value: str) -> str | None:
    """The name in a ``{{name`` without its ``}}``; None where there is none."""
    unclosed = _UNCLOSED_NAME.search(NAMED_VALUE.sub("", value))
    return None if unclosed is None else unclosed[1]
