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

    __slots__ = ("_fingerprints", "_names")

    def __init__(self, names: Iterable[str] = ()) -> None:
        """*names*: key ids and certificate thumbprints."""
        self._names = set(names)
        self._fingerprints: set[bytes] = set()

    def add(self, name: str) -> None:
        """Withdraw the key with this id or thumbprint."""
        self._names.add(name)

    def without(self, keys: tuple[Key, ...]) -> tuple[Key, ...]:
        """*keys* without those that are withdrawn; the same tuple where none of them is."""
        for key in keys:
            if not self._names.isdisjoint({key.kid, key.x5t}):
                self._fingerprints.add(key.fingerprint)
        kept = tuple(key for key in keys if key.fingerprint not in self._fingerprints)
        return keys if len(kept) == len(keys) else kept
