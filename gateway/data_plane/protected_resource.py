"""
An API that OAuth protects: where its clients learn how to get a token, and what refusals tell them.

Source: RFC 9728 §3 and §5; RFC 6750 §3; Model Context Protocol 2025-11-25 and 2026-07-28, "Authorization".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from gateway.documents.model import Scope, Section
from gateway.pipeline.changes import Change
from gateway.pipeline.place import Place
from gateway.pipeline.step import PipelineStep, Policy
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.outcome import MaybeLater

WELL_KNOWN = ".well-known/oauth-protected-resource"
CHALLENGE = "WWW-Authenticate"

_PLACE = Place("protected-resource", Scope.GLOBAL, Section.INBOUND, "")

# APIM's reasons for a token that is good and does not say enough.
_INSUFFICIENT = frozenset({"TokenClaimNotFound", "TokenClaimValueNotAllowed"})


@dataclass(frozen=True, slots=True)
class ResourceFacts:
    """
    What is known of one API.

    Attributes:
        path: Of the API; begins with a slash, or is empty.
        resource: Its URL; None: as it was called.
        endpoints: Paths below it under which it is a resource; the first one is in challenges.
    """

    name: str
    path: str
    authorization_servers: Sequence[str]
    scopes: Sequence[str] = ()
    resource: str | None = None
    documentation: str | None = None
    endpoints: Sequence[str] = ("",)

    def metadata(self, base: str, endpoint: str) -> dict[str, Any]:
        """The metadata of the resource at *endpoint*; *base*: scheme and authority of the gateway. RFC 9728 §2."""
        facts = {
            "resource": self.resource or f"{base}{self.path}{endpoint}",
            "authorization_servers": list(self.authorization_servers),
            "scopes_supported": list(self.scopes),
            "bearer_methods_supported": ["header"],
            "resource_name": self.name,
            "resource_documentation": self.documentation,
        }
        return {name: value for name, value in facts.items() if value}

    def metadata_url(self, base: str, endpoint: str) -> str:
        """Where that metadata is."""
        if self.resource is not None:
            scheme, _, rest = self.resource.partition("://")
            authority, slash, path = rest.partition("/")
            return f"{scheme}://{authority}/{WELL_KNOWN}{slash}{path}".rstrip("/")
        return f"{base}/{WELL_KNOWN}{self.path}{endpoint}"


def base_of(request: Request) -> str:
    """Scheme and authority as the client, or a trusted proxy on its behalf, has called the gateway."""
    url = request.original_url
    return f"{url.scheme}://{url.authority}"


class ResourceMetadata(Policy):
    """The only step of the pipeline that answers for the metadata; nobody needs a token to learn where to get one."""

    __slots__ = ("_facts",)

    def __init__(self, facts: ResourceFacts) -> None:
        self._facts = facts

    def apply(self, context: Context) -> MaybeLater:
        """The answer."""
        request = context.request
        endpoint = request.path.rstrip("/")
        if endpoint not in self._facts.endpoints:
            return Response(404)
        headers = [("Access-Control-Allow-Origin", "*"), ("Cache-Control", "no-store")]
        if request.method == "OPTIONS":
            return Response(204, Headers([*headers, ("Access-Control-Allow-Headers", "MCP-Protocol-Version")]))
        if request.method not in ("GET", "HEAD"):
            return Response(405, Headers([("Allow", "GET, HEAD, OPTIONS")]))
        content = json.dumps(self._facts.metadata(base_of(request), endpoint)).encode()
        return Response(200, Headers([*headers, ("Content-Type", "application/json")]), Body(content))

    @property
    def changes(self) -> Change | None:
        """Nothing but the answer."""
        return None


class Challenger(Policy):
    """The first step of a protected API: has refusals say where the metadata is."""

    __slots__ = ("_facts",)

    def __init__(self, facts: ResourceFacts) -> None:
        self._facts = facts

    def apply(self, context: Context) -> MaybeLater:
        """None."""
        context.on_answer(partial(self._challenge, context))
        return None

    def _challenge(self, context: Context, answer: Response) -> None:
        """Add the challenge to a refusal; a document's own is left as it is, and so is a backend's."""
        error = context.last_error
        is_insufficient = error is not None and error.reason in _INSUFFICIENT
        if answer.status_code not in ((401, 403) if is_insufficient else (401,)):
            return
        if _is_backends(context) or _names_metadata(answer.headers):
            return
        if is_insufficient:
            answer.status_code, answer.given_reason = 403, None
        answer.headers.replace(CHALLENGE, self._text(context.request, _error(context, is_insufficient)))

    def _text(self, request: Request, error: str | None) -> str:
        endpoint = request.path.rstrip("/") if request.path.rstrip("/") in self._facts.endpoints else ""
        parts = [] if error is None else [("error", error)]
        parts.append(("resource_metadata", self._facts.metadata_url(base_of(request), endpoint)))
        parts += [("scope", " ".join(self._facts.scopes))] if self._facts.scopes else []
        return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parts)

    @property
    def changes(self) -> Change | None:
        """Nothing but the answer."""
        return None


def _is_backends(context: Context) -> bool:
    """Whether no policy has refused, but the backend."""
    return context.last_error is None and context.answered_at is not None


def _error(context: Context, is_insufficient: bool) -> str | None:
    """RFC 6750 §3.1: no error code where no credentials were sent."""
    if is_insufficient:
        return "insufficient_scope"
    return "invalid_token" if "Authorization" in context.request.headers else None


def _names_metadata(headers: Headers) -> bool:
    return any("resource_metadata" in value for value in headers.values(CHALLENGE))


def step_of(policy: Policy) -> PipelineStep:
    """*policy* as a built-in step."""
    apply: Callable[[Context], MaybeLater] = policy.apply
    return PipelineStep(apply, _PLACE, policy)
