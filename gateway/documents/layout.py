"""
The lines of an expression, indented for the place where it is written.

White space at the start and end of a line means nothing to C#, unless a string goes on from the line before: such an
expression stays as it is.

Source: C# language specification, "Verbatim strings", "White space".
"""

from __future__ import annotations

import re
from textwrap import dedent

_SPANNING = re.compile(r'@\$?"|\$@"|"""')


def indented(expression: str, indent: str) -> str:
    """*expression* with *indent* before each line but the first, and as much more as a line had beyond the others."""
    first, *more = expression.split("\n")
    if not more or _SPANNING.search(expression):
        return expression
    rest = dedent("\n".join(line.rstrip().expandtabs(4) for line in more)).split("\n")
    return "\n".join([first.rstrip(), *((indent + line).rstrip() for line in rest)])
