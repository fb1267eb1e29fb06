"""The emulator's HTTP side: discovery, keys, tokens, and control under ``/emulator``."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.emulators.control import command
from gateway.emulators.entra.authority import MULTI_TENANT
from gateway.emulators.entra.claims import Validity
from gateway.emulators.entra.credentials import Assertions, with_basic
from gateway.emulators.entra.errors import EntraError
from gateway.emulators.entra.forms import parse_form
from gateway.emulators.entra.managed_identity import identity_answer, identity_grant
from gateway.emulators.entra.metadata import instance_discovery, openid_configuration
from gateway.emulators.entra.token_endpoint import Grant, answer, check_tenant, grant
from gateway.emulators.entra.token_issuer import TokenIssuer
from gateway.emulators.faults import Fault

Endpoint = Callable[[TokenIssuer, int, Request], Awaitable[Response]]

DISCOVERY_HEADERS = {"Cache-Control": "max-age=86400, private", "Access-Control-Allow-Origin": "*"}
TOKEN_HEADERS = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


def application(entra: TokenIssuer) -> Starlette:
    """The ASGI application of one emulator."""
    routes = [
        Route("/common/discovery/instance", _endpoint(entra, "instance-discovery", 2, _instance_discovery)),
        Route("/msi/token", _endpoint(entra, "managed-identity", 1, _managed_identity)),
    ]
    for version, metadata, keys, token in (
        (2, "v2.0/.well-known/openid-configuration", "discovery/v2.0/keys", "oauth2/v2.0/token"),
        (1, ".well-known/openid-configuration", "discovery/keys", "oauth2/token"),
    ):
        routes += [
            Route(f"/{{tenant}}/{metadata}", _endpoint(entra, f"metadata-v{version}", version, _metadata)),
            Route(f"/{{tenant}}/{keys}", _endpoint(entra, f"keys-v{version}", version, _keys)),
            Route(f"/{{tenant}}/{token}", _endpoint(entra, f"token-v{version}", version, _token), methods=["POST"]),
        ]
    return Starlette(routes=_control(entra) + routes)


def _endpoint(entra: TokenIssuer, name: str, version: int, endpoint: Endpoint) -> Callable[..., Any]:
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(entra, version, request)
        except EntraError as error:
            return _refusal(entra, error, request)

    async def counted(request: Request) -> Response:
        return await entra.faults.around(name, lambda: answer(request))

    return counted


def _refusal(entra: TokenIssuer, error: EntraError, request: Request) -> Response:
    correlation_id = request.headers.get("client-request-id") or str(uuid.uuid4())
    body = error.body(entra.clock(), correlation_id, entra.authority.base_url)
    headers = {**TOKEN_HEADERS, "x-ms-request-id": body["trace_id"], "client-request-id": correlation_id}
    return JSONResponse(body, error.status, headers)


def _known_tenant(entra: TokenIssuer, request: Request) -> str:
    tenant = str(request.path_params["tenant"]).lower()
    if tenant not in MULTI_TENANT and tenant not in entra.tenants:
        raise EntraError(90002, tenant)
    return tenant


async def _metadata(entra: TokenIssuer, version: int, request: Request) -> Response:
    tenant = _known_tenant(entra, request)
    document = openid_configuration(entra.authority, version, tenant, request.query_params.get("appid"))
    return JSONResponse(document, headers=DISCOVERY_HEADERS)


async def _keys(entra: TokenIssuer, version: int, request: Request) -> Response:
    document = entra.keys.jwks(entra.authority, version, _known_tenant(entra, request))
    return JSONResponse(document, headers=DISCOVERY_HEADERS)


async def _instance_discovery(entra: TokenIssuer, _version: int, request: Request) -> Response:
    path = request.query_params.get("authorization_endpoint", "").split("://")[-1].split("/")
    tenant = path[1] if len(path) > 1 else entra.tenants[0]
    return JSONResponse(instance_discovery(entra.authority, tenant), headers=DISCOVERY_HEADERS)


async def _token(entra: TokenIssuer, version: int, request: Request) -> Response:
    if entra.scripted_errors:
        raise entra.scripted_errors.pop(0)
    tenant = str(request.path_params["tenant"]).lower()
    check_tenant(tenant, entra.tenants)
    now = entra.clock()
    form = with_basic(await _form(request), request.headers.get("authorization", ""))
    granted = grant(version, form, entra.directory, Assertions(entra.authority.token_endpoints(tenant), now))
    times = {"now": int(now), **Validity(now, entra.token_lifetime_s).claims()}
    body = answer(version, _issue(entra, tenant, granted), granted.audience, times)
    return JSONResponse(body, headers=TOKEN_HEADERS)


async def _managed_identity(entra: TokenIssuer, _version: int, request: Request) -> Response:
    granted = identity_grant(request.query_params, request.headers.get("x-identity-header"), entra.directory)
    expires = int(entra.clock() + entra.token_lifetime_s)
    token = _issue(entra, entra.tenants[0], granted)
    return JSONResponse(identity_answer(token, granted.audience, expires), headers=TOKEN_HEADERS)


def _issue(entra: TokenIssuer, tenant: str, granted: Grant) -> str:
    version = granted.resource.token_version
    return entra.mint(version=version, lifetime_s=entra.token_lifetime_s, tid=tenant, **granted.claims())


async def _form(request: Request) -> dict[str, str]:
    return parse_form(request.headers.get("content-type", ""), await request.body())


def _control(entra: TokenIssuer) -> list[Route]:
    """Control endpoints, for tests that are not written in Python."""
    return [
        command("/emulator", lambda _: _state(entra), "GET"),
        command("/emulator/rotate", lambda _: {"kid": entra.rotate_keys().kid}),
        command("/emulator/withdraw", lambda body: entra.withdraw(body["kid"])),
        command("/emulator/faults", lambda body: entra.faults.add(Fault.from_json(body))),
        command("/emulator/faults", lambda _: entra.faults.clear(), "DELETE"),
        command("/emulator/refusals", lambda body: entra.refuse(**body)),
        command("/emulator/tokens", lambda body: {"access_token": _mint(entra, body)}),
    ]


def _state(entra: TokenIssuer) -> dict[str, Any]:
    return {
        "base_url": entra.authority.base_url,
        "tenants": entra.tenants,
        "issuers": [entra.issuer(1), entra.issuer(2)],
        "active": entra.keys.active.kid,
        "published": [key.kid for key in entra.keys.published],
        "requests": dict(entra.requests),
    }


def _mint(entra: TokenIssuer, body: dict[str, Any]) -> str:
    key = entra.foreign_key if body.pop("foreign", False) else None
    options = {name: body[name] for name in ("version", "app_only", "lifetime_s", "header") if name in body}
    return entra.mint(key=key, **options, **body.get("claims", {}))
