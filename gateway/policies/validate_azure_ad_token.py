"""
validate-azure-ad-token: refuse a request without a valid Microsoft Entra ID token.

It is validate-jwt with Entra's rules built in: both token versions, issuers and keys are derived from the tenant.

Source: APIM policy reference, "validate-azure-ad-token"; docs/reference/apim.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Element
from gateway.errors import ExpressionError
from gateway.pipeline.values import Constant, combined
from gateway.policies.parts.token_check import OUTPUT, REFUSAL_ATTRIBUTES, TokenCheck, TokenPolicy
from gateway.policies.parts.token_extensions import EXTENSIONS, Extensions, extensions
from gateway.policies.parts.token_keys import DECRYPTION_KEYS, decryption_keys
from gateway.policies.parts.token_rules import AUDIENCES, REQUIRED_CLAIMS, RuleSet, required_claims, text_list, texts
from gateway.policies.parts.token_source import BEARER, SOURCE_ATTRIBUTES, token_source
from gateway.policies.validate_jwt import Validators
from gateway.tokens.entra import parse_tenant
from gateway.tokens.validator import KeySources

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.tokens.validator import TokenValidator

_CLIENTS = text_list(
    "client-application-ids", "application-id", "Client id of an accepted caller (`appid`, `azp`).", expression=False
)
_BACKENDS = text_list(
    "backend-application-ids",
    "application-id",
    "Client id of the API itself: accepted as audience if no audiences are listed.",
    expression=False,
)


@dataclass(frozen=True, slots=True)
class ValidateAzureAdToken(TokenPolicy):
    """One compiled validate-azure-ad-token."""

    shape: ClassVar[Element] = Element(
        "validate-azure-ad-token",
        "Refuses a request without a valid Microsoft Entra ID token, of either version, from the given tenant.",
        attributes=(
            ID,
            Attribute("tenant-id", "Tenant: GUID, domain, URL, `organizations` or `common`.", required=True),
            *SOURCE_ATTRIBUTES,
            *REFUSAL_ATTRIBUTES,
            OUTPUT,
        ),
        children=(
            Child(_CLIENTS),
            Child(_BACKENDS),
            Child(AUDIENCES),
            Child(REQUIRED_CLAIMS),
            Child(DECRYPTION_KEYS),
            Child(EXTENSIONS),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<validate-azure-ad-token>``. Raises LoadError: no tenant, several token sources."""
        extra = extensions(settings.child("extensions"))
        rules = RuleSet.of(_fields(settings, extra))
        check = TokenCheck.compile(
            settings,
            token=token_source(settings, Constant(BEARER), forgiving=False),
            validator=_validators(settings, rules),
            rules=rules,
            extensions=extra,
        )
        return cls(check)


def _fields(settings: Settings, extra: Extensions) -> Mapping[str, Value[Any]]:
    """The fields of TokenRules."""
    own = texts(settings.child("backend-application-ids"), "application-id")
    own_audiences = combined([own], lambda ids: _audiences_of(ids[0])) if own else Constant(None)
    return {
        "audiences": texts(settings.child("audiences"), "audience") or own_audiences,
        "client_ids": texts(settings.child("client-application-ids"), "application-id") or Constant(None),
        "required_claims": required_claims(settings.child("required-claims")),
        **extra.rules,
    }


def _audiences_of(client_ids: Iterable[str]) -> frozenset[str]:
    """What ``aud`` may be for an API with one of *client_ids*: v2 tokens have the id, v1 tokens often its URI."""
    return frozenset(form for client_id in client_ids for form in (client_id, f"api://{client_id}"))


def _validators(settings: Settings, rules: RuleSet) -> Callable[[Context], TokenValidator]:
    keys = KeySources(decryption=decryption_keys(settings.child("decryption-keys")))
    validators = Validators(rules, keys, settings.services)
    try:
        return combined([settings.text("tenant-id")], lambda tenant: validators.of(_metadata_urls(tenant[0])))
    except ExpressionError as error:
        raise settings.error("bad-value", error.message, "write the tenant's GUID or domain", at="tenant-id") from None


def _metadata_urls(tenant: str) -> tuple[str, ...]:
    try:
        return parse_tenant(tenant).metadata_urls
    except ValueError as error:
        raise ExpressionError("ArgumentException", str(error)) from None
