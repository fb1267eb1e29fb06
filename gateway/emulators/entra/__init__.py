"""
Entra ID, as far as a gateway and its callers see it: metadata, keys, client-credentials tokens. Shapes are those of
the real service.

    directory.py       who exists: tenants, applications with their secrets and roles, resources
    authority.py       URLs and issuers of this emulator
    metadata.py        the OpenID configuration documents
    keys.py            signing keys, their JWK Sets and their file
    claims.py          what access tokens say
    tokens.py          compact JWS, with any algorithm and any key, so that wrong ones can be made too
    credentials.py     how an application proves itself at the token endpoint
    token_endpoint.py  form in, token answer out
    managed_identity.py  the token endpoint inside an Azure machine
    errors.py          AADSTS numbers and their answers
    routes.py          the ASGI application
    token_issuer.py    TokenIssuer: keys, directory, minting; the Python API
    emulator.py        EntraEmulator: the issuer with its HTTP side
"""

from gateway.emulators.entra.directory import Application, Directory, Resource
from gateway.emulators.entra.emulator import EntraEmulator
from gateway.emulators.entra.keys import KeyRing, SigningKey

__all__ = ["Application", "Directory", "EntraEmulator", "KeyRing", "Resource", "SigningKey"]
