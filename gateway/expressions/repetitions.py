"""
How much a regular expression repeats: compiling writes counted repetitions out, and no time limit interrupts it.

``((a{1000}){1000}){1000}`` is short, and keeps the compiler busy for minutes.
"""

from __future__ import annotations

import re

MAX_REPETITIONS = 100_000  # takes some hundredths of a second

# An escaped character, a class, a count (its minimum captured), the ends of a group, or any other character.
_STEP = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]?|\{(?P<count>[0-9]{1,9})(?:,[0-9]*)?\}|.", re.DOTALL)


def repeats_too_much(pattern: str) -> bool:
    """Whether *pattern* expands to more than ``MAX_REPETITIONS`` characters, counted repetitions written out."""
    sizes, last = [0], 0  # lengths of the open groups; length of what a count would repeat
    for step in _STEP.finditer(pattern):
        if step[0] == "(":
            sizes.append(0)
            last = 0
            continue
        if step["count"]:
            size = last * (max(1, int(step["count"])) - 1)
        else:
            size = sizes.pop() if step[0] == ")" and len(sizes) > 1 else 1
            last = 0
        last += size
        sizes[-1] += size
    return sum(sizes) > MAX_REPETITIONS
