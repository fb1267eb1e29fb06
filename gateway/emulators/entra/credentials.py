"""
How an application proves itself at the token endpoint: a secret in the form, HTTP Basic, or a signed assertion.

Source: "OAuth 2.0 client credentials flow"; RFC 6749 section 2.3.1; RFC 7523 section 2.2.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import jwt
from cryptography import x509

from gateway.emulators.entra.directory import Application
from gateway.emulators.entra.errors import EntraError

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
BY_SECRET = "1"  # noqa: S105 - the value of the claim azpacr
BY_CERTIFICATE = "2"


@dataclass(frozen=True, slots=True)
class Assertions:
    """What client assertions are checked against: the endpoint URLs they may name, and the time in epoch seconds."""

    audiences: list[str]
    now: float


def with_basic(form: Mapping[str, str], authorization: str) -> dict[str, str]:
    """The form, completed with the client id and secret of an ``Authorization: Basic`` field (percent-encoded)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return dict(form)
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return dict(form)
    return {"client_id": unquote_plus(client_id), "client_secret": unquote_plus(secret), **form}


def authenticate(application: Application, form: Mapping[str, str], assertions: Assertions) -> str:
    """
    Check the credential and return the client's authentication class: ``1`` for a secret, ``2`` for a certificate.

    Raises:
        EntraError: 7000215, 7000222, 7000216, 7000218, 700027 or 50012.
    """
    if "client_assertion" in form:
        _check_assertion(application, form, assertions)
        return BY_CERTIFICATE
    if "client_secret" not in form:
        raise EntraError(7000218 if "client_assertion_type" in form else 7000216)
    _check_secret(application, form["client_secret"])
    return BY_SECRET


def _check_secret(application: Application, secret: str) -> None:
    if _contains(application.expired_secrets, secret):
        raise EntraError(7000222, application.client_id)
    if not _contains(application.secrets, secret):
        raise EntraError(7000215, application.client_id)


def _contains(secrets: tuple[str, ...], secret: str) -> bool:
    return any(hmac.compare_digest(known.encode(), secret.encode()) for known in secrets)


def _check_assertion(application: Application, form: Mapping[str, str], assertions: Assertions) -> None:
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise EntraError(900144, "client_assertion_type")
    claims = _verified(application, form["client_assertion"], assertions.audiences)
    if claims.get("iss") != application.client_id or claims.get("sub") != application.client_id:
        raise EntraError(50012, "iss and sub of the assertion must be the client id.")
    if float(claims["exp"]) <= assertions.now:
        raise EntraError(50012, "The assertion has expired.")


def _verified(application: Application, assertion: str, audiences: list[str]) -> dict[str, Any]:
    problem = "No certificate is registered."
    for pem in application.certificates:
        key = x509.load_pem_x509_certificate(pem).public_key()
        try:
            return _decode(assertion, key, audiences)
        except (jwt.InvalidTokenError, TypeError) as error:
            problem = f"{type(error).__name__}."
    raise EntraError(700027, problem)


def _decode(assertion: str, key: Any, audiences: list[str]) -> dict[str, Any]:
    # PyJWT would use the machine's clock; the emulator has its own, so the caller checks the times.
    return jwt.decode(
        assertion,
        key,
        ["RS256", "PS256"],
        {"require": ["exp", "aud"], "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        audience=audiences,
    )
