"""
authentication-managed-identity: a token of the gateway's own identity for the backend.

The configuration (``managed-identity``) defines where the token comes from: Azure's identity endpoints, workload
identity, or a fixed token.

Source: APIM policy reference, "authentication-managed-identity".
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.shape import ID, Attribute, Element, Kind
from gateway.errors import UpstreamError
from gateway.pipeline.changes import Change, Header, OneVariable
from gateway.pipeline.policy import ANYWHERE, PolicyType

if TYPE_CHECKING:
    from gateway.documents.model import Section
    from gateway.outside.seam import CredentialSource
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.headers import Headers


@dataclass(frozen=True, slots=True)
class AuthenticationManagedIdentity(PolicyType):
    """
    One compiled authentication-managed-identity.

    Attributes:
        variable: Receives the token, which is then not put into the request.
    """

    shape: ClassVar[Element] = Element(
        "authentication-managed-identity",
        "Authenticates to the backend with a token of the gateway's own identity.",
        attributes=(
            ID,
            Attribute("resource", "The resource that the token is for: an App ID URI.", required=True),
            Attribute("client-id", "Client id of a user-assigned identity."),
            Attribute(
                "output-token-variable-name", "Variable for the token; the request is not changed.", expression=False
            ),
            Attribute("ignore-error", "Whether to continue without a token.", Kind.BOOLEAN, default="false"),
        ),
    )
    # Its page says inbound; real documents also fetch tokens for send-request in the other sections.
    sections: ClassVar[frozenset[Section]] = ANYWHERE
    sets_secrets: ClassVar[bool] = True

    source: CredentialSource | None
    resource: Value[str]
    client_id: Value[str] | None
    variable: str | None
    ignores_error: Value[bool]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<authentication-managed-identity>``."""
        return cls(
            source=settings.services.credentials,
            resource=settings.text("resource"),
            client_id=settings.maybe(settings.text, "client-id"),
            variable=settings.maybe(settings.constant, "output-token-variable-name"),
            ignores_error=settings.boolean("ignore-error"),
        )

    @property
    def changes(self) -> Change:
        """The variable, or the request's ``Authorization``."""
        return OneVariable(self.variable) if self.variable else Header("authorization", on_request=True)

    def apply(self, context: Context) -> Awaitable[None] | None:
        """None when the token was at hand. Raises UpstreamError: there is none."""
        return self.change(context.request.headers, context)

    def change(self, headers: Headers, context: Context) -> Awaitable[None] | None:
        """Authenticate the message with *headers*; send-request uses it for its own."""
        try:
            token = self._token(context)
            if isinstance(token, str):
                self._use(token, headers, context)
                return None
        except UpstreamError:
            self._give_up(context)
            return None
        return self._wait(token, headers, context)

    def _token(self, context: Context) -> str | Awaitable[str]:
        if self.source is None:
            raise UpstreamError("BackendConnectionFailure", "no credentials are configured for managed identities", 500)
        return self.source.token(self.resource(context), self.client_id(context) if self.client_id else None)

    async def _wait(self, token: Awaitable[str], headers: Headers, context: Context) -> None:
        try:
            self._use(await token, headers, context)
        except UpstreamError:
            self._give_up(context)

    def _use(self, token: str, headers: Headers, context: Context) -> None:
        if self.variable:
            context.variables[self.variable] = token
        else:
            headers.replace("Authorization", f"Bearer {token}")

    def _give_up(self, context: Context) -> None:
        """Continue without a token, or re-raise. Authorization stays: it may be meant for the backend."""
        if not self.ignores_error(context):
            raise
        if self.variable:
            context.variables[self.variable] = None
