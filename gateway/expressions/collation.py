"""
The order of strings under the invariant culture, and searching by it.

Three levels, each looked at only where those before are equal: which character it is, its accents, its case. Control
characters and invisible ones count on none of them.

Source: Unicode Technical Standard 10 with the root table of CLDR, which .NET takes from ICU.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from gateway.expressions.limits import spend

CHAR_S = 2e-6  # for each character that is given a weight

# Spaces, punctuation, symbols and digits, in the order of the table; letters come after them.
_MARKS = (
    "\t\n\v\f\r\x85\u2028\u2029 _‗-‒–—―,;:!¡?¿.…·'‘’‚‛‹›\"“”„‟«»()[]{}‖§¶@*/\\&#%‰‱†‡•′″`´˜^¯¨¸°©®"
    "+±÷×<=>¬|¦~¤¢$£¥€0123456789"
)
_RANKS = {character: rank for rank, character in enumerate(_MARKS)}
_LETTERS = len(_MARKS)
_ACCENTS = "\u0301\u0300\u0306\u0302\u030c\u030a\u0308\u030b\u0303\u0307\u0338\u0327\u0328\u0304"
# Letters that sort as another letter with a stroke, or as two letters.
_STROKES = {"ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ł": "l", "ŧ": "t", "æ": "ae", "œ": "oe", "ß": "ss", "ĳ": "ij"}
_INVISIBLE = ("Cc", "Cf")

Weight = tuple[int, int, int]  # character, accent, case


def _accent(mark: str) -> int:
    place = _ACCENTS.find(mark)
    return place + 1 if place >= 0 else ord(mark)


@lru_cache(maxsize=4096)
def _weights(character: str) -> tuple[Weight, ...]:
    """The weights of one character; none if it is invisible."""
    if character in _RANKS:
        return ((_RANKS[character], 0, 0),)
    if unicodedata.category(character) in _INVISIBLE:
        return ()
    return tuple(weight for part in unicodedata.normalize("NFKD", character) for weight in _part(part))


def _part(part: str) -> list[Weight]:
    if part in _RANKS:
        return [(_RANKS[part], 0, 1)]
    if unicodedata.combining(part):
        return [(-1, _accent(part), 0)]
    lower = part.lower()
    stroke = int(lower in _STROKES)
    return [
        (_LETTERS + ord(letter), stroke * _accent("\u0338"), int(lower != part))
        for letter in _STROKES.get(lower, lower)
    ]


def sort_key(text: str, ignore_case: bool = False) -> tuple[tuple[int, ...], ...]:
    """The key by which *text* is compared: characters, then accents, then case."""
    spend(len(text), CHAR_S)
    weights = [weight for character in text for weight in _weights(character)]
    first = tuple(character for character, _, _ in weights if character >= 0)
    second = tuple(accent for _, accent, _ in weights)
    return (first, second) if ignore_case else (first, second, tuple(case for _, _, case in weights))


def compare_texts(left: str, right: str, ignore_case: bool = False) -> int:
    """Which of the two comes first: -1, 0 or 1."""
    if left == right:
        return 0
    first, second = sort_key(left, ignore_case), sort_key(right, ignore_case)
    return (first > second) - (first < second)


def is_plain(text: str) -> bool:
    """Whether every character is visible and none combines with its neighbours: then searching is ordinal."""
    return text.isascii() and text.isprintable()


def search(text: str, part: str, ignore_case: bool = False) -> list[tuple[int, int]]:
    """Where *part* occurs in *text*: start and end of each place, in order."""
    wanted = [key for key, _, _ in _clusters(part, ignore_case)]
    clusters = _clusters(text, ignore_case)
    keys = [key for key, _, _ in clusters]
    count = len(wanted)
    spend(len(keys) * max(count, 1), CHAR_S)
    return [
        (clusters[place][1], clusters[place + count - 1][2])
        for place in range(len(keys) - count + 1)
        if keys[place : place + count] == wanted
    ]


def _clusters(text: str, ignore_case: bool) -> list[tuple[object, int, int]]:
    """Characters with their accents: key, start and end; invisible ones belong to the character before them."""
    clusters: list[tuple[object, int, int]] = []
    start = 0
    for end in range(1, len(text) + 1):
        if end < len(text) and (unicodedata.combining(text[end]) or not _weights(text[end])):
            continue
        if any(map(_weights, text[start:end])):
            clusters.append((sort_key(text[start:end], ignore_case), start, end))
        start = end
    return clusters
