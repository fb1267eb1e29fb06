"""IssuerRegistry: one Issuer per metadata URL, shared by all policies, refreshed by one background task each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping

from gateway.tokens.fetch import Fetch, HttpFetch
from gateway.tokens.issuer import Issuer, IssuerStatus, LifeCycle
from gateway.tokens.urls import comparable_url


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
    """

    def __init__(
        self,
        fetch: Fetch | None = None,
        clock: Callable[[], float] = time.time,
        life: LifeCycle | None = None,
        special: Mapping[str, tuple[Fetch, LifeCycle]] | None = None,
    ) -> None:
        self._fetch, self._clock, self._life = fetch, clock, life or LifeCycle()
        self._special = {_comparable(url): settings for url, settings in (special or {}).items()}
        self._issuers: dict[tuple[str, str | None], Issuer] = {}
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
        issuer = self._issuers.get((address, ca_file))
        if issuer is None:
            usual = self._fetch or HttpFetch(ca_file), self._life
            fetch, life = self._special.get(address, usual)
            issuer = self._issuers[address, ca_file] = Issuer(url, fetch, self._clock, life)
            self._watch(issuer)
        issuer.expected |= frozenset(expected)
        return issuer

    def withdraw(self, kid: str, url: str | None = None) -> tuple[str, ...]:
        """
        From now on no key with id *kid* may verify: of the issuer at *url*, or of every issuer.

        Returns:
            Metadata URLs of the issuers that had such a key in use.

        Raises:
            LookupError: No policy uses the issuer at *url*.
        """
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

    async def start(self) -> None:
        """Start to fetch and refresh; returns immediately, because the gateway serves while an issuer is down."""
        self._started = True
        for issuer in self._issuers.values():
            self._watch(issuer)

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
