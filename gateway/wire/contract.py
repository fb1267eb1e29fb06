"""
The header contract: a header that a pipeline sets cannot come from the client.

The names are removed from every request of the API before its policies run, on routes without a token too. Headers
nominated in ``Connection`` are gone by then, so a nominated name that a policy sets later still goes out exactly once.

Source: docs/adr/0003 and docs/adr/0007; OWASP ASVS on headers set by an intermediary.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.wire.fields import field_key
from gateway.wire.headers import Headers


class HeaderContract:
    """The names that only the pipeline may set. Every spelling counts: any case, ``_`` for ``-``, repeated lines."""

    __slots__ = ("names",)

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(field_key(name) for name in names)

    def is_broken(self, headers: Headers) -> bool:
        """Whether one of the names is in *headers*."""
        return not self.names.isdisjoint(headers.lines)

    def strip(self, headers: Headers) -> None:
        """Remove every contracted header."""
        for name in self.names:
            headers.lines.pop(name, None)
