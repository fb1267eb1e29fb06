"""
Verified-token cache: verdicts of tokens that passed, bounded by count and bytes; least recently used goes first.

One table instead of two generations: as many tokens stay as the bounds allow, whatever the order in which they come,
for a twentieth of a microsecond per hit.

Refusals that no later moment can turn into acceptance are remembered apart: a client that repeats an expired or forged
token in a loop must not cost a signature each time, and can push nothing but other refusals out.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Self

from gateway.errors import TokenError
from gateway.telemetry.requests.plain import Plain, plain
from gateway.telemetry.requests.record import SafeClaims, safe_claims
from gateway.tokens.jwt import Jwt
from gateway.tokens.keyset import KeySet, KeySource

BYTES_PER_TOKEN_CHAR = 4  # decoded claims, their names and the JSON text of a token, measured with Entra's shapes
BYTES_PER_ENTRY = 1_024
MAX_REFUSALS = 4_096
_serial = itertools.count(1)

# Every other reason can change with the call (certificate), a fetched key, or time. Add reasons with care.
LASTING = frozenset(["TokenSignatureInvalid", "TokenExpired"])


@dataclass(slots=True, eq=False)
class Verdict:
    """
    A token that passed, and how long that verdict is valid.

    Attributes:
        starts, ends: First and last moment (seconds since the epoch, including clock skew) at which it passes.
        source: The source of the key; its ``keyset`` must still be *keyset*.
        size: Estimated bytes.
        certificate: ``x5t#S256`` of the certificate that the client must present again; None if the token is not bound.
        consulted: The key sets of all issuers, if the verdict depends on what each of them states; None if it
            depends on the signer's only.
    """

    jwt: Jwt
    starts: float
    ends: float
    source: KeySource
    keyset: KeySet
    size: int
    certificate: str | None = None
    consulted: tuple[KeySet | None, ...] | None = None


@dataclass(slots=True, eq=False)
class Refused:
    """
    A token that was refused for a reason in ``LASTING``.

    Attributes:
        keysets: The key sets of all issuers with which it was judged.
        since: When it was judged, in seconds since the epoch: if the clock is set back, the verdict is void.
        expected, found: See ``TokenError``.
        payload: Those of the token's claims that the request log keeps.
        verified: Whether its signature was verified.
    """

    reason: str
    message: str
    keysets: tuple[KeySet | None, ...]
    since: float
    expected: Plain
    found: Plain
    payload: SafeClaims
    verified: bool

    @classmethod
    def of(cls, error: TokenError, keysets: tuple[KeySet | None, ...], since: float) -> Self:
        """*error*, without what could be large."""
        return cls(
            error.reason,
            error.message,
            keysets,
            since,
            expected=plain(error.expected),
            found=plain(error.found),
            payload=safe_claims(error.payload or {}),
            verified=error.verified,
        )

    def again(self) -> TokenError:
        """The same error, for the same token."""
        error = TokenError(self.reason, self.message, expected=self.expected, found=self.found)
        error.payload, error.verified = self.payload, self.verified
        return error


@dataclass(slots=True)
class TokenCache:
    """
    Shared by all validators of a process.

    Attributes:
        max_entries: Verdicts kept; 0 switches the cache off.
        max_bytes: Their estimated memory.
        hits, misses: For the metrics.
    """

    max_entries: int = 65_536
    max_bytes: int = 64 * 1_048_576
    hits: int = 0
    misses: int = 0
    _identities: dict[tuple[object, ...], bytes] = field(default_factory=dict)
    _former: dict[tuple[object, ...], bytes] = field(default_factory=dict)
    _expecting: bool = False
    _verdicts: OrderedDict[bytes, Verdict] = field(default_factory=OrderedDict)  # least recently used first
    _bytes: int = 0
    _refused: OrderedDict[bytes, Refused] = field(default_factory=OrderedDict)  # the oldest first

    def identity_of(self, *judged_by: object) -> bytes:
        """
        What distinguishes the verdicts of one validator from those of others: the same for equal rules and keys.

        *judged_by* must be everything that a verdict depends on, hashable, and equal only where verdicts would be.
        """
        identity = self._identities.get(judged_by) or self._former.get(judged_by) or next(_serial).to_bytes(8, "big")
        self._identities[judged_by] = identity
        return identity

    def expect_successors(self) -> None:
        """
        Another configuration is being loaded: its validators continue with the verdicts of those that equal them.

        One that was loaded before and has not taken over is forgotten.
        """
        if not self._expecting:
            self._former, self._expecting = self._identities, True
        self._identities = {}

    def forget_predecessors(self) -> None:
        """It has been loaded, and the validators before it come to an end."""
        self._former, self._expecting = {}, False

    def find(self, key: bytes) -> Verdict | None:
        """The verdict under *key*, which the caller must check against time, keys and certificate."""
        verdict = self._verdicts.get(key)
        if verdict is None:
            self.misses += 1
            return None
        self.hits += 1
        self._verdicts.move_to_end(key)
        return verdict

    def keep(self, key: bytes, verdict: Verdict) -> None:
        """Remember *verdict*, unless it would take more than half of the memory and evict too many others."""
        if self.max_entries < 1 or verdict.size > self.max_bytes // 2:
            return
        before = self._verdicts.pop(key, None)
        self._bytes += verdict.size - (0 if before is None else before.size)
        self._verdicts[key] = verdict
        while len(self._verdicts) > self.max_entries or self._bytes > self.max_bytes:
            self._bytes -= self._verdicts.popitem(last=False)[1].size

    def find_refused(self, key: bytes) -> Refused | None:
        """The refusal under *key*, which the caller must check against time and keys."""
        return self._refused.get(key)

    def keep_refused(self, key: bytes, refused: Refused) -> None:
        """Remember *refused*."""
        if self.max_entries < 1:
            return
        self._refused[key] = refused
        if len(self._refused) > MAX_REFUSALS:
            self._refused.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._verdicts.clear()
        self._refused.clear()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._verdicts)


def estimated_size(token_chars: int) -> int:
    """Estimated bytes of a verdict on a token of this length."""
    return BYTES_PER_ENTRY + BYTES_PER_TOKEN_CHAR * token_chars
