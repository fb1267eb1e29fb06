"""What each check expects and what it finds in a token, in words, for ``gateway explain``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from gateway.tokens.accepted_issuers import Publisher
from gateway.tokens.checks import TokenEvidence
from gateway.tokens.claims import shown
from gateway.tokens.rules import RequiredClaim

Description = tuple[str, str]


def _claim(evidence: TokenEvidence, name: str) -> str:
    payload = evidence.jws.payload
    return shown(payload[name]) if name in payload else "(none)"


def _any_of(values: Iterable[str] | None) -> str:
    return "" if values is None else " or ".join(sorted(values))


def _moment(evidence: TokenEvidence, name: str) -> str:
    value = evidence.jws.payload.get(name)
    return datetime.fromtimestamp(value, UTC).isoformat() if isinstance(value, int | float) else "(none)"


def _lifetime(evidence: TokenEvidence) -> Description:
    now = datetime.fromtimestamp(int(evidence.now), UTC).isoformat()
    skew = f", {evidence.rules.clock_skew_s:g} s of skew" if evidence.rules.clock_skew_s else ""
    return f"nbf <= {now} <= exp{skew}", f"nbf {_moment(evidence, 'nbf')}, exp {_moment(evidence, 'exp')}"


def _issuer(evidence: TokenEvidence) -> Description:
    return _any_of(evidence.rules.issuers | published_issuers(evidence)), _claim(evidence, "iss")


def published_issuers(evidence: TokenEvidence) -> frozenset[str]:
    """The issuers that the available metadata documents state."""
    return stated_issuers(evidence.publishers)


def stated_issuers(publishers: Iterable[Publisher]) -> frozenset[str]:
    """The issuers that the metadata of *publishers* states, as far as it is available."""
    return frozenset(issuer for publisher in publishers if (issuer := publisher.stated_issuer) is not None)


def _max_lifetime(evidence: TokenEvidence) -> Description:
    limit = evidence.rules.max_lifetime_s
    return ("" if limit is None else f"at most {limit:g} s"), f"iat {_moment(evidence, 'iat')}"


def _scope_or_role(evidence: TokenEvidence) -> Description:
    wanted = evidence.rules.scope_or_role
    expected = "" if wanted is None else f"scp {_any_of(wanted.scopes)} or roles {_any_of(wanted.roles)}"
    return expected, f"scp {_claim(evidence, 'scp')}, roles {_claim(evidence, 'roles')}"


def _client(evidence: TokenEvidence) -> Description:
    name = "azp" if "azp" in evidence.jws.payload else "appid"
    return _any_of(evidence.rules.client_ids), f"{name} {_claim(evidence, name)}"


def _required(evidence: TokenEvidence) -> Description:
    claims = evidence.rules.required_claims
    return "; ".join(map(_wanted, claims)), "; ".join(
        f"{claim.name} {_claim(evidence, claim.name)}" for claim in claims
    )


def _wanted(claim: RequiredClaim) -> str:
    if not claim.values:
        return f"{claim.name} is present"
    separator = f", split at {claim.separator!r}" if claim.separator else ""
    return f"{claim.name} has {claim.match} of {', '.join(claim.values)}{separator}"


DESCRIPTIONS: Mapping[str, Callable[[TokenEvidence], Description]] = {
    "lifetime": _lifetime,
    "audience": lambda e: (_any_of(e.rules.audiences), _claim(e, "aud")),
    "issuer": _issuer,
    "type": lambda e: (_any_of(e.rules.types), shown(e.jws.header.get("typ", "(none)"))),
    "maximum lifetime": _max_lifetime,
    "deny-list": lambda e: (
        f"none of {len(e.rules.denied_ids)} denied ids" if e.rules.denied_ids else "",
        _claim(e, "jti"),
    ),
    "binding": lambda e: (f"cnf: {e.rules.confirmation}", "bound" if "cnf" in e.jws.payload else "not bound"),
    "client application": _client,
    "scope or role": _scope_or_role,
    "required claims": _required,
}
