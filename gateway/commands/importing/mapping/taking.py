"""
A resource's properties, handed out one by one; whatever nobody has taken is reported as left out.

Names have no case, as in ARM.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.commands.importing.mapping.draft import PlanDraft
from gateway.commands.importing.mapping.harmless import REMEDIES, is_harmless
from gateway.commands.importing.resources import Unresolved
from gateway.errors import Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

_SET_IT = "give its parameters with --parameters or --set, or edit the result"
_SHOWN = 80


class Taker:
    """
    The properties of one mapping, and which of them have been taken.

    Attributes:
        what: The thing, for findings: ``API orders``.
    """

    def __init__(self, node: Mapping, draft: PlanDraft, what: str, kind: str, path: str = "") -> None:
        """*path* leads to this mapping inside the resource: ``circuitBreaker.rules``."""
        self.location = node.location
        self.what = what
        self._draft = draft
        self._kind = kind
        self._path = path
        self._entries = {key.value.casefold(): (key, value) for key, value in node.entries}
        self._inner: list[Taker] = []
        self._taken: set[str] = set()

    # -- taking
    def node(self, name: str) -> YamlNode | None:
        """The value of *name* as it was read; None where nothing is written."""
        self._taken.add(name.casefold())
        entry = self._entries.get(name.casefold())
        return None if entry is None or _is_nothing(entry[1]) else entry[1]

    def scalar(self, name: str) -> Scalar | None:
        """A single value, which may be unresolved."""
        node = self.node(name)
        if node is None or isinstance(node, Scalar):
            return node
        self._odd(name, node, "a single value")
        return None

    def text(self, name: str, default: str = "") -> str:
        """A text; of one that is unresolved, what stands for it, and a finding."""
        scalar = self.scalar(name)
        if isinstance(scalar, Unresolved):
            self._draft.unresolved(scalar, f"{self.what}: {self._named(name)}", _SET_IT)
            return stand_in(scalar)
        return default if scalar is None else scalar.value

    def flag(self, name: str, default: bool, unknown: bool | None = None) -> bool:
        """A truth value; *default* where it is not written, *unknown* (or *default*) where it is not known."""
        scalar = self.scalar(name)
        if scalar is None:
            return default
        if isinstance(scalar, Unresolved) or scalar.value.lower() not in ("true", "false"):
            instead = default if unknown is None else unknown
            message = f"{_shown(scalar.value)} is not true or false here; {str(instead).lower()} is assumed"
            self._draft.needs_you(scalar.location, f"{self.what}: {self._named(name)}", message, _SET_IT)
            return instead
        return scalar.value.lower() == "true"

    def number(self, name: str) -> int | None:
        """A whole number, or None."""
        scalar = self.scalar(name)
        if scalar is None:
            return None
        if isinstance(scalar, Unresolved) or not scalar.value.isdecimal() or len(scalar.value) > 15:
            message = f"{_shown(scalar.value)} is not a whole number here; it is left out"
            self._draft.needs_you(scalar.location, f"{self.what}: {self._named(name)}", message, _SET_IT)
            return None
        return int(scalar.value)

    def inner(self, name: str) -> Taker | None:
        """A mapping inside, which is looked through as this one is."""
        node = self.node(name)
        if isinstance(node, Mapping):
            return self.around(node, name)
        if node is not None:
            self._odd(name, node, "a mapping")
        return None

    def items(self, name: str) -> tuple[YamlNode, ...]:
        """A list's items."""
        node = self.node(name)
        if isinstance(node, Sequence):
            return node.items
        if node is not None:
            self._odd(name, node, "a list")
        return ()

    def inners(self, name: str) -> Iterator[Taker]:
        """A list's items that are mappings."""
        for item in self.items(name):
            if isinstance(item, Mapping):
                yield self.around(item, name)
            else:
                self._odd(name, item, "a list of mappings")

    def texts(self, name: str) -> list[str]:
        """A list's items that are texts."""
        scalars = [item for item in self.items(name) if isinstance(item, Scalar)]
        for scalar in scalars:
            if isinstance(scalar, Unresolved):
                self._draft.unresolved(scalar, f"{self.what}: {self._named(name)}", _SET_IT)
        return [stand_in(scalar) if isinstance(scalar, Unresolved) else scalar.value for scalar in scalars]

    def skip(self, *names: str) -> None:
        """Take what another property has said already."""
        self._taken.update(name.casefold() for name in names)

    def entries(self) -> Iterator[tuple[Scalar, YamlNode]]:
        """Everything that is not taken yet, and take it: a mapping whose keys are the user's own."""
        for folded, entry in self._entries.items():
            if folded not in self._taken and not _is_nothing(entry[1]):
                yield entry
        self._taken.update(self._entries)

    def around(self, node: Mapping, name: str) -> Taker:
        """A taker of *node*, which is inside this mapping under *name*."""
        taker = Taker(node, self._draft, self.what, self._kind, self._named(name))
        self._inner.append(taker)
        return taker

    def location_of(self, name: str) -> Location:
        """Where *name* is written; else where the whole is."""
        entry = self._entries.get(name.casefold())
        return self.location if entry is None else entry[0].location

    # -- the rest
    def finish(self) -> None:
        """Report what nobody has taken."""
        for folded, (key, value) in self._entries.items():
            if folded not in self._taken and not _is_nothing(value):
                self._untaken(key)
        for taker in self._inner:
            taker.finish()

    def _untaken(self, key: Scalar) -> None:
        name = self._named(key.value)
        if is_harmless(self._kind, name):
            self._draft.harmless(key.location, self.what, f"{name} has no effect on traffic")
        else:
            remedy = REMEDIES.get(f"{self._kind}:{name.casefold()}", "")
            self._draft.left_out(key.location, self.what, f"the gateway has nothing like {name}", remedy)

    def _odd(self, name: str, node: YamlNode, wanted: str) -> None:
        unknown = f" ({_shown(node.value)})" if isinstance(node, Unresolved) else ""
        message = f"{self._named(name)} is not {wanted} here{unknown}; it is left out"
        self._draft.needs_you(node.location, self.what, message, _SET_IT)

    def _named(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def _is_nothing(node: YamlNode) -> bool:
    match node:
        case Scalar():
            return node.null or not node.value or (node.plain and node.value in ("null", "~"))
        case Sequence():
            return not node.items
        case Mapping():
            return not node.entries


def stand_in(scalar: Unresolved) -> str:
    """A text for a value that is not known: the names of what is unknown, where they would be."""
    return scalar.value.replace("{", "").replace("}", "")


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
