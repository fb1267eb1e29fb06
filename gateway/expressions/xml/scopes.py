"""
The namespaces in scope while a tree is written: which prefix a name gets, and what must be declared for it.

Source: .NET's XmlWellFormedWriter, whose choice of prefixes and order of declarations this follows.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.expressions.thrown import thrown
from gateway.expressions.xml.tree import XML, XMLNS

_IMPLIED, _NEEDED, _WRITTEN = range(3)


@dataclass(slots=True)
class _Declaration:
    prefix: str
    uri: str
    kind: int = _IMPLIED


class Scopes:
    """A stack of declarations; each open element has its own part at its end."""

    def __init__(self) -> None:
        self._stack = [_Declaration("xmlns", XMLNS), _Declaration("xml", XML), _Declaration("", "")]
        self._starts: list[int] = []

    def enter(self) -> None:
        """An element begins."""
        self._starts.append(len(self._stack))

    def leave(self) -> None:
        """It ends."""
        del self._stack[self._starts.pop() :]

    def prefix_of(self, uri: str) -> str | None:
        """The nearest prefix of *uri* that is not hidden by a nearer declaration."""
        for place in range(len(self._stack) - 1, -1, -1):
            if self._stack[place].uri == uri:
                prefix = self._stack[place].prefix
                hidden = any(nearer.prefix == prefix for nearer in self._stack[place + 1 :])
                return None if hidden else prefix
        return None

    def use(self, prefix: str, uri: str) -> None:
        """A name with this prefix is written in the element's start tag."""
        place = self._find(prefix)
        if place is not None and self._starts and place >= self._starts[-1]:
            self._check_same(prefix, self._stack[place].uri, uri)
            return
        known = place is not None and self._stack[place].uri == uri
        self._stack.append(_Declaration(prefix, uri, _IMPLIED if known else _NEEDED))

    def declare(self, prefix: str, uri: str) -> None:
        """The element declares a prefix itself."""
        place = self._find(prefix)
        if place is not None and self._starts and place >= self._starts[-1]:
            self._check_same(prefix, self._stack[place].uri, uri)
            self._stack[place].kind = _WRITTEN
            return
        self._stack.append(_Declaration(prefix, uri, _WRITTEN))

    def needed(self) -> list[tuple[str, str]]:
        """The declarations that the element's start tag still lacks, in the order in which they are written."""
        own = self._stack[self._starts[-1] :]
        return [(declaration.prefix, declaration.uri) for declaration in reversed(own) if declaration.kind == _NEEDED]

    def new_prefix(self) -> str:
        """A prefix that is not in scope."""
        wanted = f"p{len(self._stack) - 3}"
        prefix, number = wanted, 0
        while self._find(prefix) is not None:
            prefix, number = f"{wanted}{number}", number + 1
        return prefix

    def _find(self, prefix: str) -> int | None:
        places = range(len(self._stack) - 1, -1, -1)
        return next((place for place in places if self._stack[place].prefix == prefix), None)

    @staticmethod
    def _check_same(prefix: str, old: str, new: str) -> None:
        if old != new:
            message = f"The prefix '{prefix}' cannot be redefined from '{old}' to '{new}'"
            raise thrown("XmlException", f"{message} within the same start element tag.")
