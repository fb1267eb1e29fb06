"""
Header fields of one message: case-insensitive names, several values each, order of first appearance.

Source: RFC 9110 §5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from gateway.wire.fields import FieldError, field_key

_Field = tuple[str, str]

# Lists whose members may hold commas, or that clients expect on lines of their own.
# Source: APIM "set-header"; RFC 6265 §3 for Set-Cookie.
ONE_LINE_EACH = frozenset(
    """
    user-agent www-authenticate proxy-authenticate cookie set-cookie warning date expires if-modified-since
    if-unmodified-since last-modified retry-after
    """.split()
)


class Headers:
    """
    Header fields of one message. Text is Latin-1, as on the wire; names keep the case in which they were written.

    A name stands for all its spellings: any case, and ``_`` for ``-``, because backends that follow CGI cannot tell
    them apart (docs/adr/0007). What overrides or removes ``caller-objectid`` therefore covers ``CALLER_ObjectId``.

    Attributes:
        lines: For the wire: key (see ``field_key``) -> complete field lines, several joined by CRLF. The block of
            lines as received is kept, so passing it on costs one join.
    """

    __slots__ = ("_removed", "lines")
    _removed: set[str]  # there once something has been removed, which few messages see

    def __init__(self, fields: Iterable[_Field] = ()) -> None:
        self.lines: dict[str, str] = {}
        for name, value in fields:
            self.append(name, value)

    @classmethod
    def from_lines(cls, lines: dict[str, str]) -> Headers:
        """Headers that own *lines*, which have been checked already."""
        headers = cls.__new__(cls)
        headers.lines = lines
        return headers

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _key(name) in self.lines

    def __iter__(self) -> Iterator[_Field]:
        for lines in self.lines.values():
            for line in lines.split("\r\n"):
                name, _, value = line.partition(":")
                yield name, value.strip(" \t")

    def __len__(self) -> int:
        return sum(lines.count("\r\n") + 1 for lines in self.lines.values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.lines == other.lines

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        # Names only: values may be secret.
        return f"Headers({sorted(self.lines)})"

    def items(self) -> Iterator[_Field]:
        """Every field line in order, one pair each."""
        return iter(self)

    def names(self) -> Iterable[str]:
        """The lower-case names present."""
        return self.lines.keys()

    def values(self, name: str) -> tuple[str, ...]:
        """All values of *name*, in order; empty when it is absent."""
        lines = self.lines.get(_key(name))
        return () if lines is None else tuple(map(_value, lines.split("\r\n")))

    def first(self, name: str) -> str | None:
        """The first value of *name*, or None."""
        lines = self.lines.get(_key(name))
        return None if lines is None else _value(lines.partition("\r\n")[0])

    def joined(self, name: str) -> str | None:
        """All values of *name* joined by a comma (as APIM's GetValueOrDefault gives them), or None."""
        lines = self.lines.get(_key(name))
        if lines is None:
            return None
        return _value(lines) if "\r\n" not in lines else ",".join(map(_value, lines.split("\r\n")))

    def append(self, name: str, value: str) -> None:
        """Add one more line after those that are there. Raises FieldError."""
        key = field_key(name)
        line = field_line(name, value)
        before = self.lines.get(key)
        self.lines[key] = line if before is None else f"{before}\r\n{line}"

    def replace(self, name: str, *values: str) -> None:
        """Make *values* the only ones, one line a value; no value removes the name. Raises FieldError."""
        key = field_key(name)
        if values:
            self.lines[key] = "\r\n".join([field_line(name, value) for value in values])
        else:
            self.remove(name)

    def remove(self, name: str) -> None:
        """Remove every line of *name*, and let no trailer bring it back; without one, nothing happens."""
        key = _key(name)
        self.lines.pop(key, None)
        try:
            self._removed.add(key)
        except AttributeError:
            self._removed = {key}

    @property
    def removed(self) -> Collection[str]:
        """The keys that were removed, there or not."""
        return getattr(self, "_removed", None) or ()

    def copy(self) -> Headers:
        """An independent copy."""
        copy = Headers.from_lines(self.lines.copy())
        if self.removed:
            copy._removed = set(self.removed)
        return copy


def field_line(name: str, value: str) -> str:
    """
    One field line. Raises FieldError for a value that would end the line.

    Text beyond Latin-1 goes out as UTF-8, which is what today's receivers expect.
    """
    if not (value.isascii() and value.isprintable()):
        value = _checked(name, value)
    return f"{name}: {value}"


def _checked(name: str, value: str) -> str:
    """A value that is not plain ASCII, ready for the wire."""
    if any(mark in value for mark in "\r\n\0"):
        raise FieldError(f"Specified value of {name} has invalid CRLF characters.")
    if any(ord(mark) > 0xFF for mark in value):
        return value.encode().decode("latin-1")
    return value


def _key(name: str) -> str:
    """The key of a name that is only asked for; a malformed one is simply not there."""
    try:
        return field_key(name)
    except FieldError:
        return ""


def _value(line: str) -> str:
    return line[line.index(":") + 1 :].strip(" \t")
