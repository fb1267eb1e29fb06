"""
Where an expression ends: the bracket scanner that the XML reader runs before any XML parser sees the text.

Real policy files hold raw C# in attribute values, quotes and ``<`` included, so the end of ``@(…)`` can only be found
by reading C#'s own tokens: brackets, string and char literals, comments. Nothing here depends on the rest of the
package.

Source: C# language specification, "Lexical structure"; APIM "Policy expressions", formats ``xml`` and ``rawxml``.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator

MAX_NESTING = 40  # nested interpolated strings; real files have two levels

_CLOSER = {"(": ")", "[": "]", "{": "}"}
_QUOTE = r'(?:"|&quot;|&\#34;|&\#x22;)'
_ENTITY = r"&(?:\#\d{1,7}|\#x[0-9a-fA-F]{1,6}|[a-z]{2,4});"
_CODE = re.compile(
    rf"""
      (?P<line>//) | (?P<block>/\*)
    | (?P<open>[(\[{{]) | (?P<close>[)\]}}])
    | (?P<string>(?:\$@|@\$|\$|@)?{_QUOTE})
    | (?P<char>'|&apos;|&\#39;)
    | (?P<alias>::) | (?P<colon>:)
    """,
    re.VERBOSE,
)
_CODE_OR_ENTITY = re.compile(rf"{_CODE.pattern} | (?P<entity>{_ENTITY})", re.VERBOSE)
# In the escaped form, attributes keep their line breaks as character references.
_LINE_END = re.compile(r"[\r\n]|&\#(?:10|13|xA|xD|x0A|x0D|xa|xd);", re.VERBOSE)
_ESCAPE = re.compile(rf"\\(?:{_ENTITY}|.)", re.VERBOSE | re.DOTALL)
_CHAR_BODY = re.compile(rf"(?:\\(?:u[0-9a-fA-F]{{4}}|x[0-9a-fA-F]{{1,4}}|{_ENTITY}|.)|{_ENTITY}|[^\\])", re.VERBOSE)


class Unbalanced(ValueError):
    """
    The text ends, or another bracket closes, before the expression does.

    Attributes:
        position: Offset of the mistake: where a string or comment opens, or where a bracket should be closed.
        remedy: What to write.
        opened: Offset of the bracket that is not closed; None for other mistakes.
        missing: The brackets that belong at *position*.
        quote: How the text that is not closed begins: ``"`` or ``&quot;``.
    """

    def __init__(
        self,
        message: str,
        position: int,
        remedy: str = "",
        opened: int | None = None,
        *,
        missing: str = "",
        quote: str = "",
    ) -> None:
        super().__init__(message)
        self.missing = missing
        self.quote = quote
        self.position = position
        self.remedy = remedy
        self.opened = opened


def scan_expression(text: str, start: int) -> int:
    """
    Find the end of the expression whose ``@(`` or ``@{`` is at *start*.

    Args:
        text: A raw document or any part of one; strings may be delimited by ``"`` or by ``&quot;``.
        start: Offset of the ``@``.

    Returns:
        The offset just after the matching bracket.

    Raises:
        Unbalanced: A ValueError; there is no matching bracket.
    """
    if text[start : start + 2] not in ("@(", "@{"):
        raise Unbalanced("an expression starts with @( or @{", start)
    return _skip_brackets(text, start + 1, 0)


def is_expression(text: str) -> bool:
    """Whether the whole of *text*, white space around it aside, is one ``@(…)`` or ``@{…}``."""
    stripped = text.strip()
    if not stripped.startswith(("@(", "@{")):
        return False
    try:
        return scan_expression(stripped, 0) == len(stripped)
    except Unbalanced:
        return False


def unescape_expression(text: str) -> str:
    """
    Turn an expression in the escaped form (``&quot;``, ``&lt;``) into C#; the raw form is returned unchanged.

    Raw C# never has an entity outside literals and comments, so a single one identifies the escaped form.
    """
    return html.unescape(text) if "&" in text and _has_entity_in_code(text) else text


def _has_entity_in_code(text: str) -> bool:
    position = 0
    while match := _CODE_OR_ENTITY.search(text, position):
        if "&" in match[0]:
            return True
        position = match.end()
        if match.lastgroup in _SKIP:
            position = _SKIP[match.lastgroup](text, match, 0)
        if "$" in match[0] and _has_entity_in_hole(text[match.start() : position]):
            return True
    return False


def _has_entity_in_hole(string: str) -> bool:
    """Whether an interpolated string that begins with a plain quote has escaped C# between its braces."""
    return any(_has_entity_in_code(hole[1:-1]) for hole in _holes(string))


def _holes(string: str) -> Iterator[str]:
    """The ``{…}`` holes of a complete interpolated string."""
    position = string.index('"') + 1
    while position < len(string) - 1:
        end = abs(_string_step(string, position, string[:position], '"', 0))
        if string[position] == "{" and not string.startswith("{{", position):
            yield string[position:end]
        position = end


def _skip_brackets(text: str, start: int, depth: int, hole: bool = False) -> int:
    """Offset after the bracket that matches the one at *start*; a *hole* of a string may have a format."""
    if depth > MAX_NESTING:
        raise Unbalanced("interpolated strings are nested too deeply", start, "split the expression")
    opened = [start]
    position = start + 1
    while opened:
        token = _CODE.search(text, position)
        if token is None:
            missing = "".join(_CLOSER[text[place]] for place in reversed(opened))
            message, remedy = f"{missing} is missing", f"write {missing} here"
            raise Unbalanced(message, len(text), remedy, opened[-1], missing=missing)
        position = _step(text, token, opened, depth)
        if hole and token.lastgroup == "colon" and len(opened) == 1:
            return _skip_format(text, position)
    return position


def _step(text: str, token: re.Match[str], opened: list[int], depth: int) -> int:
    """Offset after *token*; *opened* has the offsets of the open brackets."""
    kind = token.lastgroup or ""
    if kind == "open":
        opened.append(token.start())
    elif kind == "close":
        _close(text, token, opened)
    elif kind in _SKIP:
        return _SKIP[kind](text, token, depth)
    return token.end()


def _close(text: str, token: re.Match[str], opened: list[int]) -> None:
    """Take the innermost bracket from *opened*, which must be of the same kind as *token*."""
    place = opened.pop()
    closer = _CLOSER[text[place]]
    if token[0] == closer:
        return
    if token[0] not in {_CLOSER[text[outer]] for outer in opened}:
        raise Unbalanced(f"{token[0]} closes nothing", token.start(), "remove it, or open it before")
    message, remedy = f"found {token[0]} where {closer} belongs", f"write {closer} before it"
    raise Unbalanced(message, token.start(), remedy, place, missing=closer)


def _skip_line_comment(text: str, token: re.Match[str], _depth: int) -> int:
    end = _LINE_END.search(text, token.end())
    return end.end() if end else len(text)


def _skip_block_comment(text: str, token: re.Match[str], _depth: int) -> int:
    end = text.find("*/", token.end())
    if end < 0:
        raise Unbalanced("the comment that begins here is never closed", token.start(), "end it with */")
    return end + 2


def _skip_char(text: str, token: re.Match[str], _depth: int) -> int:
    """A char literal, or only its apostrophe if no literal follows (then the C# parser reports the mistake)."""
    body = _CHAR_BODY.match(text, token.end())
    closed = body is not None and text.startswith(token[0], body.end())
    return body.end() + len(token[0]) if body and closed else token.end()


def _skip_string(text: str, token: re.Match[str], depth: int) -> int:
    opening = token[0]
    quote = opening.lstrip("$@")
    position = token.end()
    while position < len(text) and not _breaks_off(text, position, opening):
        end = _string_step(text, position, opening, quote, depth)
        if end < 0:
            return -end
        position = end
    raise Unbalanced("the text that begins here is never closed", token.start(), 'close it with "', quote=quote)


def _breaks_off(text: str, position: int, opening: str) -> bool:
    """Whether the line ends inside a string that is not verbatim."""
    return "@" not in opening and text[position] in "\r\n"


def _string_step(text: str, position: int, opening: str, quote: str, depth: int) -> int:
    """Offset after the next item of a string; negative when that item is the closing quote."""
    if text.startswith(quote, position):
        doubled = "@" in opening and text.startswith(quote, position + len(quote))
        return position + 2 * len(quote) if doubled else -(position + len(quote))
    if text[position] == "{" and "$" in opening:
        doubled = text.startswith("{{", position)
        return position + 2 if doubled else _skip_brackets(text, position, depth + 1, True)
    return position + 1 if "@" in opening else _regular_step(text, position)


def _regular_step(text: str, position: int) -> int:
    """Offset after a character or an escape of a string that is not verbatim."""
    escape = _ESCAPE.match(text, position)
    return escape.end() if escape else position + 1


def _skip_format(text: str, position: int) -> int:
    """A hole's colon is followed by format text, not C#; it ends at the first brace that is not doubled."""
    while (end := text.find("}", position)) >= 0:
        if not text.startswith("}}", end):
            return end + 1
        position = end + 2
    raise Unbalanced("the format of an interpolated value is never closed", position, "end it with }")


_SKIP: dict[str, Callable[[str, re.Match[str], int], int]] = {
    "line": _skip_line_comment,
    "block": _skip_block_comment,
    "char": _skip_char,
    "string": _skip_string,
}
