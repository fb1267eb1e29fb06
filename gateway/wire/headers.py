"""
Header fields of one message: case-insensitive names, several values each, order of first appearance.

Source: RFC 9110 §5.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_Field = tuple[str, str]

# Lists whose members may hold commas, or that clients expect on lines of their own.
# Source: APIM "set-header"; RFC 6265 §3 for Set-Cookie.
ONE_LINE_EACH = frozenset(
    [
        "user-agent",
        "www-authenticate",
        "proxy-authenticate",
        "cookie",
        "set-cookie",
        "warning",
        "date",
        "expires",
        "if-modified-since",
        "if-unmodified-since",
        "last-modified",
        "retry-after",
    ]
)


class Headers:
    """
    Header fields of one message. Text is Latin-1, as on the wire; names keep the case in which they were written.

    The inner form is ``lower-case name -> [(name, value), …]``: one look-up a question, and ready to be written out.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[_Field] = ()) -> None:
        self._fields: dict[str, list[_Field]] = {}
        for name, value in fields:
            self.append(name, value)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __iter__(self) -> Iterator[_Field]:
        for lines in self._fields.values():
            yield from lines

    def __len__(self) -> int:
        return sum(map(len, self._fields.values()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._fields == other._fields

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        # Names only: values may be secret.
        return f"Headers({sorted(self._fields)})"

    def items(self) -> Iterator[_Field]:
        """Every field line in order, one pair each."""
        return iter(self)

    def names(self) -> Iterable[str]:
        """The lower-case names present."""
        return self._fields.keys()

    def values(self, name: str) -> tuple[str, ...]:
        """All values of *name*, in order; empty when it is absent."""
        lines = self._fields.get(name.lower())
        return tuple(value for _, value in lines) if lines else ()

    def first(self, name: str) -> str | None:
        """The first value of *name*, or None."""
        lines = self._fields.get(name.lower())
        return lines[0][1] if lines else None

    def joined(self, name: str) -> str | None:
        """All values of *name* joined by a comma (as APIM's GetValueOrDefault gives them), or None."""
        lines = self._fields.get(name.lower())
        if not lines:
            return None
        return lines[0][1] if len(lines) == 1 else ",".join(value for _, value in lines)

    def append(self, name: str, value: str) -> None:
        """Add one more line after those that are there."""
        self._fields.setdefault(name.lower(), []).append((name, value))

    def replace(self, name: str, *values: str) -> None:
        """Make *values* the only ones; one line a value."""
        self._fields[name.lower()] = [(name, value) for value in values]

    def remove(self, name: str) -> None:
        """Take every line of *name* away; nothing happens when there is none."""
        self._fields.pop(name.lower(), None)

    def copy(self) -> Headers:
        """An independent copy."""
        twin = Headers()
        twin._fields = {name: lines.copy() for name, lines in self._fields.items()}
        return twin
