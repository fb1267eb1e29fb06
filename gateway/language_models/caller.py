"""
Who calls, for what must not be shared between callers.

Identities that the gateway has checked count as such; a credential that only the backend checks counts by its hash, so
that a backend's answer to one caller is never given to another. So does every other header field that may tell tenants,
users or models apart: all but those that are known to tell nothing about either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256

from gateway.tokens.jwt import Jwt, read_unverified

if TYPE_CHECKING:
    from gateway.pipeline.context import Context

# Whose token it is: of the user, of the application, within which issuer.
_CLAIMS = ("iss", "sub", "oid", "tid", "appid", "azp")
# A token without any of these says nothing of whose it is.
_NAMING_CLAIMS = ("sub", "oid")

# Fields about the connection, the client's program, or one message only.
_NEUTRAL = re.compile(
    r"accept|accept-(?:charset|encoding)|baggage|cache-control|connection|content-(?:length|type)|date|dnt|expect"
    r"|forwarded|host|idempotency-key|if-.*|keep-alive|origin|pragma|priority|referer|sec-.*|te|upgrade-insecure-requests"
    r"|user-agent|via|x-forwarded-(?:for|port|proto|scheme|server)|x-real-ip|x-requested-with|x-stainless-.*"
    r"|(?:cf|x-azure|x-b3|x-datadog|x-envoy)-.*"
    # ids that are new with each request
    r"|(?:.*-)?trace(?:parent|state|-id|-context)?|(?:.*-)?(?:activity|correlation|log|request|span)-?id|b3"
)

_PORT = re.compile(r":\d+(?=,|$)")


def caller(context: Context) -> list[str]:
    """What tells this caller apart from others, in a fixed order; no credential is in it as it is."""
    return [*_identities(context), *_fields(context)]


def payer(context: Context) -> str:
    """
    At whose expense something is kept: an identity that the gateway has checked, else the client's address.

    No field that a client may fill as it likes is in it: else one client could be as many as it wants.
    """
    known = list(_checked(context))
    return sha256("\n".join(known if any(known) else [context.request.ip_address]).encode()).hexdigest()


def _checked(context: Context) -> Iterator[str]:
    token, certificate = context.token, context.request.certificate
    yield context.subscription.id if context.subscription else ""
    yield context.user.id if context.user else ""
    yield certificate.fingerprint(SHA256()).hex() if certificate else ""
    if isinstance(token, Jwt):
        yield from (str(token.payload.get(claim, "")) for claim in _CLAIMS)


def _identities(context: Context) -> Iterator[str]:
    yield f"subscription:{context.subscription.id if context.subscription else ''}"
    yield f"host:{context.request.host}"  # some have one for each tenant; replicas may differ in the port
    yield f"user:{context.user.id if context.user else ''}"
    certificate = context.request.certificate
    yield f"certificate:{certificate.fingerprint(SHA256()).hex() if certificate else ''}"
    token = context.token
    if isinstance(token, Jwt):
        yield from (f"{claim}:{token.payload.get(claim, '')}" for claim in _CLAIMS)


def _fields(context: Context) -> Iterator[str]:
    headers = context.request.headers
    for name in sorted(headers.names()):
        field = headers.joined(name) or ""
        if name == "x-forwarded-host":
            field = _PORT.sub("", field)
        if not (_NEUTRAL.fullmatch(name) or _is_checked(name, field, context)):
            yield f"{name}:{sha256(field.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _is_checked(name: str, field: str, context: Context) -> bool:
    """Whether the gateway has found out whose credential *field* is; its next one shares the answers."""
    if name == "ocp-apim-subscription-key":
        return context.subscription is not None
    token = context.token
    if name != "authorization" or not isinstance(token, Jwt) or not any(map(token.payload.get, _NAMING_CLAIMS)):
        return False
    shown = read_unverified(field)
    return shown is not None and shown.payload == token.payload
