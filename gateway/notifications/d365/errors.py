"""
Why a call to F&O or to its token endpoint failed, and the hint that a person can act on.

Program against kind and status; Microsoft's numbers and texts serve diagnosis only.

Source: Microsoft Entra "authentication and authorization error codes"; F&O "Troubleshoot service authentication".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum

APPLICATIONS_FORM = (
    "F&O refused the token. Check: (1) the client id is listed in F&O under System administration > Setup > "
    "Microsoft Entra ID applications, with a user; (2) instance-url is the environment's own URL, in lower case, "
    "without a trailing slash, because it becomes the token's audience; (3) the application is "
    "in the environment's tenant."
)
PRIVILEGE = "The F&O user that the application is mapped to may not read BatchJobs or run SetBatchJobToWaiting."
MISSING = (
    "F&O does not know this address. Entity and action names are case sensitive; "
    "SetBatchJobToWaiting needs 10.0.22 or later."
)

ENTRA_HINTS: dict[int, str] = {
    7000215: "Wrong client secret: configure the secret's value, not its id.",
    7000222: "The client secret has expired; create a new one.",
    7000216: "The request carried no secret; client-secret is missing in the configuration.",
    7000218: "The request carried no secret; client-secret is missing in the configuration.",
    700016: "The application is not in that tenant: client-id or tenant is wrong, or there is no service principal.",
    90002: "The tenant does not exist; check token-url.",
    500011: "No service principal for instance-url: the URL is wrong, or Dynamics ERP is not provisioned.",
    50001: "instance-url is not a valid resource in this tenant.",
    70011: "The scope is not valid; instance-url must be the bare environment URL.",
    65001: "Consent is missing; an administrator has to grant it.",
    700027: "The certificate was refused: not uploaded, wrong, or expired.",
    50012: "The certificate was refused: not uploaded, wrong, or expired.",
    53003: "Blocked by Conditional Access for workload identities.",
    50196: "Entra throttles this client for asking in a loop.",
    90055: "Entra throttles this client for asking too often.",
}


class FailureKind(StrEnum):
    """
    What to do about a failure.

    TRANSIENT and THROTTLED are retried. THROTTLED was certainly not executed. AMBIGUOUS may have been: re-read.
    """

    TRANSIENT = "transient"
    THROTTLED = "throttled"
    AMBIGUOUS = "ambiguous"
    AUTH = "auth"
    PERMANENT = "permanent"


class D365Error(Exception):
    """
    A call that did not succeed.

    Attributes:
        kind: What to do about it.
        hint: What a person can do about it; safe to show.
        retry_after_s: How long F&O asked us to wait.
    """

    def __init__(self, kind: FailureKind, hint: str, retry_after_s: float | None = None) -> None:
        super().__init__(hint)
        self.kind = kind
        self.hint = hint
        self.retry_after_s = retry_after_s


def odata_message(body: bytes) -> str:
    """The useful sentence of an OData error body, never its stack trace; empty when the body is something else."""
    try:
        error = json.loads(body)["error"]
        inner = error.get("innererror") or {}
        return str(inner.get("message") or error.get("message") or "")[:500]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""


def entra_hint(body: Mapping[str, object]) -> str:
    """The hint for an Entra error answer; names the standard ``error`` code, never the request."""
    codes = body.get("error_codes")
    for code in codes if isinstance(codes, list) else []:
        if code in ENTRA_HINTS:
            return f"{ENTRA_HINTS[code]} (AADSTS{code})"
    return f"The token endpoint refused: {str(body.get('error', 'no reason given'))[:80]}."
