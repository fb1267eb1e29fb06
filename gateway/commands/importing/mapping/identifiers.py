"""
The gateway's ids for the names of the source.

A name that has the form of an id is kept. Characters that an id cannot have become dashes; a name of a workspace that
another one has already is written behind the workspace's: ``team-a-orders``. Names have no case, as in APIM.
"""

from __future__ import annotations

import re
from itertools import chain, count

_FORBIDDEN = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 200


class Identifiers:
    """Ids by kind, workspace and name."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str, str], str] = {}
        self._taken: dict[str, set[str]] = {}

    def give(self, kind: str, name: str, workspace: str = "") -> str:
        """The id of *name*; the same one each time."""
        key = (kind, workspace.casefold(), name.casefold())
        if key not in self._ids:
            self._ids[key] = self._free(kind, name, workspace)
            self._taken[kind].add(self._ids[key].casefold())
        return self._ids[key]

    def find(self, kind: str, name: str, workspace: str = "") -> str | None:
        """The id that *name* has been given; a workspace sees the service's as well."""
        places = dict.fromkeys((workspace.casefold(), ""))
        ids = (self._ids.get((kind, place, name.casefold())) for place in places)
        return next((id for id in ids if id is not None), None)

    def own(self, kind: str, name: str, workspace: str = "") -> str | None:
        """The id that *name* has been given in its *workspace*; the service's thing of that name is another."""
        return self._ids.get((kind, workspace.casefold(), name.casefold()))

    def forget(self, kind: str, name: str, workspace: str = "") -> None:
        """Take the id of *name* away: what it named is left out."""
        id = self._ids.pop((kind, workspace.casefold(), name.casefold()))
        self._taken[kind].discard(id.casefold())

    def renamed(self, kind: str) -> dict[str, str]:
        """Of one kind, the names whose id is another: ``{folded name: id}``."""
        return {name: id for (own, _, name), id in self._ids.items() if own == kind}

    def _free(self, kind: str, name: str, workspace: str) -> str:
        taken = self._taken.setdefault(kind, set())
        plain = as_id(name)
        longer = as_id(f"{workspace}-{name}") if workspace else plain
        candidates = chain([plain, longer], (f"{longer}-{number}" for number in count(2)))
        return next(candidate for candidate in candidates if candidate.casefold() not in taken)


def as_id(name: str) -> str:
    """*name* in the form of an id."""
    id = _FORBIDDEN.sub("-", name).strip("-._")[:_LONGEST]
    return id or "unnamed"


def last_segment(id: str) -> str:
    """The name at the end of an ARM id, or of a path such as ``/apis/orders``."""
    return id.rstrip("/").rpartition("/")[2]
