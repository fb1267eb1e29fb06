"""The token inspector: claims in words, a verdict for each route, and nothing of the token anywhere else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest
import structlog.testing

from gateway.management.console.token_page import content
from tests.acceptance.rig import Product, product
from tests.management.console.acting import NO_ACTIONS, Visitor, visit
from tests.management.console.rig import text_of


async def inspected(running: Product, token: str, **fields: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(running.gateway.management)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8081") as client:
        return await client.post("/console/token", data={"token": token}, headers=fields)


def test_what_it_says(tmp_path: Path) -> None:
    """A good token passes, one with another audience is refused where tokens are checked, and why is said."""

    async def run() -> list[str]:
        async with product(tmp_path) as running:
            texts = []
            for token in (
                running.entra.mint(),
                f"Bearer {running.entra.mint(aud='api://other')}",
                "not-a-token",
                "<b>.x.y",
            ):
                with structlog.testing.capture_logs() as lines:
                    answer = await inspected(running, token)
                assert (answer.status_code, lines, "<b>" in answer.text) == (200, [], False)
                texts.append(text_of(answer.text))
            foreign = await inspected(running, "x", origin="http://evil.example")
            assert foreign.status_code == 403
            return texts

    good, other, broken, hostile = asyncio.run(run())
    assert "It passes all of the 2 routes that check a token." in good
    assert "GET /items/{id} passes – orders POST /items passes –" in good
    assert "GET /open no token needed" in good
    assert "aud audience: for whom it was made" in good
    assert " UTC, in " in good
    assert "It passes none of the 2 routes" in other
    assert "refused TokenAudienceNotAllowed validate-jwt" in other
    assert "audience failed" in other
    assert "api://other" in other
    assert "This is not a token. JWT is not well formed" in broken
    assert "This is not a token." in hostile


def test_a_form_of_this_login(tmp_path: Path) -> None:
    """Where people log in, the form needs its secret; actions need not be on, since nothing is changed."""

    async def look_around(visitor: Visitor, running: Product) -> None:
        await visitor.login()
        await visitor.get("/console/token")
        token = running.entra.mint()
        assert (await visitor.post("/console/token", {"token": token, "csrf": "x"})).status_code == 403
        page = await visitor.post("/console/token", {"token": token})
        assert "It passes the only route that checks a token." in text_of(page.text)

    visit(tmp_path, look_around, NO_ACTIONS)


@pytest.mark.parametrize("mints", [True, False])
def test_making_one(mints: bool) -> None:
    """Only where an emulator runs is there a button that makes a token."""
    assert ("Make one (demo)" in "".join(content(None, "", None, 0.0, mints))) == mints


def test_odd_claims() -> None:
    """Claims of every type and size of number are shown, none as mark-up."""
    claims = {"exp": 1e300, "nbf": "soon", "iat": -5, "x": {"a": [1]}, "<b>": None, "aud": ["a", "<i>"]}
    report = {"error": "", "header": {"alg": "RS256"}, "claims": claims, "routes": [], "left_out": 3}
    html = "".join(content(None, "", report, 0.0, False))
    assert "3 more were not judged" in html
    assert not any(mark in html for mark in ("<b>", "<i>"))
