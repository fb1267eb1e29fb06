"""
Issuer: one OpenID configuration URL and the life cycle of its keys.

The contract, line by line, is in docs/tokens.md and tests/tokens/test_issuer.py. In short: keys are refreshed ahead of
their hour, off the request path; one fetch at a time; whatever fails, the last good keys stay.

Source: design.md decision 5; peers.md B1 and B2; corpus/entra/key-rollover.json.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

import structlog

from gateway.errors import KeysUnavailable
from gateway.tokens.accepted_issuers import matches
from gateway.tokens.budget import BudgetRules, FetchBudget
from gateway.tokens.discovery import DiscoveryRules, Metadata, fetch_keys, fetch_metadata, is_issuer_of
from gateway.tokens.entra import is_entra_issuer
from gateway.tokens.fetch import Fetch
from gateway.tokens.issuer_error import IssuerError
from gateway.tokens.keyset import KeySet, merge
from gateway.tokens.rules import Payload

log = structlog.get_logger("gateway.tokens")
MAX_WARNINGS = 1_024
Attempt = Callable[[], Coroutine[object, object, None]]


@dataclass(frozen=True, slots=True)
class LifeCycle:
    """
    When keys are fetched.

    Attributes:
        lifetime_s: Age at which a key set is due; it is refreshed up to a tenth earlier, at random, to spread the load.
        retry_min_s: First pause after a failure; doubled after each further one.
        retry_max_s: Longest pause while old keys are at hand.
        retry_empty_max_s: Longest pause while there is no key at all.
        budget: Fetches for unknown key ids.
        discovery: What metadata must keep to.
    """

    lifetime_s: float = 3_600.0
    retry_min_s: float = 1.0
    retry_max_s: float = 300.0
    retry_empty_max_s: float = 30.0
    budget: BudgetRules = field(default_factory=BudgetRules)
    discovery: DiscoveryRules = field(default_factory=DiscoveryRules)


@dataclass(frozen=True, slots=True)
class IssuerStatus:
    """
    One line of readiness.

    Attributes:
        ready: There are keys to verify with, however old.
        error: Why the last attempt failed; empty when it did not.
        age_s: Seconds since the keys were last confirmed; None: never.
        usable_keys: Keys that may verify, vanished ones included.
        vanished_keys: Those of them that are no longer published.
        fetches: Attempts since start.
        failures: Failed attempts in a row.
    """

    url: str
    issuer: str | None
    ready: bool
    error: str
    age_s: float | None
    usable_keys: int
    vanished_keys: int
    fetches: int
    failures: int


class Issuer:
    """
    Keys of one metadata URL, shared by every policy that names it.

    Attributes:
        keyset: The current picture, or None before the first success; replaced, never changed.
        expected: Issuers that policies list by hand, accepted although they differ from the URL.
    """

    def __init__(
        self,
        url: str,
        fetch: Fetch,
        clock: Callable[[], float],
        life: LifeCycle,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.url = url
        self.keyset: KeySet | None = None
        self.expected: frozenset[str] = frozenset()
        self.due = -math.inf
        self._fetch, self._clock, self._life, self._jitter = fetch, clock, life, jitter
        self._budget = FetchBudget(life.budget)
        self._metadata: Metadata | None = None
        self._flight: asyncio.Task[None] | None = None
        self._confirmed: float | None = None
        self._error = ""
        self._fetches = self._failures = 0
        self._warned: set[tuple[str, str]] = set()

    def keys_at(self, now: float) -> KeySet | None:
        """The usable keys, at once; starts a refresh in the background when one is overdue."""
        keyset = self.keyset
        if keyset is None:
            return None
        if now >= keyset.next_retirement():
            keyset = self.keyset = keyset.without_retired(now)
        if now >= self.due and self._flight is None:
            self._refresh_behind()
        return keyset

    @property
    def stated_issuer(self) -> str | None:
        """Issuer, or template, that the metadata states; None before the first success."""
        return None if self.keyset is None else self.keyset.issuer

    def owns(self, issuer: str, payload: Payload) -> bool:
        """Whether *issuer* is this metadata's, or before the first fetch, one that its URL may turn out to have."""
        if self.keyset is None:
            return is_issuer_of(issuer, self.url) or is_entra_issuer(issuer, self.url)
        return matches(str(self.keyset.issuer), issuer, payload)

    def may_fetch(self, kid: str | None, source: str, now: float) -> bool:
        """Whether waiting for ``fetched(kid)`` can help: a fetch is under way, due, or within the budget."""
        if self._flight is not None:
            return True
        if self.keyset is None or self._failures:
            return now >= self.due
        if not self._budget.grants(kid, source, now):
            return False
        with contextlib.suppress(RuntimeError):  # no loop: whoever waits will begin it
            self._begin(self._refetch_keys)  # at once, so that other requests of this moment find it under way
        return True

    async def fetched(self, kid: str | None) -> None:
        """Wait for one fetch, begun here or by somebody else. Failures are recorded, not raised."""
        attempt = self._refresh if self.keyset is None or self._failures else self._refetch_keys
        await asyncio.shield(self._flight or self._begin(attempt))
        if kid is not None and self.keyset is not None and all(key.kid != kid for key in self.keyset.keys):
            self._budget.not_found(kid, self._clock())

    async def refresh(self) -> None:
        """A scheduled refresh: metadata and keys, whatever the budget. Joins a fetch that is under way."""
        await asyncio.shield(self._flight or self._begin(self._refresh))

    async def keep_fresh(self) -> None:
        """Refresh whenever due, for ever; the background task."""
        while True:
            # At most one lifetime, so that a clock that was set back does not stretch the pause.
            await asyncio.sleep(min(max(0.0, self.due - self._clock()), self._life.lifetime_s))
            await self.refresh()

    async def aclose(self) -> None:
        """Abandon a fetch that is under way."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.gather(self._flight, return_exceptions=True)

    def unavailable(self, now: float) -> KeysUnavailable:
        """The error for a token that cannot be judged because these keys are missing."""
        pause = max(1.0, min(self.due - now, self._life.retry_max_s)) if math.isfinite(self.due) else 1.0
        return KeysUnavailable("Keys of a token issuer are not available.", math.ceil(pause))

    @property
    def failing(self) -> bool:
        """Whether the last attempt failed, so that a key missing here may be our fault."""
        return self._failures > 0

    def status(self, now: float) -> IssuerStatus:
        """Readiness of this issuer."""
        keyset = self.keyset
        return IssuerStatus(
            url=self.url,
            issuer=keyset.issuer if keyset else None,
            ready=keyset is not None,
            error=self._error,
            age_s=None if self._confirmed is None else now - self._confirmed,
            usable_keys=len(keyset.keys) if keyset else 0,
            vanished_keys=len(keyset.retires) if keyset else 0,
            fetches=self._fetches,
            failures=self._failures,
        )

    def _refresh_behind(self) -> None:
        with contextlib.suppress(RuntimeError):  # no loop, as in `gateway explain`: there is nobody to fetch
            asyncio.get_running_loop()
            self._begin(self._refresh)

    def _begin(self, fetch: Attempt) -> asyncio.Task[None]:
        flight = self._flight = asyncio.get_running_loop().create_task(self._attempt(fetch))
        flight.add_done_callback(self._landed)
        return flight

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._flight = None

    async def _attempt(self, fetch: Attempt) -> None:
        self._fetches += 1
        try:
            await fetch()
        except IssuerError as error:
            self._fail(error.message, error.retry_after_s)
        except Exception as error:
            self._fail(f"unexpected {type(error).__name__}", None)
        else:
            self._succeed()

    async def _refresh(self) -> None:
        self._metadata = await fetch_metadata(self.url, self._fetch, self._life.discovery, self.expected)
        await self._refetch_keys()
        # Only here: fetches for unknown key ids must not put off the refresh of the metadata.
        self.due = self._clock() + self._life.lifetime_s * (1.0 - 0.1 * self._jitter())

    async def _refetch_keys(self) -> None:
        metadata = self._metadata
        assert metadata is not None  # noqa: S101 - keys are only refetched alone after a whole refresh
        published = await fetch_keys(metadata, self._fetch, self._life.discovery, self._warn)
        self.keyset = merge(self.keyset, metadata.issuer, published, self._clock())

    def _succeed(self) -> None:
        if self._failures:
            log.info("issuer is back", url=self.url, failures=self._failures)
        self._failures, self._error, self._confirmed = 0, "", self._clock()

    def _fail(self, reason: str, retry_after_s: float | None) -> None:
        if not self._failures:  # one warning per change of state; readiness shows the rest
            log.warning("issuer is down", url=self.url, reason=reason, keys_at_hand=self.keyset is not None)
        longest = self._life.retry_max_s if self.keyset is not None else self._life.retry_empty_max_s
        pause = min(longest, self._life.retry_min_s * 2.0 ** min(self._failures, 30)) * (0.75 + 0.5 * self._jitter())
        self._failures, self._error = self._failures + 1, reason
        self.due = self._clock() + max(pause, min(retry_after_s or 0.0, self._life.lifetime_s))

    def _warn(self, name: str, reason: str) -> None:
        if (name, reason) not in self._warned and len(self._warned) < MAX_WARNINGS:
            self._warned.add((name, reason))
            log.warning("published key is not used", url=self.url, key=name, reason=reason)
