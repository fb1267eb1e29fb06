"""
Keeping secrets out of a bundle: texts that were masked in one place are masked wherever else they occur.

This is the second line of defence. The first one is that each part of the bundle contains only what it is known to be
safe to show.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

MASK = "…"

# A shorter secret would be found in every other word. Texts that are only private are also names and ordinary words.
_SECRET_LENGTH = 4
_PRIVATE_LENGTH = 8

_PATTERNS = (
    (re.compile(r"(?i)\b(bearer|basic|sharedaccesssignature|sharedkey)\s+[^\s\"'<>,;]+"), rf"\1 {MASK}"),
    (re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*)*"), MASK),
    (re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL), MASK),
)

# All of it at once: a search from each of its parts would take a text of nothing but ``://`` for hours.
_URL = re.compile(r"(?<=://)[^\s\"'<>]+")


class Hidden:
    """Texts that may not appear in the bundle."""

    def __init__(self) -> None:
        self._texts: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def secret(self, text: str) -> str:
        """Hide *text*, and each of its lines; what is written instead."""
        self._hide([text, *text.splitlines()], _SECRET_LENGTH)
        return MASK

    def private(self, text: str) -> str:
        """The same for a text that is probably not a secret: only where it is long enough to be no common word."""
        self._hide([text, *text.splitlines()], _PRIVATE_LENGTH)
        return MASK

    def _hide(self, texts: Iterable[str], shortest: int) -> None:
        known = {text.strip() for text in texts if len(text.strip()) >= shortest}
        forms = {form for text in known for form in (text, json.dumps(text)[1:-1], repr(text)[1:-1], quote(text, ""))}
        self._texts |= forms
        self._pattern = None

    def scrub(self, text: str) -> str:
        """*text* without what is hidden, and without what looks like a credential."""
        if self._pattern is None:
            longest_first = sorted(self._texts, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
        text = _URL.sub(_shown_rest, self._pattern.sub(MASK, text))
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return text


def _shown_rest(url: re.Match[str]) -> str:
    """What is shown of a URL behind its scheme: no user, and no query."""
    public, question, query = url[0].partition("?")
    end = query[len(query.rstrip("):,;.")) :]
    if "@" in query and "@" not in public:  # a question mark in a password, or an @ in a query
        return f"{MASK}{end}"
    _, user, place = public.rpartition("@")
    shown = f"{MASK}@{place}" if user else public
    return f"{shown}?{MASK}{end}" if question and query != end else shown + question + query
