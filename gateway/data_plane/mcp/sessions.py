"""
Sessions of a server that is passed through, bound to who opened them.

The server behind often sees no token, because policies have judged and removed it; then it cannot tell whose session is
whose. The gateway appends a seal to the session's id that only the same caller's requests match. Nothing is stored:
every worker and replica with the same key can tell.

Source: Model Context Protocol 2025-11-25, "Security Best Practices" (session hijacking); RFC 2104.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from functools import partial
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256

from gateway.data_plane.mcp.entrance import PLACE
from gateway.errors import PolicyError
from gateway.pipeline.changes import Change
from gateway.pipeline.step import PipelineStep, Policy

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.outcome import MaybeLater
    from gateway.wire.messages import Response

SESSION_FIELD = "Mcp-Session-Id"
_CLAIMS = ("iss", "tid", "sub", "oid", "azp", "appid")
_SEAL_BYTES = 18


class SessionSeal(Policy):
    """The last inbound step: takes the seal off a request's session, and puts one on the session of its answer."""

    __slots__ = ("_api", "_key")

    def __init__(self, key: bytes, api: str) -> None:
        self._key = key
        self._api = api

    def apply(self, context: Context) -> MaybeLater:
        """None. Raises PolicyError: another caller has opened this session, or nobody; or nobody is calling."""
        headers = context.request.headers
        sealed = headers.values(SESSION_FIELD)
        caller = _caller(context)
        if not caller:
            raise PolicyError(401, "McpCallerUnknown", "A session is its caller's, and nothing says who is calling")
        if sealed:
            session, dot, seal = sealed[0].rpartition(".")
            if len(sealed) > 1 or not dot or not hmac.compare_digest(seal.encode(), self._seal(session, caller)):
                raise PolicyError(404, "McpSessionUnknown", "There is no such session")
            headers.replace(SESSION_FIELD, session)
        context.on_answer(partial(self._sealed, caller))
        return None

    def _sealed(self, caller: str, answer: Response) -> None:
        session = answer.headers.first(SESSION_FIELD)
        if session is not None:
            answer.headers.replace(SESSION_FIELD, f"{session}.{self._seal(session, caller).decode()}")

    def _seal(self, session: str, caller: str) -> bytes:
        text = json.dumps([self._api, caller, session]).encode()
        return urlsafe_b64encode(hmac.digest(self._key, text, "sha256")[:_SEAL_BYTES])

    @property
    def changes(self) -> Change | None:
        """Nothing that a trace shows."""
        return None


def _caller(context: Context) -> str:
    """
    Who is calling, as far as token, subscription and client certificate say; empty: none of them says anything.

    It is the same for the caller's next token, and no two callers have the same, whatever their claims hold.
    """
    claims = {} if context.token is None else context.token.payload
    known = {name: claims[name] for name in _CLAIMS if claims.get(name)}
    if context.subscription is not None:
        known["subscription"] = context.subscription.id
    if context.request.certificate is not None:
        known["certificate"] = context.request.certificate.fingerprint(SHA256()).hex()
    return json.dumps(known, sort_keys=True, default=str) if known else ""


def seal(key: bytes, api: str) -> PipelineStep:
    """The step, ready to stand behind a pipeline's inbound section."""
    policy = SessionSeal(key, api)
    return PipelineStep(policy.apply, PLACE, policy)
