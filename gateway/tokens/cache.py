"""
Verified-token cache: verdicts of tokens that passed, in two generations of dict, bounded by count and bytes.

When the young generation is full it becomes the old one; no bookkeeping per hit. Only acceptance is remembered.

Source: performance.md, "What follows" 4.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.tokens.jwt import Jwt
from gateway.tokens.keyset import KeySet, KeySource

BYTES_PER_TOKEN_CHAR = 4  # decoded claims, their names and the JSON text of a token, measured with Entra's shapes
BYTES_PER_ENTRY = 1_024


@dataclass(slots=True, eq=False)
class Verdict:
    """
    A token that passed, and for how long that stays true.

    Attributes:
        starts, ends: First and last moment (seconds since the epoch, skew included) at which it passes.
        source: What holds the key; its ``keyset`` must still be *keyset*.
        size: Estimated bytes.
        certificate: ``x5t#S256`` that the client must show again; None when the token is not bound.
    """

    jwt: Jwt
    starts: float
    ends: float
    source: KeySource
    keyset: KeySet
    size: int
    certificate: str | None = None


@dataclass(slots=True)
class TokenCache:
    """
    Shared by all validators of a process.

    Attributes:
        max_entries: Verdicts kept; 0 switches the cache off.
        max_bytes: Estimated memory of them.
        hits, misses: For the metrics.
    """

    max_entries: int = 65_536
    max_bytes: int = 64 * 1_048_576
    hits: int = 0
    misses: int = 0
    _young: dict[bytes, Verdict] = field(default_factory=dict)
    _old: dict[bytes, Verdict] = field(default_factory=dict)
    _young_bytes: int = 0

    def find(self, key: bytes) -> Verdict | None:
        """The verdict under *key*, which the caller must check against time, keys and certificate."""
        verdict = self._young.get(key)
        if verdict is not None:
            self.hits += 1
            return verdict
        return self._find_old(key)

    def keep(self, key: bytes, verdict: Verdict) -> None:
        """Remember *verdict*."""
        half_entries, half_bytes = self.max_entries // 2, self.max_bytes // 2
        if half_entries < 1 or verdict.size > half_bytes:
            return
        if len(self._young) >= half_entries or self._young_bytes + verdict.size > half_bytes:
            self._old, self._young, self._young_bytes = self._young, {}, 0
        self._young[key] = verdict
        self._young_bytes += verdict.size

    def clear(self) -> None:
        """Forget everything."""
        self._young, self._old, self._young_bytes = {}, {}, 0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def _find_old(self, key: bytes) -> Verdict | None:
        verdict = self._old.pop(key, None)
        if verdict is None:
            self.misses += 1
            return None
        self.hits += 1
        self.keep(key, verdict)
        return verdict


def estimated_size(token_chars: int) -> int:
    """Bytes that a verdict on a token of this length takes."""
    return BYTES_PER_ENTRY + BYTES_PER_TOKEN_CHAR * token_chars
