"""
KeySet: an immutable picture of the keys that one source offers at one moment.

A source replaces its picture when anything changes; a cached verdict remembers the picture it was made under and ends
with it. Keys that vanish from a published set stay for a day, because Entra's sets flap.

Source: APIM "validate-jwt", openid-config; docs/tokens.md (153 of 230 changes seen in Entra's sets were reverted).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from gateway.telemetry.requests.plain import Plain, plain
from gateway.tokens.keys import Key, KeyIdentity
from gateway.tokens.withdrawn import WithdrawnKeys

MAX_NAMED = 20  # kids in the request log
VANISHED_S = 24 * 3600.0


@dataclass(frozen=True, slots=True, eq=False)
class KeySet:
    """
    Keys of one source.

    Attributes:
        issuer: Issuer, or issuer template, that the metadata states; None: inline keys, bound to no issuer.
        keys: Usable keys, published ones first.
        retires: Key identity → when a vanished key ends, in seconds since the epoch.
        shown_ids: The first kids, sorted, for the request log.
        next_retirement: When the next vanished key ends; usually infinity.
    """

    issuer: str | None
    keys: tuple[Key, ...]
    retires: Mapping[KeyIdentity, float] = field(default_factory=dict)
    by_kid: Mapping[str, tuple[Key, ...]] = field(init=False)
    shown_ids: Plain = field(init=False, repr=False)
    next_retirement: float = field(init=False)

    def __post_init__(self) -> None:
        named: dict[str, tuple[Key, ...]] = {}
        for key in self.keys:
            for name in {key.kid, key.x5t} - {None}:
                named[str(name)] = (*named.get(str(name), ()), key)
        object.__setattr__(self, "by_kid", named)
        object.__setattr__(self, "shown_ids", plain(sorted(islice(named, MAX_NAMED))))
        object.__setattr__(self, "next_retirement", min(self.retires.values(), default=math.inf))

    def retirement(self, key: Key) -> float:
        """When *key* ends; infinity while it is published."""
        return self.retires.get(key.identity, math.inf) if self.retires else math.inf

    def without(self, withdrawn: WithdrawnKeys) -> KeySet:
        """This set without the keys that are *withdrawn*; itself where none of them is."""
        kept = withdrawn.without(self.keys)
        return self if kept is self.keys else KeySet(self.issuer, kept, self.retires)

    def without_retired(self, now: float) -> KeySet:
        """This set without the vanished keys whose 24 hours are over."""
        retires = {identity: end for identity, end in self.retires.items() if end > now}
        kept = tuple(key for key in self.keys if self.retirement(key) > now)
        return KeySet(self.issuer, kept, retires)


class KeySource(Protocol):
    """A source with a current key set: an Issuer, or the keys in the policy."""

    @property
    def keyset(self) -> KeySet | None:
        """The current key set; None while nothing is known yet."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class InlineKeys:
    """The keys in the policy itself; they never change."""

    keyset: KeySet


@dataclass(slots=True, eq=False)
class Signer:
    """The key that verified a token, with its key set and source; without a key the token is unsigned."""

    key: Key | None
    keyset: KeySet
    source: KeySource


def merge(old: KeySet | None, issuer: str, published: tuple[Key, ...], now: float) -> KeySet:
    """
    The key set after a fetch: the keys that are published now, and those that vanished less than a day ago.

    If nothing has changed it is *old* itself, so that verdicts cached with it stay valid.
    """
    current = _by_identity(published)
    if old is None or old.issuer != issuer:
        return KeySet(issuer, tuple(current.values()))
    vanished = _by_identity(key for key in old.without_retired(now).keys if key.identity not in current)
    retires = {identity: min(old.retirement(key), now + VANISHED_S) for identity, key in vanished.items()}
    keys = {**current, **vanished}
    if retires == old.retires and keys.keys() == _by_identity(old.keys).keys():
        return old
    return KeySet(issuer, tuple(keys.values()), retires)


def _by_identity(keys: Iterable[Key]) -> dict[KeyIdentity, Key]:
    return {key.identity: key for key in keys}
