"""Nobody is a caller unless the gateway says so, and a caller may do what its rule says."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from gateway.notifications.api.callers import identify, require_allowed, rule_for
from gateway.notifications.api.problems import HttpProblem
from gateway.notifications.settings import CallerRule, D365Settings, HopSettings, NamedCaller, NotificationSettings

NO_HOP = HopSettings()
SECRET_HOP = HopSettings(shared_secret=SecretStr("s3cret"))
MTLS = HopSettings(mtls=True)
OBJECT_ID = "ABCDEF00-0000-0000-0000-000000000001"
D365 = D365Settings(instance_url="https://a.b", token_url="https://login/x")


def scope(*headers: tuple[str, str], **extensions: object) -> dict[str, Any]:
    """A request."""
    found = {name.replace("_", "."): value for name, value in extensions.items()}
    encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return {"headers": encoded, "extensions": found}


CALLER = ("caller-objectid", "someone")
PROOF = ("gateway-secret", "s3cret")

ACCEPTED = {
    "in process": (scope(gateway_caller=OBJECT_ID), NO_HOP, OBJECT_ID.lower()),
    "in process, not a GUID": (scope(gateway_caller="aBc-_0"), NO_HOP, "aBc-_0"),
    "in process, header ignored": (scope(CALLER, gateway_caller="other"), NO_HOP, "other"),
    "shared secret": (scope(CALLER, PROOF), SECRET_HOP, "someone"),
    "client certificate": (scope(CALLER), MTLS, "someone"),
}
REFUSED = {
    "nothing": (scope(), NO_HOP),
    "a header, no hop": (scope(CALLER), NO_HOP),
    "a header with a secret, no hop": (scope(CALLER, PROOF), NO_HOP),
    "no secret": (scope(CALLER), SECRET_HOP),
    "wrong secret": (scope(CALLER, ("gateway-secret", "S3cret")), SECRET_HOP),
    "empty secret": (scope(CALLER, ("gateway-secret", "")), SECRET_HOP),
    "two secrets": (scope(CALLER, PROOF, PROOF), SECRET_HOP),
    "no caller": (scope(PROOF), SECRET_HOP),
    "two callers": (scope(CALLER, CALLER, PROOF), SECRET_HOP),
    "empty caller": (scope(("caller-objectid", ""), PROOF), SECRET_HOP),
    "caller with a space": (scope(("caller-objectid", "a b"), PROOF), SECRET_HOP),
    "caller with a line end": (scope(("caller-objectid", "a\nb"), PROOF), SECRET_HOP),
    "caller beyond ASCII": (scope(("caller-objectid", "caf\xe9"), PROOF), SECRET_HOP),
    "overlong caller": (scope(("caller-objectid", "a" * 257), PROOF), SECRET_HOP),
    "in process, none": (scope(CALLER, PROOF, gateway_caller=None), SECRET_HOP),
    "in process, empty": (scope(gateway_caller=""), NO_HOP),
    "in process, not text": (scope(gateway_caller=b"x"), NO_HOP),
    "no extensions at all": ({"headers": [], "extensions": None}, NO_HOP),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_identified(case: str) -> None:
    """The gateway's statement is accepted, within the process or over an authenticated hop."""
    request, hop, caller = ACCEPTED[case]
    assert identify(request, hop) == caller


@pytest.mark.parametrize("case", REFUSED)
def test_unknown(case: str) -> None:
    """Anything else is 401."""
    request, hop = REFUSED[case]
    with pytest.raises(HttpProblem) as caught:
        identify(request, hop)
    assert (caught.value.status, caught.value.slug) == (401, "caller-unknown")


def test_rule() -> None:
    """A caller's own rule wins, whatever the case of the GUID; others get the default one."""
    own, default = NamedCaller(object_id=OBJECT_ID, name="own"), CallerRule(name="default")
    settings = NotificationSettings(
        store=SecretStr("sqlite:///jobs.db"), d365=D365, callers=(own,), default_caller=default
    )
    assert rule_for(OBJECT_ID.lower(), settings) is own
    assert rule_for("someone", settings) is default
    with pytest.raises(HttpProblem, match="denies") as caught:
        rule_for("someone", settings.model_copy(update={"default_caller": None}))
    assert caught.value.status == 403


@pytest.mark.parametrize(
    ("batch_id", "host", "allowed"),
    [(7, "a.azure.com", True), (8, "a.azure.com", False), (7, "b.example", False)],
)
def test_allowed(batch_id: int, host: str, allowed: bool) -> None:
    """A rule names its batch jobs and hosts; a refusal names the rule."""
    rule = NamedCaller(object_id="x", name="factory", batch_jobs=frozenset({7}), callback_hosts=("*.azure.com",))
    if allowed:
        require_allowed(rule, batch_id, host)
        return
    with pytest.raises(HttpProblem, match="'factory'") as caught:
        require_allowed(rule, batch_id, host)
    assert (caught.value.status, caught.value.extra) == (403, {"rule": "factory"})


def test_two_rules() -> None:
    """Two rules for one object id are refused when the settings are made."""
    with pytest.raises(ValueError, match="two rules"):
        NotificationSettings(
            store=SecretStr("sqlite:///jobs.db"),
            d365=D365,
            callers=(NamedCaller(object_id="a", name="1"), NamedCaller(object_id="A", name="2")),
        )
