"""
Entra ID in place of Redis's password: a token at each new connection, and a newer one for those that are open.

A server closes a connection whose token has ended; so a connection is authenticated again as soon as there is a newer
token, which the gateway's identity fetches five minutes before the former one ends.

Source: "Use Microsoft Entra ID for cache authentication": user name and token, AUTH again before the token expires
(https://learn.microsoft.com/azure/redis/entra-for-authentication); RFC 7519 for the claim ``oid``.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import inspect
import json

from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.auth.token import TokenInterface
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError

from gateway.errors import UpstreamError
from gateway.outside.identity import IdentityTokens
from gateway.outside.redis_clients import Client
from gateway.outside.redis_reasons import NO_TOKEN
from gateway.outside.redis_settings import RedisLogin

# A connection that was in use when the others were authenticated again has its turn in one of the next rounds.
_ROUNDS = 3


class EntraCredentials(CredentialProvider):
    """User name and token, for new connections and for open ones."""

    def __init__(self, login: RedisLogin, tokens: IdentityTokens) -> None:
        self._login = login
        self._tokens = tokens
        self._known = ""
        self._rounds = 0

    async def get_credentials_async(self) -> tuple[str, str]:
        """The user's name and a valid token. Raises AuthenticationError: no token."""
        try:
            token = self._tokens.token(self._login.resource, self._login.client_id or None)
            value = await token if inspect.isawaitable(token) else token
        except UpstreamError:
            raise AuthenticationError(NO_TOKEN) from None
        self._known = self._known or value
        return self._login.user or object_id(value), value

    async def renew(self, client: Client) -> None:
        """
        Authenticate the open connections of *client* again if there is a newer token; to be called every few seconds.

        Raises redis.exceptions.RedisError, OSError: It has to be tried again, as the next call does.
        """
        user, token = await self.get_credentials_async()
        if token != self._known:
            self._known, self._rounds = token, _ROUNDS
        if self._rounds:
            await _authenticate(client, user, token)
            self._rounds -= 1

    async def aclose(self) -> None:
        """Close what fetches tokens."""
        await self._tokens.aclose()


def object_id(token: str) -> str:
    """
    The object id that a token of the gateway's own identity is for; empty when it is not a JWT that names one.

    Only read: it is Redis that verifies the token.
    """
    payload = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError):
        return ""
    oid = claims.get("oid") if isinstance(claims, dict) else None
    return oid if isinstance(oid, str) else ""


async def _authenticate(client: Client, user: str, token: str) -> None:
    if isinstance(client, RedisCluster):
        await asyncio.gather(*(_authenticate_node(node, user, token) for node in client.get_nodes()))
    else:
        await client.connection_pool.re_auth_callback(_RedisToken(user, token))


async def _authenticate_node(node: ClusterNode, user: str, token: str) -> None:
    """As many commands as there are idle connections: each takes one, as no answer is there before all are sent."""
    idle = len(node._free)
    await asyncio.gather(*(node.execute_command("AUTH", user, token) for _ in range(idle)))


class _RedisToken(TokenInterface):
    """The form in which the library takes a token."""

    def __init__(self, user: str, token: str) -> None:
        self._user = user
        self._token = token

    def try_get(self, key: str) -> str:
        """The user's name; nothing else is asked for."""
        return self._user

    def get_value(self) -> str:
        """The token."""
        return self._token

    def is_expired(self) -> bool:
        """Not known here."""
        return False

    def ttl(self) -> float:
        """Not known here."""
        return 0.0

    def get_expires_at_ms(self) -> float:
        """Not known here."""
        return 0.0

    def get_received_at_ms(self) -> float:
        """Not known here."""
        return 0.0
