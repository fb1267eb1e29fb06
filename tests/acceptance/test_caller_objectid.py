"""The policy of the blog, from a client's token to the backend's socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.emulators.entra import EntraEmulator
from gateway.emulators.entra.directory import SERVICE_PRINCIPAL, USER
from tests.acceptance.rig import Product, product
from tests.wire.rig import client

FORMS = ["caller-objectid.xml", "caller-objectid.yaml"]
EVIL = "somebody-else"

SPELLINGS = [
    ("Caller-ObjectId: {evil}",),
    ("caller-objectid: {evil}",),
    ("CALLER-OBJECTID: {evil}",),
    ("caller_objectid: {evil}",),
    ("Caller_ObjectId: {evil}", "caller-objectid: {evil}"),
    ("caller-objectid: {evil}", "caller-objectid: {evil}"),
    ("Connection: caller-objectid", "caller-objectid: {evil}"),
    ("Connection: close, Caller-ObjectId",),
    ("caller-objectid:",),
]


def in_product(directory: Path, policy: str, scenario: Callable[[Product], Awaitable[None]]) -> None:
    async def run() -> None:
        async with product(directory, policy) as running:
            await scenario(running)

    asyncio.run(run())


@pytest.mark.parametrize("policy", FORMS)
def test_the_verified_caller_reaches_the_backend(tmp_path: Path, policy: str) -> None:
    """A valid token passes, and the backend reads its subject in caller-objectid."""

    async def scenario(running: Product) -> None:
        reply = await running.call("/orders/items/7?x=1", token=running.entra.mint())
        assert (reply.status, reply.body) == (200, b"ok")
        assert running.received("caller-objectid") == [SERVICE_PRINCIPAL]
        assert running.backend.received.startswith(b"GET /items/7?x=1 HTTP/1.1\r\n")

    in_product(tmp_path, policy, scenario)


@pytest.mark.parametrize("policy", FORMS)
@pytest.mark.parametrize("fields", SPELLINGS, ids=" + ".join)
def test_no_spelling_forges_the_caller(tmp_path: Path, policy: str, fields: tuple[str, ...]) -> None:
    """Whatever the client sends under that name, the backend sees exactly one value: the token's."""

    async def scenario(running: Product) -> None:
        lines = [field.format(evil=EVIL) for field in fields]
        reply = await running.call("/orders/items/7", *lines, token=running.entra.mint())
        assert reply.status == 200
        assert running.received("caller-objectid") == [SERVICE_PRINCIPAL]
        assert EVIL.encode() not in running.backend.received

    in_product(tmp_path, policy, scenario)


@pytest.mark.parametrize("fields", SPELLINGS, ids=" + ".join)
def test_an_anonymous_route_has_no_caller(tmp_path: Path, fields: tuple[str, ...]) -> None:
    """The client's copy of the header never arrives, not even on a route without a token."""

    async def scenario(running: Product) -> None:
        reply = await running.call("/orders/open", *(field.format(evil=EVIL) for field in fields))
        assert reply.status == 200
        assert running.received("caller-objectid") == []

    in_product(tmp_path, FORMS[0], scenario)


def test_trailers_do_not_forge_the_caller(tmp_path: Path) -> None:
    """A trailer field is dropped, announced or not, early or late."""

    async def scenario(running: Product) -> None:
        head = (
            "POST /orders/items HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: caller-objectid\r\n"
            f"Authorization: Bearer {running.entra.mint()}\r\n\r\n"
        )
        async with client(running.port) as connection:
            connection.send(head.encode() + b"2\r\nhi\r\n")
            await asyncio.sleep(0.05)
            connection.send(f"0\r\ncaller-objectid: {EVIL}\r\n\r\n".encode())
            assert (await connection.reply()).status == 200
        assert running.received("caller-objectid") == [SERVICE_PRINCIPAL]
        assert EVIL.encode() not in running.backend.received

    in_product(tmp_path, FORMS[0], scenario)


BAD_TOKENS: dict[str, Callable[[EntraEmulator], str | None]] = {
    "no token": lambda entra: None,
    "expired": lambda entra: entra.mint(lifetime_s=-1),
    "wrong audience": lambda entra: entra.mint(aud="api://other"),
    "wrong issuer": lambda entra: entra.mint(iss="https://login.microsoftonline.com/other/v2.0"),
    "bad signature": lambda entra: entra.mint(key=entra.foreign_key, header={"kid": entra.keys.active.kid}),
    "unknown key": lambda entra: entra.mint(key=entra.foreign_key),
    "unsigned": lambda entra: entra.mint_with("none"),
    "not a token": lambda entra: "abc",
}
REASONS = {
    "no token": "TokenNotPresent",
    "expired": "TokenExpired",
    "wrong audience": "TokenAudienceNotAllowed",
    "wrong issuer": "TokenIssuerNotAllowed",
    "bad signature": "TokenSignatureInvalid",
    "unknown key": "TokenSignatureKeyNotFound",
    "unsigned": "TokenSignatureInvalid",
    "not a token": "JwtInvalid",
}


@pytest.mark.parametrize("case", BAD_TOKENS)
def test_a_bad_token_is_refused(tmp_path: Path, case: str) -> None:
    """Status and message are the policy's, the log has APIM's reason, and the backend is not contacted."""

    async def scenario(running: Product) -> None:
        reply = await running.call("/orders/items/7", token=BAD_TOKENS[case](running.entra))
        assert reply.status == 401
        assert reply.body == b'{ "statusCode": 401, "message": "Token is invalid" }'
        assert running.backend.connections == 0

    with capture_logs() as lines:
        in_product(tmp_path, FORMS[0], scenario)
    refused = [line for line in lines if line["event"] == "refused"]
    assert [(line["source"], line["reason"]) for line in refused] == [("validate-jwt", REASONS[case])]


@pytest.mark.parametrize("case", BAD_TOKENS)
def test_the_first_request_gets_the_right_reason(tmp_path: Path, case: str) -> None:
    """A token that arrives before the issuer's keys waits for them, and is then refused for its own fault."""

    async def run() -> None:
        async with product(tmp_path, warm=False) as running:
            reply = await running.call("/orders/items/7", token=BAD_TOKENS[case](running.entra))
            assert reply.status == 401

    with capture_logs() as lines:
        asyncio.run(run())
    assert [line["reason"] for line in lines if line["event"] == "refused"] == [REASONS[case]]


def test_a_user_is_told_apart_by_oid(tmp_path: Path) -> None:
    """caller-objectid-oid.yaml sends a user's object id, which is not the subject."""

    async def scenario(running: Product) -> None:
        reply = await running.call("/orders/items/7", token=running.entra.mint(app_only=False))
        assert reply.status == 200
        assert running.received("caller-objectid") == [USER]

    in_product(tmp_path, "caller-objectid-oid.yaml", scenario)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nowhere"), ("GET", "/orders/nothing"), ("DELETE", "/orders/items/7")]
)
def test_what_is_not_declared_is_not_found(tmp_path: Path, method: str, path: str) -> None:
    """Unknown path and wrong method are both 404 with APIM's body, and the backend is not contacted."""

    async def scenario(running: Product) -> None:
        reply = await running.call(path, method=method, token=running.entra.mint())
        assert reply.status == 404
        assert reply.body == b'{ "statusCode": 404, "message": "Resource not found" }'
        assert running.backend.connections == 0

    in_product(tmp_path, FORMS[0], scenario)
