"""
The text of quoted and heredoc templates, as HCL reads it: escapes, indentation and strip markers.

Source: HCL Native Syntax Specification, "Template Expressions"; Terraform's documentation, "Strings and Templates".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ESCAPE = re.compile(r'\\(?:([nrt"\\])|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))')
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_LEFT = re.compile(r"[ \t\r\n]+$")
_RIGHT = re.compile(r"^[ \t\r\n]+")
LAST_CHARACTER = 0x10FFFF


def literal_text(raw: str, quoted: bool) -> str:
    """The characters that *raw* stands for: ``$${`` is ``${``; in quotes, backslashes escape as well."""
    text = raw.replace("$${", "${").replace("%%{", "%{")
    return _ESCAPE.sub(_escaped, text) if quoted else text


def _escaped(match: re.Match[str]) -> str:
    if match[1]:
        return _SIMPLE[match[1]]
    number = int(match[2] or match[3], 16)
    return chr(number) if number <= LAST_CHARACTER and not 0xD800 <= number < 0xE000 else "�"


@dataclass(frozen=True, slots=True)
class Strip:
    """Which sides of a text lose their white space, because ``~`` stands in the neighbouring marks."""

    left: bool = False
    right: bool = False

    def apply(self, text: str) -> str:
        """*text* without that white space."""
        text = _RIGHT.sub("", text) if self.left else text
        return _LEFT.sub("", text) if self.right else text


def indentation(lines: list[str]) -> int:
    """What ``<<-`` removes from each line: the smallest indentation of those that are not blank."""
    return min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)


def unindented(text: str, width: int, at_start: bool) -> str:
    """*text* without *width* white-space characters at the start of each line that is not blank."""
    if not width:
        return text
    first, *others = text.split("\n")
    kept = [_shorter(first, width, last=not others) if at_start else first]
    kept += [_shorter(line, width, last=number == len(others)) for number, line in enumerate(others, 1)]
    return "\n".join(kept)


def _shorter(line: str, width: int, last: bool) -> str:
    # Blank lines stay as they are; behind the last break of a part, an interpolation follows on the same line.
    return line[width:] if (line.strip() or last) and not line[:width].strip() else line
