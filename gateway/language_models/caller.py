"""
Who calls, for what must not be shared between callers.

Identities that the gateway has checked count as such; a credential that only the backend checks counts by its hash, so
that a backend's answer to one caller is never given to another.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256

from gateway.tokens.jwt import Jwt

if TYPE_CHECKING:
    from gateway.pipeline.context import Context

# Whose token it is: of the user, of the application, within which issuer.
_CLAIMS = ("iss", "sub", "oid", "tid", "appid", "azp")

_CREDENTIALS = ("Cookie", "api-key", "x-api-key", "X-Goog-Api-Key")


def caller(context: Context) -> list[str]:
    """What tells this caller apart from others, in a fixed order; no credential is in it as it is."""
    return list(_identities(context))


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
    yield f"user:{context.user.id if context.user else ''}"
    certificate = context.request.certificate
    yield f"certificate:{certificate.fingerprint(SHA256()).hex() if certificate else ''}"
    token = context.token
    names: tuple[str, ...] = _CREDENTIALS
    if isinstance(token, Jwt):
        yield from (f"{claim}:{token.payload.get(claim, '')}" for claim in _CLAIMS)
    else:
        names = ("Authorization", *_CREDENTIALS)
    for name in names:
        field = context.request.headers.joined(name)
        yield f"{name}:{sha256(field.encode('utf-8', 'surrogatepass')).hexdigest() if field else ''}"
