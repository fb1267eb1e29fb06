"""
Issuer: one OpenID configuration URL and the life cycle of its keys.

The contract, line by line, is in docs/tokens.md and tests/tokens/test_issuer.py. In short: keys are refreshed ahead of
their hour, off the request path; one fetch at a time; whatever fails, the last good keys stay.

Source: Microsoft identity platform, "Signing key rollover"; docs/adr/0020-when-keys-are-fetched.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field

import structlog

from gateway.errors import KeysUnavailable
from gateway.tokens.accepted_issuers import matches
from gateway.tokens.budget import BudgetRules, FetchBudget
from gateway.tokens.discovery import DiscoveryRules, Metadata, fetch_keys, fetch_metadata, may_state
from gateway.tokens.fetch import Fetch
from gateway.tokens.issuer_error import IssuerError
from gateway.tokens.keyset import KeySet, merge
from gateway.tokens.rules import Payload
from gateway.tokens.withdrawn import WithdrawnKeys

log = structlog.get_logger("gateway.tokens")
MAX_WARNINGS = 1_024
Attempt = Callable[[], Coroutine[object, object, None]]


@dataclass(frozen=True, slots=True)
class LifeCycle:
    """
    When keys are fetched.

    Attributes:
        lifetime_s: Age at which a key set is due; it is refreshed up to a tenth earlier, at random, to spread the load.
        retry_min_s: First pause after a scheduled fetch failed; doubled after each further one. A fetch for an unknown
            key id that failed is repeated after the window of *budget* at the earliest, so that it stays within it.
        retry_max_s: Longest pause while old keys are available.
        retry_empty_s: Pause, or up to a quarter more, while there is no usable key, so that no caller can pass.
        budget: Fetches for unknown key ids.
        discovery: The rules for metadata.
        withdrawn: Key ids and thumbprints of keys that must not verify, whatever is published.
    """

    lifetime_s: float = 3_600.0
    retry_min_s: float = 1.0
    retry_max_s: float = 300.0
    retry_empty_s: float = 1.0
    budget: BudgetRules = field(default_factory=BudgetRules)
    discovery: DiscoveryRules = field(default_factory=DiscoveryRules)
    withdrawn: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class IssuerStatus:
    """
    One line of readiness.

    Attributes:
        ready: Whether there are keys to verify with, however old.
        error: Why the last attempt failed; empty if it succeeded.
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
        keyset: The current key set, or None before the first success; replaced, never modified.
        expected: Issuers that policies list by hand, accepted although they differ from the URL.
        withdrawn: Keys that must not verify.
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
        self.withdrawn = WithdrawnKeys(life.withdrawn)
        self._metadata: Metadata | None = None
        self._flight: asyncio.Task[None] | None = None
        self._confirmed: float | None = None
        self._error = ""
        self._fetches = self._failures = self._doublings = 0
        self._warned: set[tuple[str, str]] = set()
        self._hastened = asyncio.Event()  # a refresh is due earlier than when the background task began to wait

    def keys_at(self, now: float) -> KeySet | None:
        """The usable keys, without waiting; starts a refresh in the background if one is overdue."""
        keyset = self.keyset
        if keyset is None:
            return None
        if now >= keyset.next_retirement:
            keyset = self.keyset = keyset.without_retired(now)
        if now >= self.due and self._flight is None:
            self._refresh_behind()
        return keyset

    @property
    def stated_issuer(self) -> str | None:
        """Issuer, or template, that the metadata states; None before the first success."""
        return None if self.keyset is None else self.keyset.issuer

    def owns(self, issuer: str, payload: Payload) -> bool:
        """Whether *issuer* is this metadata's or, before the first fetch, one that its URL may state."""
        if self.keyset is None:
            return may_state(issuer, self.url)
        return matches(str(self.keyset.issuer), issuer, payload)

    def fetch_for(self, kid: str | None, source: str, now: float) -> Awaitable[None] | None:
        """
        The completion of a fetch that may bring the key *kid*, or None if none is under way, due or within the budget.

        Two kinds of fetches start here. Scheduled ones are due whoever asks, and read the metadata and the keys;
        those for an unknown key id take from the budget, and request the keys alone.

        Granting and starting are one step. If the waiting request started the fetch, it would start after the one
        under way had ended, outside the budget. Its failure is recorded, not raised.

        Args:
            source: The client's address.
        """
        if self._flight is not None:
            return self._landing(kid)
        is_due = now >= self.due and not self._is_sound
        if not is_due and (self.keyset is None or not self._budget.grants(kid, source, now)):
            return None
        attempt = self._refresh if is_due else self._refetch_keys
        try:
            self._begin(attempt, scheduled=is_due)
        except RuntimeError:  # no event loop yet, as in `gateway explain`: the loop that awaits it runs it
            return self._landing(kid, attempt)
        return self._landing(kid)

    async def _landing(self, kid: str | None, attempt: Attempt | None = None) -> None:
        flight = self._begin(attempt, scheduled=False) if attempt else self._flight
        if flight is not None:
            await asyncio.shield(flight)
        if kid is not None and self.keyset is not None and kid not in self.keyset.by_kid:
            self._budget.not_found(kid, self._clock())

    async def refresh(self) -> None:
        """A scheduled refresh: metadata and keys, whatever the budget. Joins a fetch that is under way."""
        await asyncio.shield(self._flight or self._begin(self._refresh, scheduled=True))

    def withdraw(self, kid: str) -> bool:
        """
        From now on no key with id *kid* (or that thumbprint) may verify, published or not.

        Verdicts that depend on it end, because the key set they were based on is replaced. If no key is left, the
        issuer is asked for others immediately, and every second from then on.

        Returns:
            Whether such a key was in use.
        """
        self.withdrawn.add(kid)
        return self._withdraw_all()

    def learn(self, withdrawn: WithdrawnKeys) -> None:
        """Know what was seen of *withdrawn* keys before this issuer was here: they may have other names by now."""
        self.withdrawn.learn(withdrawn)
        self._withdraw_all()

    def _withdraw_all(self) -> bool:
        """Take what is withdrawn out of the key set; whether it had something of that."""
        before = self.keyset
        self.keyset = before and before.without(self.withdrawn)
        if self.keyset is before:
            return False
        if self._is_empty:
            self._hasten(self._clock())
        return True

    def expect(self, issuers: frozenset[str]) -> None:
        """
        Another configuration lists *issuers* by hand.

        Metadata that states one which is listed no longer is refused, as it would be at the start: what it has brought
        is forgotten.
        """
        self.expected = issuers
        stated = self.stated_issuer
        if stated is not None and not self._may_state(stated):
            self.keyset, self._metadata = None, None
            self._hasten(self._clock())

    def _may_state(self, issuer: str) -> bool:
        return issuer in self.expected or may_state(issuer, self.url)

    async def keep_fresh(self) -> None:
        """Refresh whenever it is due, forever; the background task."""
        while True:
            if await self._is_time():
                await self.refresh()

    async def _is_time(self) -> bool:
        """Wait until a refresh is due; False: it is due earlier than it was when the waiting began."""
        self._hastened.clear()
        # At most one lifetime, so that a clock that is set back does not lengthen the pause.
        pause_s = min(max(0.0, self.due - self._clock()), self._life.lifetime_s)
        try:
            async with asyncio.timeout(pause_s):
                return not await self._hastened.wait()
        except TimeoutError:
            return True

    def _hasten(self, due: float) -> None:
        """Let the next refresh be due at *due*, if it is not due before."""
        if due < self.due:
            self.due = due
            self._hastened.set()

    async def aclose(self) -> None:
        """Abandon a fetch that is under way."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.gather(self._flight, return_exceptions=True)

    def unavailable(self, now: float) -> KeysUnavailable:
        """The error for a token that cannot be judged because these keys are missing."""
        pause = max(1.0, min(self.due - now, self._life.retry_max_s)) if math.isfinite(self.due) else 1.0
        reason = f" {self.url}: {self._error}." if self._error else ""
        return KeysUnavailable(f"Keys of a token issuer are not available.{reason}", math.ceil(pause))

    @property
    def _is_sound(self) -> bool:
        return self.keyset is not None and not self.failing

    @property
    def _is_empty(self) -> bool:
        """Whether there is no usable key, so that no caller can pass."""
        return self.keyset is None or not self.keyset.keys

    @property
    def failing(self) -> bool:
        """Whether the last attempt failed, so that a missing key may be our fault."""
        return self._failures > 0

    def status(self, now: float) -> IssuerStatus:
        """Readiness of this issuer."""
        keyset = self.keyset
        return IssuerStatus(
            url=self.url,
            issuer=keyset.issuer if keyset else None,
            ready=bool(keyset and keyset.keys),
            error=self._error,
            age_s=None if self._confirmed is None else now - self._confirmed,
            usable_keys=len(keyset.keys) if keyset else 0,
            vanished_keys=len(keyset.retires) if keyset else 0,
            fetches=self._fetches,
            failures=self._failures,
        )

    def _refresh_behind(self) -> None:
        with contextlib.suppress(RuntimeError):  # no event loop, as in `gateway explain`: nothing can be fetched
            asyncio.get_running_loop()
            self._begin(self._refresh, scheduled=True)

    def _begin(self, fetch: Attempt, scheduled: bool) -> asyncio.Task[None]:
        flight = self._flight = asyncio.get_running_loop().create_task(self._attempt(fetch, scheduled))
        flight.add_done_callback(self._landed)
        return flight

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._flight = None

    async def _attempt(self, fetch: Attempt, scheduled: bool) -> None:
        self._fetches += 1
        try:
            await fetch()
        except IssuerError as error:
            self._fail(error, scheduled)
        except Exception as error:
            self._fail(IssuerError(f"unexpected {type(error).__name__}"), scheduled)
        else:
            self._succeed()

    async def _refresh(self) -> None:
        self._metadata = await fetch_metadata(self.url, self._fetch, self._life.discovery, self.expected)
        await self._refetch_keys()
        # Only here: fetches for unknown key ids must not postpone the refresh of the metadata.
        life_s = self._life.lifetime_s * (1.0 - 0.1 * self._jitter())
        self.due = self._clock() + (self._pause_s() if self._is_empty else life_s)

    async def _refetch_keys(self) -> None:
        metadata = self._metadata
        assert metadata is not None  # noqa: S101 - keys are only refetched alone after a whole refresh
        published = await fetch_keys(metadata, self._fetch, self._life.discovery, self._warn)
        if not self._may_state(metadata.issuer):  # any more
            raise IssuerError("the issuer that its metadata states is no longer listed by a policy", is_down=False)
        self.keyset = merge(self.keyset, metadata.issuer, self.withdrawn.without(published), self._clock())

    def _succeed(self) -> None:
        if self._failures:
            log.info("issuer_back", url=self.url, failures=self._failures)
        self._failures, self._error, self._confirmed, self._doublings = 0, "", self._clock(), 0

    def _fail(self, error: IssuerError, scheduled: bool) -> None:
        if not self._failures:  # one warning per change of state; readiness shows the rest
            log.warning(
                "issuer_down" if error.is_down else "issuer_refused",
                url=self.url,
                reason=error.message,
                keys_at_hand=self.keyset is not None,
            )
        asked_s = min(error.retry_after_s or 0.0, self._life.lifetime_s)
        pause_s = self._pause_s() if scheduled else self._life.budget.window_s
        due = self._clock() + max(pause_s, asked_s)
        self._failures, self._error = self._failures + 1, error.message
        if scheduled:
            self._doublings += 1
            self.due = due
        else:  # a fetch for an unknown key id never postpones the schedule, nor does it cause more than its budget
            self._hasten(due)

    def _pause_s(self) -> float:
        life = self._life
        if self._is_empty:
            return life.retry_empty_s * (1.0 + 0.25 * self._jitter())
        longest = min(life.retry_max_s, life.retry_min_s * 2.0 ** min(self._doublings, 30))
        return longest * (0.75 + 0.5 * self._jitter())

    def _warn(self, name: str, reason: str) -> None:
        if (name, reason) not in self._warned and len(self._warned) < MAX_WARNINGS:
            self._warned.add((name, reason))
            log.warning("key_not_used", url=self.url, key=name, reason=reason)
