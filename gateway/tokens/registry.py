"""IssuerRegistry: one Issuer per metadata URL, shared by all policies, refreshed by one background task each."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from gateway.tokens.fetch import Fetch, HttpFetch
from gateway.tokens.issuer import Issuer, IssuerStatus, LifeCycle
from gateway.tokens.urls import comparable_url
from gateway.tokens.withdrawn import WithdrawnKeys

IssuerKey: TypeAlias = tuple[str, str | None]
"""Metadata URL in comparable form, and the file with the authorities for it alone."""
SeenKey: TypeAlias = tuple[str, str, bytes]
"""Of a withdrawn key: metadata URL in comparable form, a name that it had, its fingerprint."""


def _comparable(url: str) -> str:
    try:
        return comparable_url(url)
    except ValueError:  # not a URL, which fetching reports
        return url


class IssuerRegistry:
    """
    The issuers of one process.

    ``issuer`` is called while documents are loaded, ``start`` when the event loop runs, ``aclose`` at the end. Without
    ``start`` keys are still fetched, on the first request that needs them.

    Args:
        fetch: Replaced in tests and for emulators; None: HTTPS.
        clock: Seconds since the epoch.
        life: When keys are fetched.
        special: Metadata URL → how and when that particular issuer is fetched.
        warm: Issuers of a registry that this one takes over from, from ``unchanged``: keys and all.
    """

    def __init__(
        self,
        fetch: Fetch | None = None,
        clock: Callable[[], float] = time.time,
        life: LifeCycle | None = None,
        special: Mapping[str, tuple[Fetch, LifeCycle]] | None = None,
        warm: Mapping[IssuerKey, Issuer] | None = None,
    ) -> None:
        self._fetch, self._clock, self._life = fetch, clock, life or LifeCycle()
        self._special = {_comparable(url): settings for url, settings in (special or {}).items()}
        self._warm = dict(warm or {})
        self._issuers: dict[IssuerKey, Issuer] = {}
        self._expected: dict[Issuer, set[str]] = {}
        self._withdrawals: dict[tuple[str, str | None], None] = {}  # in order
        self._withdrawn: dict[str, WithdrawnKeys] = {}  # what issuers have seen that are gone, by address
        self._tasks: dict[Issuer, asyncio.Task[None]] = {}
        self._started = False

    def issuer(self, url: str, ca_file: str | None = None, expected: Iterable[str] = ()) -> Issuer:
        """
        The Issuer at *url*, created on first use.

        Args:
            ca_file: PEM file with the certificate authorities for this issuer only.
            expected: Issuers that the policy lists by hand: metadata may state one of them although its URL differs.
        """
        address = _comparable(url)
        key = (address, ca_file)
        issuer = self._issuers.get(key)
        if issuer is None:
            issuer = self._issuers[key] = self._warm.get(key) or self._new(url, key)
            self._expected[issuer] = set()
            self._watch(issuer)
        self._expected[issuer].update(expected)
        if key not in self._warm:  # a warm one still serves the registry before this one
            issuer.expected = frozenset(self._expected[issuer])
        return issuer

    def _new(self, url: str, key: IssuerKey) -> Issuer:
        address, ca_file = key
        usual = self._fetch or HttpFetch(ca_file), self._life
        fetch, life = self._special.get(address, usual)
        return Issuer(url, fetch, self._clock, life)

    def unchanged(self, changed: Iterable[str]) -> dict[IssuerKey, Issuer]:
        """The issuers that a registry after this one can take over: all but those at the URLs of *changed*."""
        addresses = set(map(_comparable, changed))
        return {key: issuer for key, issuer in self._issuers.items() if key[0] not in addresses}

    def withdraw(self, kid: str, url: str | None = None) -> tuple[str, ...]:
        """
        From now on no key with id *kid* may verify: of the issuer at *url*, or of every issuer.

        Returns:
            Metadata URLs of the issuers that had such a key in use.

        Raises:
            LookupError: No policy uses the issuer at *url*.
        """
        self._withdrawals[kid, url] = None
        issuers = list(self._issuers.values()) if url is None else self._at(url)
        return tuple([issuer.url for issuer in issuers if issuer.withdraw(kid)])

    def uses(self, url: str) -> bool:
        """Whether a policy names the issuer at *url*."""
        wanted = _comparable(url)
        return any(address == wanted for address, _ in self._issuers)

    def _at(self, url: str) -> list[Issuer]:
        """The issuers at *url*. Raises LookupError: there is none."""
        wanted = _comparable(url)
        issuers = [issuer for (address, _), issuer in self._issuers.items() if address == wanted]
        if not issuers:
            known = ", ".join(sorted({issuer.url for issuer in self._issuers.values()})) or "none"
            raise LookupError(f"no policy uses the issuer {url}; known: {known}")
        return issuers

    async def start(self, before: IssuerRegistry | None = None) -> None:
        """
        Start to fetch and refresh; returns immediately, because the gateway serves while an issuer is down.

        With a registry *before* this one its work ends, or goes on here; what it was told to withdraw stays withdrawn.
        """
        self._started = True
        if before is not None:
            self._take_over(before)
        for issuer in self._issuers.values():
            self._watch(issuer)

    def _take_over(self, before: IssuerRegistry) -> None:
        mine = set(self._issuers.values())
        self._tasks = {issuer: task for issuer, task in before._tasks.items() if issuer in mine}
        for issuer, task in before._tasks.items():
            if issuer not in mine:
                task.cancel()
        before._tasks = {}
        for (address, _), issuer in self._issuers.items():
            issuer.expect(frozenset(self._expected[issuer]))
            self._withdraw_listed(address, issuer)
        self._remember(before)
        for kid, url in before._withdrawals:
            with contextlib.suppress(LookupError):  # no policy uses that issuer any more
                self.withdraw(kid, url)
        self._warm.clear()

    def _remember(self, before: IssuerRegistry) -> None:
        """Know the withdrawn keys of the issuers at the same addresses, those of earlier registries included."""
        self._withdrawn = before._withdrawn
        for (address, _), issuer in before._issuers.items():
            if issuer.withdrawn.has_seen:
                self._withdrawn.setdefault(address, WithdrawnKeys()).learn(issuer.withdrawn)
        for (address, _), issuer in self._issuers.items():
            if address in self._withdrawn:
                issuer.learn(self._withdrawn[address])

    def seen_withdrawn(self) -> set[SeenKey]:
        """What is known of withdrawn keys, for another process that takes over."""
        return {
            (address, name, fingerprint)
            for (address, _), issuer in self._issuers.items()
            for name, fingerprint in issuer.withdrawn.seen
        }

    def learn_withdrawn(self, seen: Iterable[SeenKey]) -> None:
        """Know what another process has *seen*: its withdrawn keys stay withdrawn, whatever they are called now."""
        for address, name, fingerprint in seen:
            self._withdrawn.setdefault(address, WithdrawnKeys()).note(name, fingerprint)
        for (address, _), issuer in self._issuers.items():
            if address in self._withdrawn:
                issuer.learn(self._withdrawn[address])

    def _withdraw_listed(self, address: str, issuer: Issuer) -> None:
        """The keys that the configuration withdraws, of an issuer that has been here before."""
        _, life = self._special.get(address, (None, self._life))
        for kid in life.withdrawn:
            issuer.withdraw(kid)

    async def first_keys(self, seconds: float) -> None:
        """Wait, at most *seconds*, until each issuer's keys have been fetched once, or could not be."""
        empty = [issuer.refresh() for issuer in self._issuers.values() if issuer.keyset is None]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*empty)

    async def aclose(self) -> None:
        """Stop refreshing."""
        self._started = False
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *(issuer.aclose() for issuer in self._issuers.values()), return_exceptions=True)

    def statuses(self) -> tuple[IssuerStatus, ...]:
        """Readiness of every issuer."""
        now = self._clock()
        return tuple(issuer.status(now) for issuer in self._issuers.values())

    def _watch(self, issuer: Issuer) -> None:
        if self._started and issuer not in self._tasks:
            self._tasks[issuer] = asyncio.get_running_loop().create_task(issuer.keep_fresh())
