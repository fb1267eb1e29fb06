"""Our own checks: off unless set, strict when set."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import TokenError
from gateway.tokens.extensions import (
    check_binding,
    check_denied_id,
    check_max_lifetime,
    check_scope_or_role,
    check_type,
    thumbprint,
)
from gateway.tokens.rules import ScopeOrRole, TokenRules


@pytest.mark.parametrize(
    ("typ", "passes"),
    [
        ("at+jwt", True),
        ("AT+JWT", True),
        ("application/at+jwt", True),
        ("JWT", False),
        ("id_token+jwt", False),
        (None, False),
    ],
)
def test_type(typ: object, passes: bool) -> None:
    """Only access tokens by RFC 9068 pass where typ is enforced; ID tokens do not."""
    check_type(typ, TokenRules())
    if passes:
        check_type(typ, TokenRules(types=frozenset({"at+jwt"})))
        return
    with pytest.raises(TokenError, match="type"):
        check_type(typ, TokenRules(types=frozenset({"at+jwt"})))


@pytest.mark.parametrize(
    "typ", ["logout+jwt", "dpop+jwt", "secevent+jwt", "application/LOGOUT+jwt", "token-introspection+jwt", "vc+sd-jwt"]
)
def test_tokens_of_another_kind(typ: str) -> None:
    """A token of an explicitly different type is refused, unless the policy names its type."""
    with pytest.raises(TokenError, match="type"):
        check_type(typ, TokenRules())
    check_type(typ, TokenRules(types=frozenset({typ.lower().removeprefix("application/")})))


@pytest.mark.parametrize(
    ("payload", "passes"),
    [
        ({"exp": 3700, "iat": 100}, True),
        ({"exp": 3701, "iat": 100}, False),
        ({"exp": 3700, "nbf": 100}, True),
        ({"exp": 9999, "nbf": 100}, False),
        ({"exp": 3700}, False),
        ({"iat": 100}, False),
    ],
    ids=str,
)
def test_max_lifetime(payload: dict[str, Any], passes: bool) -> None:
    """A token that lives too long, or does not say how long, is refused."""
    check_max_lifetime(payload, TokenRules(), 0)
    if passes:
        check_max_lifetime(payload, TokenRules(max_lifetime_s=3600), 0)
        return
    with pytest.raises(TokenError, match="longer"):
        check_max_lifetime(payload, TokenRules(max_lifetime_s=3600), 0)


def test_denied_ids() -> None:
    """jti, and uti for Entra, can be denied one by one."""
    rules = TokenRules(denied_ids=frozenset({"bad"}))
    check_denied_id({"jti": "good", "uti": "fine"}, rules, 0)
    check_denied_id({}, rules, 0)
    for name in ("jti", "uti"):
        with pytest.raises(TokenError, match="deny-list"):
            check_denied_id({name: "bad"}, rules, 0)


def test_a_deny_list_meets_any_json() -> None:
    """A denied id does not escape by being wrapped, and odd types are no crash."""
    rules = TokenRules(denied_ids=frozenset({"bad"}))
    check_denied_id({"uti": {"x": 1}}, rules, 0)
    with pytest.raises(TokenError, match="deny-list"):
        check_denied_id({"uti": ["bad"]}, rules, 0)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"scp": "read write"}, "accepted"),
        ({"scope": "write read"}, "accepted"),
        ({"roles": ["Reader"]}, "accepted"),
        ({"scp": "other", "roles": ["Reader"]}, "accepted"),
        ({"scp": "reads"}, "TokenClaimValueNotAllowed"),
        ({"roles": ["reader"]}, "TokenClaimValueNotAllowed"),
        ({"scp": ""}, "TokenClaimValueNotAllowed"),
        ({}, "TokenClaimNotFound"),
    ],
    ids=str,
)
def test_scope_or_role(payload: dict[str, Any], expected: str) -> None:
    """A user's scope or an application's role is enough, and both are compared whole."""
    rules = TokenRules(scope_or_role=ScopeOrRole(frozenset({"read"}), frozenset({"Reader"})))
    check_scope_or_role(payload, TokenRules(), 0)
    if expected == "accepted":
        check_scope_or_role(payload, rules, 0)
        return
    with pytest.raises(TokenError) as refused:
        check_scope_or_role(payload, rules, 0)
    assert refused.value.reason == expected


CERTIFICATE = b"any DER bytes"
BOUND = {"cnf": {"x5t#S256": thumbprint(CERTIFICATE)}}
BINDINGS: list[tuple[dict[str, Any], dict[str, Any], bytes | None, bool]] = [
    ({}, {}, None, True),
    (BOUND, {}, CERTIFICATE, False),
    (BOUND, {"confirmation": "ignore"}, None, True),
    (BOUND, {"confirmation": "certificate"}, CERTIFICATE, True),
    (BOUND, {"confirmation": "certificate"}, b"another", False),
    (BOUND, {"confirmation": "certificate"}, None, False),
    ({}, {"confirmation": "certificate"}, None, True),
    ({}, {"confirmation": "certificate", "require_bound": True}, CERTIFICATE, False),
    ({"cnf": {}}, {"confirmation": "certificate"}, CERTIFICATE, False),
    ({"cnf": {"jkt": "x"}}, {"confirmation": "certificate"}, CERTIFICATE, False),
    ({"cnf": {**BOUND["cnf"], "jkt": "x"}}, {"confirmation": "certificate"}, CERTIFICATE, False),
    ({"cnf": {"x5t#S256": 1}}, {"confirmation": "certificate"}, CERTIFICATE, False),
    ({"cnf": {"jwk": {}}}, {}, None, False),
]


@pytest.mark.parametrize(("payload", "rules", "certificate", "passes"), BINDINGS)
def test_binding(payload: dict[str, Any], rules: dict[str, Any], certificate: bytes | None, passes: bool) -> None:
    """A token bound to a key passes only with that key, or where the policy says that it does not matter."""
    if passes:
        check_binding(payload, TokenRules(**rules), certificate)
        return
    with pytest.raises(TokenError, match="bound|binding"):
        check_binding(payload, TokenRules(**rules), certificate)
