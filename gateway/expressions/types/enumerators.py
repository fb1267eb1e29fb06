"""``IEnumerator<T>``: a sequence that is walked by hand."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.expressions.clr import OBJECT, Type, definition_of, make
from gateway.expressions.limits import tick
from gateway.expressions.runtime import iterate, represent
from gateway.expressions.signatures import define
from gateway.expressions.thrown import null_reference

_END = object()


class Enumerator:
    """Where a walk is: in front of the first item, at one, or behind the last."""

    __slots__ = ("current", "element", "items", "source")

    def __init__(self, source: object, element: Type) -> None:
        self.source = source
        self.element = element
        self.items: Iterator[object] = iterate(source)
        self.current: object = element.default

    def move(self) -> bool:
        """``MoveNext``."""
        tick()
        item = next(self.items, _END)
        self.current = self.element.default if item is _END else item
        return item is not _END

    def reset(self) -> None:
        """``Reset``."""
        self.items = iterate(self.source)
        self.current = self.element.default


def _walked(types: tuple[Type, ...], source: object) -> Enumerator:
    if source is None:
        raise null_reference()
    return Enumerator(source, types[0] if types else OBJECT)


define("System.Collections.IEnumerator", {
    "free bool MoveNext()": Enumerator.move,
    "free void Reset()": Enumerator.reset,
}, kind="interface")  # fmt: skip
ENUMERATOR = define("System.Collections.Generic.IEnumerator", {
    "free bool MoveNext()": Enumerator.move,
    "free void Reset()": Enumerator.reset,
    "free T Current": lambda walk: walk.current,
    "free void Dispose()": lambda _walk: None,
}, parameters=("T",), kind="interface", parents=("IDisposable",))  # fmt: skip
define("System.Collections.Generic.IEnumerable", {
    "free generic IEnumerator<T> GetEnumerator()": _walked,
}, parameters=("T",), kind="interface")  # fmt: skip


def _type(walk: Enumerator) -> Type:
    return make(definition_of("System.Collections.Generic.IEnumerator", 1), walk.element)


represent(Enumerator, _type)
