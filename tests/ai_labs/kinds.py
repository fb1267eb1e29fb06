"""How each document is called. What stands in front of a model is called as a model; the rest is listed here."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

RPC = '{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}'
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PROVIDER = {"providerId": "github", "authorizationId": "octo"}
_AUTHORIZE = (
    "client_id=c1&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb&state=s1&scope=x&code_challenge=abc"
    "&code_challenge_method=plain"
)


# A browser that has agreed in an earlier session, and one that comes back from the login page.
_APPROVED = {"Cookie": "__Host-MCP_APPROVED_CLIENTS=" + b64encode(b'["c1:http://127.0.0.1/cb"]').decode()}
_CONSENT = {"Cookie": "__Host-MCP_CONSENT_STATE=" + b64encode(b'{"state": "s1"}').decode()}


@dataclass(frozen=True, slots=True)
class OneCall:
    """
    One call, and what must come of it.

    Attributes:
        template: Its operation's template, if that has parameters.
        reaches: What must have arrived at the backend, as a pattern; empty: a policy answers.
        said: What the answer must contain, as a pattern; its groups are kept for the calls of later documents, in
            which ``<name>`` stands for them.
        backend: What is behind it: ``echo``, or ``other``, the rest of Azure.
    """

    path: str = "/x"
    method: str = "POST"
    template: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    body: str = RPC
    status: int = 200
    reaches: str = ""
    said: str = ""
    backend: str = "echo"


_FORWARDED = OneCall(reaches=r"\"method\": \"POST\"")
_AS_IDENTITY = OneCall(reaches=r"authorization.{1,6}Bearer token of ")
_AS_OTHERS = OneCall(headers=JSON | PROVIDER, reaches=r"authorization.{1,6}Bearer token of github/octo")

# The first pattern that fits a path counts; a path that fits none is a model's.
CALLS: dict[str, OneCall] = {
    "*/city-weather-mock-policy.xml": OneCall("/Lisbon", "GET", "/{city}", {}, "", said='"city": "Lisbon"'),
    "*/weather/api/policy.xml": OneCall("/Lisbon", "GET", "/{city}", {}, "", said='"city": "Lisbon"'),
    "*/product-catalog-mock-policy.xml": OneCall("/clothing", "GET", "/{category}", {}, "", said='"category": "clot'),
    "*/product-catalog/api/policy.xml": OneCall("/clothing", "GET", "/{category}", {}, "", said='"category": "clothi'),
    "*/place-order-policy.xml": _FORWARDED,
    "*/place-order/api/policy.xml": _FORWARDED,
    "*/mcp-server/policy.xml": _FORWARDED,
    "*/foundry-iq-agent-svc/src/mcp-server/policy.xml": _AS_IDENTITY,
    "modules/apim-streamable-mcp/*.xml": _FORWARDED,
    "*/mcp-prm.policy.xml": OneCall("/prm", "GET", headers={}, body="", said="authorization_servers"),
    "*/prm-policy.xml": OneCall("/prm", "GET", headers={}, body="", said="authorization_servers"),
    "*/toolbox-policy.xml": _AS_IDENTITY,
    "*/hosted-agent-policy.xml": _AS_IDENTITY,
    "*/contentsafety-policy.xml": _AS_IDENTITY,
    "*/vector-searching/search*-policy.xml": _AS_IDENTITY,
    "*/ml-prediction/api/policy.xml": _AS_IDENTITY,
    "*/aws-bedrock/policy.xml": OneCall("/model/claude/converse", reaches=r"authorization.{1,6}AWS4-HMAC-SHA256 Cred"),
    "*/servicenow/apim-api/operation-policy.xml": _AS_OTHERS,
    "*/github/apim-api/policy.xml": _AS_OTHERS,
    "*/spotify/apim-api/policy.xml": _AS_OTHERS,
    "*/src/*/apim-api/*policy.xml": _FORWARDED,
    "*/apim-oauth/authorize.policy.xml": OneCall(
        f"/authorize?{_AUTHORIZE}", "GET", headers=_APPROVED, body="", status=302, said="/oauth2/v2.0/authorize"
    ),
    "*/apim-oauth/consent.policy.xml": OneCall(f"/consent?{_AUTHORIZE}", "GET", headers={}, body="", said="(?i)<html"),
    "*/apim-oauth/register.policy.xml": OneCall(
        "/register", body='{"client_name": "c", "redirect_uris": ["http://127.0.0.1/cb"]}', said="client_id"
    ),
    "*/apim-oauth/*-options.policy.xml": OneCall("/o", "OPTIONS", headers={}, body=""),
    "*/apim-oauth/oauthmetadata-get.policy.xml": OneCall("/m", "GET", headers={}, body="", said="token_endpoint"),
    "*/apim-oauth/oauth-callback.policy.xml": OneCall(
        "/cb?code=1&state=s1",
        "GET",
        headers=_CONSENT,
        body="",
        status=302,
        said=r"code=(?P<code>[\w-]+)",
        backend="other",
    ),
    "*/apim-oauth/token.policy.xml": OneCall(
        "/token",
        headers=FORM,
        body="grant_type=authorization_code&code=<code>&code_verifier=abc&client_id=c1&redirect_uri=http://127.0.0.1/cb",
        said=r'"access_token": ?"(?P<session>[^"]+)"',
    ),
    "*/src/weather/apim-mcp-server/policy.xml": OneCall(status=401, said="no access token"),
    "*/mcp_sk_servers/apim-mcp/mcp-api.policy.xml": OneCall(
        headers=JSON | {"Authorization": "Bearer <session>"}, reaches="x-functions-key"
    ),
    "*/apim-mcp/mcp-api.policy.xml": _FORWARDED,
}

# These read the messages of a chat, and fail for a body without them, as in APIM.
CHAT_ONLY = ("*/content-filtering-policy.xml", "*/prompt-shield-policy.xml")

_AUDIENCE = re.compile(r"<audience>\s*([^<]+?)\s*</audience>")


def call_of(path: str) -> OneCall | None:
    """How the document at *path* is called; None: as a model."""
    return next((call for pattern, call in CALLS.items() if fnmatchcase(path, pattern)), None)


def is_for_chat_only(path: str) -> bool:
    """Whether the document at *path* serves no embeddings."""
    return any(fnmatchcase(path, pattern) for pattern in CHAT_ONLY)


def place(path: str) -> tuple[bool, str]:
    """Sorts documents as a client meets them: the login comes before what needs one."""
    return "/apim-oauth/" not in path, path


def audience(text: str) -> str | None:
    """The audience of the token that the document asks for; None: it asks for none."""
    if "<validate-jwt" not in text and "<validate-azure-ad-token" not in text:
        return None
    match = _AUDIENCE.search(text)
    return match[1] if match else "api://any"
