"""
get-authorization-context: a token of an authorization that the gateway keeps for a user or for itself.

In APIM they come from the credential manager; here from the configuration's ``authorizations``, or, for names that are
not there, from the gateway's identity, with ``provider/authorization`` as the resource.

Source: APIM policy reference, "get-authorization-context".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element, Kind
from gateway.errors import UpstreamError
from gateway.expressions.entities import Authorization
from gateway.pipeline.changes import OneVariable
from gateway.pipeline.policy import PolicyType
from gateway.pipeline.values import Constant

if TYPE_CHECKING:
    from gateway.outside.seam import CredentialSource
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value


@dataclass(frozen=True, slots=True)
class GetAuthorizationContext(PolicyType):
    """One compiled get-authorization-context."""

    shape: ClassVar[Element] = Element(
        "get-authorization-context",
        "Stores an authorization, with its access token, in a variable.",
        attributes=(
            ID,
            Attribute("provider-id", "Provider of the credential manager.", required=True),
            Attribute("authorization-id", "Connection at that provider.", required=True),
            Attribute("context-variable-name", "Variable for the `Authorization`.", required=True, expression=False),
            Attribute("identity-type", "Whose authorization it is.", default="managed", choices=("managed", "jwt")),
            Attribute("identity", "With `jwt`, which does not run here: the caller's token."),
            Attribute("ignore-error", "Whether to continue without one.", Kind.BOOLEAN, default="false"),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})
    sets_secrets: ClassVar[bool] = True

    source: CredentialSource | None
    provider: Value[str]
    authorization: Value[str]
    variable: str
    ignores_error: Value[bool]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<get-authorization-context>``. Raises LoadError: it is for callers that only APIM knows."""
        identity_type = settings.text("identity-type")
        if not isinstance(identity_type, Constant) or identity_type.value != "managed":
            message = "with identity-type jwt the credential manager decides whose token it is, and there is none here"
            remedy = "use managed, behind a validate-jwt that says who may have the authorization"
            raise settings.error("cloud-only", message, remedy, at="identity-type")
        return cls(
            source=settings.services.credentials,
            provider=settings.text("provider-id"),
            authorization=settings.text("authorization-id"),
            variable=settings.constant("context-variable-name"),
            ignores_error=settings.boolean("ignore-error"),
        )

    @property
    def changes(self) -> OneVariable:
        """The variable."""
        return OneVariable(self.variable)

    async def apply(self, context: Context) -> None:
        """Sets the variable; null where there is none and that is ignored. Raises UpstreamError."""
        try:
            context.variables[self.variable] = Authorization(await self._token(context))
        except UpstreamError:
            if not self.ignores_error(context):
                raise
            context.variables[self.variable] = None

    async def _token(self, context: Context) -> str:
        if self.source is None:
            raise UpstreamError("BackendConnectionFailure", "no credentials are configured for authorizations", 500)
        names = (self.provider(context), self.authorization(context))
        if any(not name or "/" in name for name in names):  # https:/ and a host would be a resource in Azure
            raise UpstreamError("BackendConnectionFailure", "provider and authorization are names without a slash", 500)
        token = self.source.token("/".join(names), None)
        return token if isinstance(token, str) else await token
