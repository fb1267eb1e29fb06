"""
Comments and blank lines of a document: everything between its elements that has no meaning for the gateway.

A remark is a text: empty for a blank line, else a comment, of several lines where it has line breaks. In YAML a comment
of several lines stands between ``# <!--`` and ``# -->``; every other line that begins with # is a comment of its own.

XML forbids two hyphens in a row in a comment and has no way to escape them: a backslash parts them there, and one more
parts hyphens that have backslashes between them already. What is written so is read as what it was.

Source: XML 1.0 §2.5; YAML 1.2 §6.6.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import takewhile
from textwrap import dedent

_OPEN, _CLOSE = "<!--", "-->"
_HYPHENS = re.compile(r"-(\\*)(?=-)")
_CLOSING = re.compile(r"-\\*->")  # a line that looks like the end of a comment, or is parted so that it does not
_PARTED = re.compile(r"-\\(\\*)(?=-)")


def _parted(text: str) -> str:
    """*text* without two hyphens in a row."""
    return _HYPHENS.sub(r"-\1\\", text)


def _joined(text: str) -> str:
    """What ``_parted`` has written as *text*."""
    return _PARTED.sub(r"-\1", text)


def of_xml(raw: str) -> str:
    """The comment with this text between its brackets."""
    first, *more = _joined(raw).split("\n")
    rest = dedent("\n".join(line.rstrip() for line in more))
    return (f"{first.strip()}\n{rest}" if first.strip() else rest).strip("\n").rstrip() or " "


def to_xml(remark: str, indent: str) -> Iterator[str]:
    """Its lines in XML."""
    safe = _parted(remark)
    if not remark:
        yield "\n"
    elif "\n" in remark:
        inner = (f"{indent}    {line}".rstrip() + "\n" for line in safe.split("\n"))
        yield from (f"{indent}{_OPEN}\n", *inner, f"{indent}{_CLOSE}\n")
    else:
        yield f"{indent}{_OPEN} {safe.strip()} {_CLOSE}\n"


def to_yaml(remark: str, indent: str) -> Iterator[str]:
    """Its lines in YAML."""
    if not remark:
        yield ""
        return
    inner = remark.split("\n")
    block = [_OPEN, *(_parted(line) if _CLOSING.fullmatch(line) else line for line in inner), _CLOSE]
    lines = block if len(inner) > 1 or remark == _OPEN else inner
    yield from (f"{indent}# {line}".rstrip() for line in lines)


def of_yaml(lines: Iterable[str]) -> list[str]:
    """The remarks in lines that are blank or begin with #."""
    remarks: list[str] = []
    source = iter(lines)
    for line in source:
        text = _bare(line)
        if text == _OPEN:
            inner = takewhile(lambda inner: inner != _CLOSE, map(_bare, source))
            remarks.append("\n".join(_joined(line) if _CLOSING.fullmatch(line) else line for line in inner) or " ")
        else:
            remarks.append("" if not line.strip() else text or " ")
    return remarks


def _bare(line: str) -> str:
    return line.strip().removeprefix("#").removeprefix(" ")


def without_blanks(remarks: Iterable[str]) -> tuple[str, ...]:
    """The comments alone."""
    return tuple(remark for remark in remarks if remark)
