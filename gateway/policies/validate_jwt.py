"""
validate-jwt: refuse a request without a valid token.

Source: APIM policy reference, "validate-jwt"; docs/reference/apim.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import urlsplit

from gateway.documents.model import Section
from gateway.documents.placeholders import is_unresolved
from gateway.documents.shape import ID, Attribute, Child, Element, Kind
from gateway.errors import PolicyError
from gateway.pipeline.values import Constant, combined
from gateway.policies.parts.token_check import OUTPUT, REFUSAL_ATTRIBUTES, TokenCheck, TokenPolicy
from gateway.policies.parts.token_extensions import EXTENSIONS, Extensions, extensions
from gateway.policies.parts.token_keys import DECRYPTION_KEYS, ISSUER_SIGNING_KEYS, decryption_keys, signing_keys
from gateway.policies.parts.token_rules import (
    AUDIENCES,
    ISSUERS,
    REQUIRED_CLAIMS,
    RuleSet,
    clock_skew,
    required_claims,
    texts,
)
from gateway.policies.parts.token_source import SOURCE_ATTRIBUTES, token_source
from gateway.tokens.validator import KeySources, TokenValidator

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.services import Services
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

# Metadata URLs that are expressions: each new one costs a fetch, and memory for good, so their number is bounded.
MAX_COMPUTED_URLS = 64

_ABSOLUTE = re.compile(r"https?://[^\s/]+\S*")

_OPENID_CONFIG = Element(
    "openid-config",
    "An issuer's metadata; its keys verify tokens and its issuer is accepted.",
    attributes=(
        Attribute("url", "URL of the metadata document, `…/.well-known/openid-configuration`.", required=True),
        Attribute(
            "validate-connectivity",
            "APIM: whether saving the policy contacts the URL. No effect here: readiness reports it.",
            Kind.BOOLEAN,
            default="true",
            expression=False,
        ),
    ),
)
_ZUMO = Element("zumo-master-key", "Mobile Services; refused here.", attributes=(Attribute("id", "Its id."),))


@dataclass(frozen=True, slots=True)
class ValidateJwt(TokenPolicy):
    """One compiled validate-jwt."""

    shape: ClassVar[Element] = Element(
        "validate-jwt",
        "Refuses a request without a valid token.",
        attributes=(
            ID,
            *SOURCE_ATTRIBUTES,
            *REFUSAL_ATTRIBUTES,
            Attribute("require-expiration-time", "Whether `exp` must be there.", Kind.BOOLEAN, default="true"),
            Attribute("require-scheme", "Scheme that must precede the token in `Authorization`."),
            Attribute("require-signed-tokens", "Whether unsigned tokens are refused.", Kind.BOOLEAN, default="true"),
            Attribute("clock-skew", "Tolerance for `exp` and `nbf`, in seconds.", default="0"),
            OUTPUT,
        ),
        children=(
            Child(_OPENID_CONFIG, maximum=None),
            Child(ISSUER_SIGNING_KEYS),
            Child(DECRYPTION_KEYS),
            Child(AUDIENCES),
            Child(ISSUERS),
            Child(REQUIRED_CLAIMS),
            Child(_ZUMO),
            Child(EXTENSIONS),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<validate-jwt>``. Raises LoadError: no single source, a bad key, unknown certificate."""
        if zumo := settings.child("zumo-master-key"):
            raise zumo.error("unsupported", "Azure Mobile Services no longer exists", "use issuer-signing-keys")
        extra = extensions(settings.child("extensions"))
        rules = RuleSet.of(_fields(settings, extra))
        check = TokenCheck.compile(
            settings,
            token=token_source(settings, settings.maybe(settings.text, "require-scheme"), forgiving=True),
            validator=_validators(settings, rules),
            rules=rules,
            extensions=extra,
        )
        return cls(check)


def _fields(settings: Settings, extra: Extensions) -> Mapping[str, Value[Any]]:
    """The fields of TokenRules."""
    return {
        "issuers": texts(settings.child("issuers"), "issuer") or Constant(frozenset()),
        "audiences": texts(settings.child("audiences"), "audience") or Constant(None),
        "required_claims": required_claims(settings.child("required-claims")),
        "clock_skew_s": clock_skew(settings),
        "require_expiration_time": settings.boolean("require-expiration-time"),
        "require_signed_tokens": settings.boolean("require-signed-tokens"),
        **extra.rules,
    }


@dataclass(frozen=True, slots=True)
class Validators:
    """The validators of one element, by its metadata URLs; literal URLs give one, made at load."""

    rules: RuleSet
    keys: KeySources
    services: Services
    made: dict[tuple[str, ...], TokenValidator] = field(default_factory=dict)

    def of(self, urls: tuple[str, ...]) -> TokenValidator:
        """The validator with the issuers behind *urls*. Raises PolicyError: too many different ones."""
        validator = self.made.get(urls)
        if validator is None:
            if len(self.made) >= MAX_COMPUTED_URLS:
                raise PolicyError(500, "InternalError", "Too many different metadata URLs.", "Internal server error")
            validator = self.made[urls] = self._make(urls)
        return validator

    def _make(self, urls: tuple[str, ...]) -> TokenValidator:
        registry, listed = self.services.issuers, self.rules.fixed.issuers
        assert registry is not None or not urls  # noqa: S101 - the application always brings a registry
        issuers = tuple(registry.issuer(url, expected=listed) for url in urls) if registry else ()
        return TokenValidator(
            self.rules.fixed, KeySources(self.keys.inline, issuers, self.keys.decryption), self.services.token_cache
        )


def _validators(settings: Settings, rules: RuleSet) -> Callable[[Context], TokenValidator]:
    keys = KeySources(
        inline=signing_keys(settings.child("issuer-signing-keys")),
        decryption=decryption_keys(settings.child("decryption-keys")),
    )
    for config in settings.all("openid-config"):
        _check_url(config)
    validators = Validators(rules, keys, settings.services)
    return combined([_metadata_url(openid_config) for openid_config in settings.all("openid-config")], validators.of)


def _metadata_url(settings: Settings) -> Value[str]:
    """``url``; a literal must be one."""
    url = settings.text("url")
    if isinstance(url, Constant) and not _ABSOLUTE.fullmatch(url.value.strip()):
        remedy = "write https://…/.well-known/openid-configuration"
        raise settings.error("bad-value", f"{url.value!r} is not a URL", remedy, at="url")
    return Constant(url.value.strip()) if isinstance(url, Constant) else url


def _check_url(config: Settings) -> None:
    """Raises LoadError: a literal URL that no metadata can be read from."""
    url = config.text("url")
    if not isinstance(url, Constant) or is_unresolved(url.value):
        return
    try:
        parts = urlsplit(url.value)
        usable = parts.scheme in ("https", "http") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        message = f"{url.value!r} is not the URL of an OpenID configuration"
        raise config.error("bad-value", message, "write https://…/.well-known/openid-configuration", at="url")
