"""
What Envoy has to change so that the message becomes what the policies made of it: differences, nothing else.

Names are compared as everywhere in the gateway, so that a client's ``caller_objectid`` goes when a policy sets
``caller-objectid``. Fields that belong to a connection or that Envoy writes for itself are not touched.

Source: Envoy, ``HeaderMutation`` in ``envoy/service/ext_proc/v3/external_processor.proto``: removals come first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.data_plane.envoy.ext_proc.reading import ENVOYS_OWN, EnvoyHead
from gateway.data_plane.envoy.mutations import pairs_of
from gateway.wire.fields import fold_name
from gateway.wire.framing import HOP_BY_HOP, OWNED

# Envoy frames messages and keeps connections; Host is ``:authority`` there.
_UNTOUCHED = OWNED | HOP_BY_HOP | {"expect", "host"}


@dataclass(slots=True)
class Mutation:
    """
    Changes of one head.

    Attributes:
        removed: Names, as Envoy spells them.
        put: Name and value; each replaces what is there under that name.
        added: Name and value of further lines, after those that are put.
    """

    removed: list[str] = field(default_factory=list)
    put: list[tuple[str, str]] = field(default_factory=list)
    added: list[tuple[str, str]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.removed or self.put or self.added)

    def set(self, name: str, *values: str) -> None:
        """Make *values* the only ones of *name*."""
        self.put.append((name, values[0]))
        self.added += [(name, value) for value in values[1:]]


def difference(head: EnvoyHead, lines: Mapping[str, str]) -> Mutation:
    """What turns the fields of *head* into *lines* (folded name -> lines), connection fields and Host aside."""
    mutation, wanted = Mutation(), dict(_spelled(lines))
    for name, values in head.values().items():
        if _is_untouched(fold_name(name)):
            continue
        if wanted.get(name) == values:
            del wanted[name]
        elif name not in wanted:
            mutation.removed.append(name)
    for name, values in wanted.items():
        mutation.set(name, *values)
    return mutation


def _is_untouched(key: str) -> bool:
    return key in _UNTOUCHED or key.startswith(ENVOYS_OWN)


def _spelled(lines: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Names in lower case as they will be on the wire, each with its values."""
    for key, block in lines.items():
        if _is_untouched(key):
            continue
        by_name: dict[str, list[str]] = {}
        for name, value in pairs_of(block):
            by_name.setdefault(name, []).append(value)
        yield from by_name.items()


def all_of(lines: Mapping[str, str]) -> Mutation:
    """The fields of an answer that Envoy gives for us."""
    mutation = Mutation()
    for name, values in _spelled(lines):
        mutation.set(name, *values)
    return mutation
