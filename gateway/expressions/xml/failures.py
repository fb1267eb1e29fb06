"""
What .NET's XmlReader says of a document that is not well-formed, from the place and the code of expat's error.

Where expat's code alone does not decide the sentence, the text is looked at once more, after a failed parse only.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from gateway.expressions.thrown import Thrown, thrown

CODES = expat.errors.codes
_MARKUP = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<(/?)([^\s/>!?]+)([^>]*)>", re.DOTALL)
_NAME_START = re.compile(r"[^\W\d]|[:_]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WORD_END = re.compile(r"[=\s>]")
_ROOT = "Data at the root level is invalid."
SHORTEST = 4  # characters that XmlReader needs to see what it reads


def _code(message: str) -> int:
    return CODES[message]


_NO_ELEMENTS = _code(expat.errors.XML_ERROR_NO_ELEMENTS)
_UNCLOSED = _code(expat.errors.XML_ERROR_UNCLOSED_TOKEN)
_MISMATCH = _code(expat.errors.XML_ERROR_TAG_MISMATCH)
_JUNK = _code(expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT)
_ENTITY = _code(expat.errors.XML_ERROR_UNDEFINED_ENTITY)
_DUPLICATE = _code(expat.errors.XML_ERROR_DUPLICATE_ATTRIBUTE)
_LATE = _code(expat.errors.XML_ERROR_MISPLACED_XML_PI)


def failure(error: expat.ExpatError, text: str) -> Thrown:
    """What to throw for *error*, which parsing *text* gave."""
    lines = text.split("\n")
    line, column = error.lineno, error.offset
    rest = "\n".join([lines[line - 1][column:], *lines[line:]]) if line <= len(lines) else ""
    if not text.strip() or (error.code == _NO_ELEMENTS and not _open_tags(text)):
        return thrown("XmlException", "Root element is missing.")
    if len(text) < SHORTEST:
        return _at(_ROOT, 1, 0)
    sentence, moved = _sentence(error.code, text[: len(text) - len(rest)], rest)
    if sentence == _UNCLOSED_LITERAL:
        return _at(sentence, len(lines), len(lines[-1]))
    return _at(sentence, line, column + moved)


def _at(sentence: str, line: int, column: int) -> Thrown:
    return thrown("XmlException", f"{sentence} Line {line}, position {column + 1}.")


_UNCLOSED_LITERAL = "There is an unclosed literal string."


def _sentence(code: int, before: str, rest: str) -> tuple[str, int]:
    """The sentence, and how far behind expat's place .NET's is."""
    if code == _NO_ELEMENTS:
        names = ", ".join(name for name, _ in reversed(_open_tags(before)))
        return f"Unexpected end of file has occurred. The following elements are not closed: {names}.", 0
    if code == _MISMATCH:
        return _mismatch(before, rest), 0
    if code == _ENTITY:
        return f"Reference to undeclared entity '{rest[1:].partition(';')[0]}'.", 1
    if code == _DUPLICATE:
        return f"'{_WORD_END.split(rest)[0]}' is a duplicate attribute name.", 0
    if code == _JUNK:
        return ("There are multiple root elements.", 1) if rest[:1] == "<" else (_ROOT, 0)
    return _token(code, before, rest)


def _mismatch(before: str, rest: str) -> str:
    name, place = _open_tags(before)[-1]
    line, column = before.count("\n", 0, place) + 1, place - (before.rfind("\n", 0, place) + 1) + 1
    closing = _WORD_END.split(rest.removeprefix("</"))[0]
    return f"The '{name}' start tag on line {line} position {column} does not match the end tag of '{closing}'."


def _token(code: int, before: str, rest: str) -> tuple[str, int]:
    if code == _LATE:
        return (
            "Unexpected XML declaration. The XML declaration must be the first node in the document, and no whitespace "
            "characters are allowed to appear before it."
        ), 2
    if code == _UNCLOSED:
        unclosed = rest.count('"') % 2 or rest.count("'") % 2
        return (_UNCLOSED_LITERAL if unclosed else "Unexpected end of file has occurred."), 0
    return _unexpected(before, rest)


def _unexpected(before: str, rest: str) -> tuple[str, int]:
    char = rest[:1]
    if _CONTROL.match(char):
        return f"'{char}', hexadecimal value 0x{ord(char):02X}, is an invalid character.", 0
    if before.endswith("<") and char == "/":
        return "Unexpected end tag.", 1
    if "<" not in before:
        return _ROOT, 0
    return ("An error occurred while parsing EntityName.", 0) if before.endswith("&") else _in_tag(before, char)


def _in_tag(before: str, char: str) -> tuple[str, int]:
    if before.endswith("<") and not _NAME_START.match(char):
        return f"Name cannot begin with the '{char}' character, hexadecimal value 0x{ord(char):02X}.", 0
    expected = "'\"' or '''" if before.rstrip().endswith("=") else "'='"
    return f"'{char}' is an unexpected token. The expected token is {expected}.", 0


def _open_tags(text: str) -> list[tuple[str, int]]:
    """Names and places of the elements that are open at the end of *text*."""
    stack: list[tuple[str, int]] = []
    for match in _MARKUP.finditer(text):
        name = match[2]
        if name is None or match[3].endswith("/"):
            continue
        if not match[1]:
            stack.append((name, match.start(2)))
        elif stack:
            stack.pop()
    return stack
