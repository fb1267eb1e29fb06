"""caller.py: who shares a partition of a semantic cache, and who does not."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from gateway.language_models.caller import caller
from gateway.tokens.jwt import Jwt
from tests.policies.bench import get, new_context

ALICE = {"iss": "i", "sub": "alice", "iat": 1}
NEWER = {**ALICE, "iat": 2}
NAMELESS = {"iss": "i", "client": "a"}


def compact(payload: dict[str, Any]) -> str:
    """*payload* as a token whose signature nobody looks at."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in ({"alg": "none"}, payload)]
    return f"{parts[0]}.{parts[1]}.c2ln"


def calls(payload: dict[str, Any] | None = None, on: str = "h", **headers: str) -> list[str]:
    """Who calls the host *on* with these fields, after *payload* was verified."""
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return caller(new_context(get("/", fields, host=on), token=None if payload is None else Jwt.of({}, payload)))


def bearer(payload: dict[str, Any]) -> str:
    return f"Bearer {compact(payload)}"


# Two calls -> whether they come from one caller.
PAIRS: dict[str, tuple[list[str], list[str], bool]] = {
    "nothing": (calls(), calls(), True),
    "tenants": (calls(x_tenant="a"), calls(x_tenant="b"), False),
    "hosts": (calls(on="a.test"), calls(on="b.test"), False),
    "replicas": (calls(x_forwarded_host="a.test:1"), calls(x_forwarded_host="a.test:2"), True),
    "deployments": (calls(azureml_model_deployment="a"), calls(azureml_model_deployment="b"), False),
    "a field moved": (calls(x_a="1"), calls(x_b="1"), False),
    "programs": (calls(user_agent="a", x_stainless_os="a"), calls(user_agent="b"), True),
    "ids": (calls(traceparent="1", x_request_id="1"), calls(traceparent="2", x_ms_client_request_id="2"), True),
    "tokens that only the backend checks": (
        calls(authorization=bearer(ALICE)),
        calls(authorization=bearer(NEWER)),
        False,
    ),
    "a newer token": (
        calls(ALICE, authorization=bearer(ALICE)),
        calls(NEWER, authorization=bearer(NEWER)),
        True,
    ),
    "another field was verified": (
        calls(ALICE, authorization="Bearer a"),
        calls(ALICE, authorization="Bearer b"),
        False,
    ),
    "a token without a name": (
        calls(NAMELESS, authorization=bearer(NAMELESS)),
        calls(NAMELESS, authorization=bearer({**NAMELESS, "client": "b"})),
        False,
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_who_is_one_caller(name: str) -> None:
    """Whatever may tell two callers apart does; programs and ids of single requests do not."""
    one, two, same = PAIRS[name]
    assert (one == two) is same


def test_no_credential_is_kept() -> None:
    """What names the caller goes into a hash, and may be seen by whoever debugs it."""
    assert "secret" not in str(calls(authorization="Bearer secret", x_api_key="secret"))
