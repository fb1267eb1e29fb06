"""
An edited configuration, the last import and a new one → the edited configuration with what is new in the source.

Key by key: what the person has left as it was written follows the source; what the person has changed stays, and is
reported where the source has changed as well. Lists of things with an id are joined by id, other lists are one value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A value that both the person and the source have changed: the path to it, and what the source has now."""

    path: _Path
    value: Any


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


ABSENT: Any = _Absent()


@dataclass(slots=True)
class Merge:
    """
    One merge into nodes that a person has edited.

    Attributes:
        style: Makes nodes of plain data; the path leads to them.
        conflicts: What was kept against the source.
        changed: Whether anything was written.
    """

    style: Callable[[Any, _Path], Any]
    conflicts: list[Conflict] = field(default_factory=list)
    changed: bool = False

    def mapping(self, own: Any, last: dict[str, Any], new: dict[str, Any], path: _Path = ()) -> None:
        """Bring the mapping *own* from *last* to *new*."""
        for key in dict.fromkeys([*new, *last]):
            before, after = last.get(key, ABSENT), new.get(key, ABSENT)
            if _same(before, after):
                continue  # the source has not changed: whatever the person has done stays
            self._value(own, key, before, after, (*path, key))

    def _value(self, own: Any, key: str, before: Any, after: Any, path: _Path) -> None:
        present = own.get(key, ABSENT)
        if _same(present, after):
            return
        if _same(present, before):
            self._put(own, key, after, path)
        elif not self._into(present, before, after, path):
            self.conflicts.append(Conflict(path, after))

    def _into(self, present: Any, before: Any, after: Any, path: _Path) -> bool:
        """Merge inside of *present*, where it is of the same kind as what the source has."""
        if isinstance(present, dict) and isinstance(after, dict):
            self.mapping(present, before if isinstance(before, dict) else {}, after, path)
            return True
        if _have_ids(present) and _have_ids(after):
            self._items(present, before if _have_ids(before) else [], after, path)
            return True
        return False

    def _put(self, own: Any, key: str, value: Any, path: _Path) -> None:
        """Follow the source; comments inside stay."""
        self.changed = True
        if value is ABSENT:
            del own[key]
        elif key not in own or not self._into(own[key], _plain(own[key]), value, path):
            own[key] = self.style(value, path)

    def _items(self, own: Any, last: list[Any], new: list[Any], path: _Path) -> None:
        """The same for a list of things with an id; new ones go to its end."""
        before, after = _by_id(last), _by_id(new)
        for id in dict.fromkeys([*after, *before]):
            old, item = before.get(id, ABSENT), after.get(id, ABSENT)
            if not _same(old, item):
                self._item(own, old, item, (*path, id))

    def _item(self, own: Any, old: Any, item: Any, path: _Path) -> None:
        index = next((number for number, present in enumerate(own) if str(present.get("id")) == path[-1]), None)
        if index is None:
            self._absent_item(own, old, item, path)
        elif item is not ABSENT:
            self.mapping(own[index], {} if old is ABSENT else old, item, path)
        elif _same(own[index], old):
            self.changed = True
            del own[index]
        else:
            self.conflicts.append(Conflict(path, item))

    def _absent_item(self, own: Any, old: Any, item: Any, path: _Path) -> None:
        """One that is not in the edited list: new in the source, or taken out by the person."""
        if old is ABSENT:
            self.changed = True
            own.append(self.style(item, path))
        elif item is not ABSENT:
            self.conflicts.append(Conflict(path, item))


def _by_id(items: list[Any]) -> dict[str, Any]:
    return {str(item["id"]): item for item in items}


def _have_ids(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) and "id" in item for item in value)


def _same(value: Any, other: Any) -> bool:
    return value is other or (ABSENT not in (value, other) and _plain(value) == _plain(other))


def _plain(value: Any) -> Any:
    """*value* without styles, as JSON would have it."""
    match value:
        case dict():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(item) for item in value]
        case bool() | None:
            return value
        case int():
            return int(value)
        case str():
            return str(value)
    return value
