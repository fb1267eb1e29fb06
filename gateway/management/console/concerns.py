"""What is wrong, and since when: the conditions that the overview names in its headline."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.management.backends import BackendState
from gateway.management.console import figures
from gateway.management.console.history import SLOT_S, Sample
from gateway.management.console.state import Concern, IssuerState

MINUTE = 60 // SLOT_S
BAD_SHARE = 0.05  # of the last minute's answers: below it 5xx are a warning


@dataclass(slots=True)
class FirstSeen:
    """Since when each condition lasts; what is over is forgotten, so that the configuration bounds their number."""

    _since: dict[str, dict[tuple[str, str], float]] = field(default_factory=dict)

    def dated(self, group: str, concerns: Iterable[Concern], now: float) -> tuple[Concern, ...]:
        """*concerns*, all that *group* has now, each with the moment since when it lasts without a break."""
        named = {(concern.kind, concern.what): concern for concern in concerns}
        before = self._since.get(group, {})
        since = self._since[group] = {key: before.get(key, now) for key in named}
        return tuple(replace(concern, since=since[key]) for key, concern in named.items())


def of_issuers(issuers: Iterable[IssuerState]) -> Iterator[Concern]:
    """Issuers without keys, and those whose keys are kept although the last fetch failed."""
    for issuer in issuers:
        if not issuer.ready:
            yield Concern("bad", f"issuer {issuer.url}", f"no keys: its tokens get 503. {issuer.error}".rstrip(". "))
        elif issuer.error:
            age = figures.age(issuer.age_s)
            yield Concern("warn", f"issuer {issuer.url}", f"{issuer.error}; the keys of {age} ago are still used")


def of_backends(backends: Iterable[BackendState]) -> Iterator[Concern]:
    """Open circuits."""
    for backend in backends:
        if backend.open_for_s:
            left = math.ceil(backend.open_for_s)
            yield Concern("bad", f"backend {backend.name}", f"circuit open: requests get 503 for {left} s more")


def of_report(report: Mapping[str, object]) -> Iterator[Concern]:
    """Parts of a readiness report, but for issuers and backends, which say more themselves."""
    for group, members in report.items():
        if group not in ("issuers", "backends") and isinstance(members, Mapping):
            yield from _of_group(members)


def _of_group(members: Mapping[str, Mapping[str, object]]) -> Iterator[Concern]:
    for name, part in members.items():
        if not part["ready"]:
            yield Concern("bad", name, f"not ready: {part['detail']}")
        elif part.get("concern"):
            yield Concern("bad" if name == "reload" else "warn", name, str(part["detail"]))


def of_answers(samples: Sequence[Sample]) -> Concern | None:
    """The share of 5xx in the last minute, since the first slot with one in an unbroken row."""
    minute = samples[-MINUTE:]
    requests, errors = sum(sample.requests for sample in minute), sum(sample.errors for sample in minute)
    if not errors:
        return None
    kind = "bad" if errors >= BAD_SHARE * requests else "warn"
    text = f"{figures.share(errors, requests)} of the last minute's answers ({figures.count(errors)} of "
    return Concern(kind, "5xx", f"{text}{figures.count(requests)}){_mostly(minute)}", _began(samples))


def _mostly(samples: Iterable[Sample]) -> str:
    """The API with the most of them."""
    errors: dict[str, int] = {}
    for part in (part for sample in samples for part in sample.apis):
        errors[part.api] = errors.get(part.api, 0) + part.errors
    worst = max(errors, key=lambda api: errors[api], default="")
    return f", most of them from API {worst}" if worst and errors[worst] else ""


def _began(samples: Sequence[Sample]) -> float:
    """When the first of the last slots with errors began; a slot without requests breaks no row."""
    began = samples[-1].slot
    for sample in reversed(samples):
        if sample.requests and not sample.errors and sample.slot < samples[-MINUTE].slot:
            break
        began = sample.slot if sample.errors else began
    return float(began * SLOT_S)
