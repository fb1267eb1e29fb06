"""The registry of issuers, set up from the configuration, and its readiness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gateway.assembly.fingerprints import fingerprint
from gateway.config import Config
from gateway.errors import Problem
from gateway.management.console.state import IssuerState
from gateway.management.health import Status
from gateway.pipeline.masking import Masking
from gateway.tokens.budget import BudgetRules
from gateway.tokens.discovery import LOOPBACK, DiscoveryRules
from gateway.tokens.fetch import Fetch, HttpFetch
from gateway.tokens.issuer import LifeCycle
from gateway.tokens.registry import IssuerRegistry
from gateway.tokens.settings import FetchBudgetSettings, IssuerSettings


def issuer_registry(
    config: Config, former: FormerIssuers | None = None, prints: Mapping[str, bytes] = MappingProxyType({})
) -> IssuerRegistry:
    """
    One registry for the process; issuers with a block of their own get their own fetch and life cycle.

    Those that are as they were in *former*, which this one is to take over from, keep their keys. *prints*: their
    ``issuer_prints``, for that.
    """
    special = {url: _special(issuer) for url, issuer in config.issuers.items()}
    if former is None:
        return IssuerRegistry(special=special)
    changed = [
        url
        for url in {*former.settings, *config.issuers}
        if not former.continues(url, config.issuers.get(url), prints.get(url))
    ]
    return IssuerRegistry(special=special, warm=former.registry.unchanged(changed))


@dataclass(frozen=True, slots=True)
class FormerIssuers:
    """
    The issuers of the configuration before.

    Attributes:
        settings: Their blocks.
        prints: ``issuer_prints`` of them, when they were loaded.
    """

    registry: IssuerRegistry
    settings: Mapping[str, IssuerSettings]
    prints: Mapping[str, bytes]

    def continues(self, url: str, now: IssuerSettings | None, print_: bytes | None) -> bool:
        """Whether the same issuer, keys and all, suits the block *now*: it can withdraw keys, not bring them back."""
        before = self.settings.get(url)
        if before is None or now is None or not set(before.withdrawn_keys) <= set(now.withdrawn_keys):
            return False
        return self.prints[url] == print_


def issuer_prints(config: Config) -> dict[str, bytes]:
    """What each issuer's block says, but for withdrawn keys."""
    return {url: _print(issuer) for url, issuer in config.issuers.items()}


def _print(issuer: IssuerSettings) -> bytes:
    return fingerprint(issuer.model_copy(update={"withdrawn_keys": []}))


def unused_issuers(config: Config, registry: IssuerRegistry) -> Iterator[Problem]:
    """A note on each issuer of the configuration that no policy names: its withdrawn keys protect nothing."""
    for url in config.issuers:
        if not registry.uses(url):
            message = "no policy uses this issuer, so its settings, withdrawn keys included, have no effect"
            remedy = "write the URL as in openid-config, or remove it"
            yield Problem(config.location("issuers", url), "unused-issuer", message, remedy)


def issuer_statuses(registry: IssuerRegistry) -> Mapping[str, Status]:
    """Readiness per metadata URL, in words for operators."""
    return {
        status.url: Status(status.ready, status.error or f"{status.usable_keys} usable keys")
        for status in registry.statuses()
    }


def issuer_states(registry: IssuerRegistry, masking: Masking) -> tuple[IssuerState, ...]:
    """The same for the console. A URL may be made of named values, secret ones included."""
    return tuple(
        IssuerState(
            url=masking.url(status.url),
            issuer=status.issuer,
            ready=status.ready,
            keys=status.usable_keys,
            vanished_keys=status.vanished_keys,
            age_s=status.age_s,
            error=masking.url(status.error),
        )
        for status in registry.statuses()
    )


async def withdraw_key(registry: IssuerRegistry, kid: str, issuer: str | None) -> Sequence[str]:
    """Take *kid* out of use in this process; the metadata URLs of the issuers that had used it."""
    return registry.withdraw(kid, issuer)


def _special(issuer: IssuerSettings) -> tuple[Fetch, LifeCycle]:
    fetch = HttpFetch(str(issuer.ca_file) if issuer.ca_file else None, issuer.timeout_s)
    discovery = DiscoveryRules(plain_http_hosts=LOOPBACK if issuer.allow_http_loopback else frozenset())
    life = LifeCycle(
        lifetime_s=issuer.refresh_s,
        budget=_budget(issuer.budget),
        discovery=discovery,
        withdrawn=frozenset(issuer.withdrawn_keys),
    )
    return fetch, life


def _budget(settings: FetchBudgetSettings) -> BudgetRules:
    return BudgetRules(window_s=settings.window_s, per_window=settings.per_window, unknown_s=settings.unknown_s)
