"""
Keys that an operator has withdrawn: by key id or thumbprint, and once they have been seen, whatever they are called.

A private key that leaked is as dangerous under another name: an issuer that publishes it again with a new key id, as
some do when they renew its certificate, does not make it good.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.tokens.keys import Key


class WithdrawnKeys:
    """Which keys of one issuer must not verify."""

    __slots__ = ("_names", "_seen")

    def __init__(self, names: Iterable[str] = ()) -> None:
        """*names*: key ids and certificate thumbprints."""
        self._names = set(names)
        self._seen: dict[str, set[bytes]] = {}  # fingerprints of the keys that had the name

    @property
    def has_seen(self) -> bool:
        """Whether one of them was published."""
        return bool(self._seen)

    @property
    def seen(self) -> set[tuple[str, bytes]]:
        """The names, withdrawn or not, and the fingerprints of the keys that had them."""
        return {(name, fingerprint) for name, fingerprints in self._seen.items() for fingerprint in fingerprints}

    def note(self, name: str, fingerprint: bytes) -> None:
        """Know that a key with this fingerprint had the *name*."""
        self._seen.setdefault(name, set()).add(fingerprint)

    def add(self, name: str) -> None:
        """Withdraw the key with this id or thumbprint."""
        self._names.add(name)

    def learn(self, other: WithdrawnKeys) -> None:
        """Know what *other* has seen, for the names that are withdrawn here, now or later."""
        for name, fingerprints in other._seen.items():
            self._seen.setdefault(name, set()).update(fingerprints)

    def without(self, keys: tuple[Key, ...]) -> tuple[Key, ...]:
        """*keys* without those that are withdrawn; the same tuple where none of them is."""
        for key in keys:
            for name in self._names & {key.kid, key.x5t}:
                self._seen.setdefault(name, set()).add(key.fingerprint)
        fingerprints = set().union(*(seen for name, seen in self._seen.items() if name in self._names))
        kept = tuple(key for key in keys if key.fingerprint not in fingerprints)
        return keys if len(kept) == len(keys) else kept
