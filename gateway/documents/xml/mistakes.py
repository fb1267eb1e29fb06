"""
What people write where XML cannot be read on: each mistake with its place, as a colleague would explain it.

Source: XML 1.0 §2.4, §2.5, §3.1 and §4.1.
"""

from __future__ import annotations

import html.entities
import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from gateway.documents.suggestions import goes_on

_NAME = r"[^\W\d][\w.:-]*"


class MarkupMistake(NamedTuple):
    """What is wrong at an offset into the document, and what to write."""

    offset: int
    code: str
    message: str
    remedy: str


# -- inside a tag
_SWALLOWED = re.compile(rf"(?P<value>[^\"'<]*?)\s+(?P<next>{_NAME})\s*=\s*$")
_UNQUOTED = re.compile(rf"(?P<name>{_NAME})\s*=\s*(?P<value>[^\s\"'/>]+)")
_BARE = re.compile(rf"(?P<name>{_NAME})\s*(?=[\s/>])")
_HOLE = re.compile(r"[{%$#]")
_FOLLOWING = re.compile(r"[^>\n]{1,30}")


def in_tag(text: str, offset: int, tag: str, last: str, opened: int) -> MarkupMistake:
    """
    A tag continues at *offset* with what is not an attribute.

    Args:
        tag: The element's name.
        last: The attribute before it; empty where there is none.
        opened: Where the value of *last* begins.
    """
    at = offset + len(text[offset:]) - len(text[offset:].lstrip())
    if at == len(text):
        return MarkupMistake(at - 1, "malformed-tag", f"the document ends inside the tag <{tag}>", "write > or /> here")
    if last and at == offset:
        return _behind_value(text, at, last, text[opened : offset - 1], opened)
    if text.startswith("<", at) and not text.startswith("<!--", at):
        return MarkupMistake(
            at, "malformed-tag", f"the tag <{tag}> is not closed before the next one", "write > or /> here"
        )
    return _comment_in_tag(text, at) or _without_quotes(text, at) or _not_an_attribute(text, at, tag)


def _behind_value(text: str, at: int, last: str, value: str, opened: int) -> MarkupMistake:
    """Something stands directly behind a closing quote: that quote was not meant to close the value."""
    if swallowed := _SWALLOWED.fullmatch(value):
        message = f"the value of {last} is not closed before the attribute {swallowed['next']}"
        return MarkupMistake(opened - 1, "unclosed-value", message, f'write {last}="{swallowed["value"]}"')
    following = _FOLLOWING.match(text, at)
    message = f"the value of {last} ends at the quote before {following[0] if following else 'this'}"
    code = re.search(r"context\.|[=!]=|&&|\(", value) is not None
    remedy = "write an expression as @(…)" if code else "write &quot; for a quote inside a value"
    return MarkupMistake(at, "malformed-tag", message, remedy)


def _comment_in_tag(text: str, at: int) -> MarkupMistake | None:
    if not text.startswith("<!--", at):
        return None
    return MarkupMistake(at, "malformed-tag", "a comment cannot be inside a tag", "put it before the element")


def _without_quotes(text: str, at: int) -> MarkupMistake | None:
    if unquoted := _UNQUOTED.match(text, at):
        name, value = unquoted["name"], unquoted["value"].strip("“”„‘’«»")
        message = f"the value of {name} needs plain quotes"
        shown = f"{value}…)" if value.startswith("@(") and not value.endswith(")") else value
        return MarkupMistake(at, "malformed-tag", message, f'write {name}="{shown}"')
    if bare := _BARE.match(text, at):
        return MarkupMistake(
            at, "malformed-tag", f"the attribute {bare['name']} has no value", f'write {bare["name"]}="…"'
        )
    return None


def _not_an_attribute(text: str, at: int, tag: str) -> MarkupMistake:
    hole = _HOLE.match(text, at) is not None
    remedy = "fill in template placeholders before loading" if hole else 'write name="value"'
    message = f"the tag <{tag}> continues with something that is not an attribute"
    return MarkupMistake(at, "malformed-tag", message, remedy)


# -- inside a value or a text
_PLACEHOLDER = re.compile(r"<[\w -]+>")
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7})(?=[ \n]|$)", re.MULTILINE)
_CUT_TAG = re.compile(rf"(</{_NAME})\s*(?=<|\Z)")
_ENTITY = re.compile(r"&(\w+);")


def in_value(text: str, at: int, expression_end: int) -> MarkupMistake:
    """A ``<`` inside an attribute's value, in which an expression has ended at *expression_end*; 0 where none has."""
    if expression_end and goes_on(text, expression_end):
        message = f"the expression ends before {text[expression_end:at].strip()[:30]}"
        return MarkupMistake(expression_end, "mixed-expression", message, "put brackets around the whole: @((…)…)")
    message, remedy = (
        "'<' is not allowed in an attribute's value",
        "write &lt;, or check that the value before it is closed",
    )
    if text.startswith("<!--", at):
        message, remedy = "a comment cannot be inside a value", "put it before the element"
    elif placeholder := _PLACEHOLDER.match(text, at):
        remedy = f"fill in {placeholder[0]}, or write &lt; for a < of your own"
    return MarkupMistake(at, "stray-less-than", message, remedy)


def in_text(text: str, at: int) -> MarkupMistake:
    """A ``<`` that begins no tag."""
    if _CONFLICT.match(text, at):
        remedy = "resolve it, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>"
        return MarkupMistake(at, "merge-conflict", "a merge conflict is left in the document", remedy)
    if cut := _CUT_TAG.match(text, at):
        return MarkupMistake(at, "malformed-tag", f"the tag {cut[1]} is not closed", f"write {cut[1]}>")
    return MarkupMistake(at, "stray-less-than", "'<' begins no tag here", "write &lt; or use CDATA")


def reference(written: str) -> tuple[str, str]:
    """What is wrong with a character reference, and the remedy."""
    entity = _ENTITY.fullmatch(written)
    code = html.entities.name2codepoint.get(entity[1]) if entity else None
    if code is not None:
        return f"{written!r} is an entity of HTML, not of XML", f"write &#{code};"
    remedy = "write &amp; for an ampersand; fill in template placeholders before"
    return f"{written!r} is not a character reference of XML", remedy


def outside_root(junk: str, before: bool) -> tuple[str, str]:
    """What text before or behind the root element is, and the remedy."""
    if before and "<" not in junk and "\n" not in junk and junk.endswith((".xml", ".yaml", ".yml")):
        return (
            f"the document holds the path {junk} instead of a policy",
            "write the file's content here, or name that file",
        )
    if before and junk.startswith("["):
        return "the document is an expression of an ARM template", "take the policy out of the template"
    remedy = "keep one <policies> or <fragment> element; fill in template directives before"
    return f"text {'before' if before else 'after'} the root element", remedy


# -- tags that do not match
class Opened(Protocol):
    """An element whose end has not been reached."""

    @property
    def name(self) -> str: ...

    @property
    def start(self) -> int: ...


def mismatched(name: str, at: int, stack: Sequence[Opened], closed: Sequence[str], line: int) -> MarkupMistake:
    """
    ``</name>`` stands at *at*, where the innermost of *stack* is open.

    Args:
        closed: Names of the elements inside the innermost one, which are complete.
        line: On which the innermost one begins.
    """
    inner = stack[-1].name
    if len(stack) > 1 and stack[-2].name == inner:
        message = f"found <{inner}> where </{inner}> belongs"
        return MarkupMistake(stack[-1].start, "mismatched-tag", message, f"write </{inner}>")
    names = [element.name for element in stack]
    if name in names:
        missing = "".join(f"</{open_name}>" for open_name in reversed(names[names.index(name) + 1 :]))
        message = f"<{inner}> of line {line} is not closed before </{name}>"
        return MarkupMistake(at, "mismatched-tag", message, f"write {missing} before it")
    if name in closed:
        message = f"</{name}> closes nothing: the <{name}> before it is closed already"
        return MarkupMistake(at, "mismatched-tag", message, "remove it, or write > for the /> of that element")
    message = f"found </{name}> where <{inner}> of line {line} must be closed"
    return MarkupMistake(at, "mismatched-tag", message, f"write </{inner}>")
