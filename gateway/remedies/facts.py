"""What is known about one refusal, in plain values: the same whether the token is at hand or only its record is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

Claims = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Facts:
    """
    One refusal.

    Attributes:
        reason: APIM's code, such as ``TokenAudienceNotAllowed``; empty where the answer has none.
        source: The policy that refused.
        message: ``LastError.Message``.
        expected, found: Plain texts: audiences, issuers, values of a claim, limits, addresses.
        claims: Of the token, as far as they are known. They may be unverified.
        header: Of the token, as far as it is known.
        claim: The claim that is wrong, if one is.
        separator: How the policy splits that claim.
        issuers: Issuers whose tokens are accepted, if they are known.
        keys_missing: Whether keys could not be fetched.
        now: Seconds since the epoch.
        status: Of the answer.
        path, method: Of the request.
        place: Of the policy that refused.
        asked, got: Both sides by name, where the step compares several things.
    """

    reason: str = ""
    source: str = ""
    message: str = ""
    expected: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    claims: Claims = field(default_factory=dict)
    header: Claims = field(default_factory=dict)
    claim: str = ""
    separator: str = ""
    issuers: frozenset[str] = frozenset()
    keys_missing: bool = False
    now: float = 0.0
    status: int = 0
    path: str = ""
    method: str = ""
    place: str = ""
    asked: Mapping[str, object] = field(default_factory=dict)
    got: Mapping[str, object] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        """``iss``; empty where it is not a text."""
        return text_of(self.claims.get("iss"))


Remedy = Callable[[Facts], str]


def first(remedies: Sequence[Remedy], facts: Facts) -> str:
    """What the first of *remedies* that knows *facts* says; empty if none does."""
    return next(filter(None, (remedy(facts) for remedy in remedies)), "")


def text_of(value: object) -> str:
    """*value* if it is a text, or else nothing."""
    return value if isinstance(value, str) else ""


def listed(values: Sequence[str], joiner: str = "or", most: int = 4) -> str:
    """``a``, ``a or b``, ``a, b or c``; of many values the first ones and how many more there are."""
    shown = list(values[:most])
    if len(values) > most:
        shown.append(f"{len(values) - most} more")
        joiner = "and"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {joiner} {shown[-1]}" if shown else ""


def span(seconds: float) -> str:
    """A duration for people: ``7 s``, ``12 minutes``, ``3 hours``, ``2 days``."""
    for limit, unit_s, name in ((120, 1, "s"), (7_200, 60, "minutes"), (172_800, 3_600, "hours")):
        if seconds < limit:
            return f"{seconds / unit_s:.0f} {name}"
    return f"{seconds / 86_400:.0f} days"


def moment(seconds: float) -> str:
    """``2026-12-01 10:42:07 UTC``; the number itself where no calendar has it."""
    try:
        return f"{datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, OSError, ValueError):
        return f"{seconds:g}"
