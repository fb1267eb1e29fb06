"""What a claim, a status or a secret that nobody expected makes of an answer, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.emulators.entra.directory import SERVICE_PRINCIPAL
from tests.acceptance.rig import Product, product

REFUSE = """<policies><inbound>
  <validate-jwt header-name="Authorization" failed-validation-httpcode="@({code})">
    <openid-config url="{{{{my-openid-configuration-url}}}}" />
  </validate-jwt>
</inbound><backend><base /></backend></policies>"""


def in_product(directory: Path, policy: str, scenario: Callable[[Product], Awaitable[None]]) -> None:
    async def run() -> None:
        async with product(directory, policy) as running:
            await scenario(running)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("subject", "status", "values"),
    [
        (SERVICE_PRINCIPAL, 200, [SERVICE_PRINCIPAL]),
        (None, 200, []),
        ("", 200, []),
        (" ", 200, []),
        ("\t", 200, []),
        ("a\r\nadmin: 1", 500, []),
        ("a\x00", 500, []),
        ("a\x85", 500, []),
        ("\u202e", 500, []),
        ("\xe9", 500, []),
        (" a", 500, []),
        ("a ", 500, []),
        (7, 401, []),
        (["a"], 401, []),
    ],
    ids=(
        "usual missing empty blank tab line-end nul c1-control beyond-latin-1 latin-1 space-before space-behind"
        " number list"
    ).split(),
)
def test_a_subject_is_one_value_or_none(tmp_path: Path, subject: object, status: int, values: list[str]) -> None:
    """The backend never sees an empty or a split identity, and nothing at all of a refused request."""

    async def scenario(running: Product) -> None:
        reply = await running.call("/orders/items/7", "caller-objectid: evil", token=running.entra.mint(sub=subject))
        assert reply.status == status
        assert running.received("caller-objectid") == values
        assert bool(running.backend.received) == (status == 200)

    in_product(tmp_path, "caller-objectid.xml", scenario)


@pytest.mark.parametrize(("code", "status"), [(403, 403), (100, 500), (99, 500), (9999, 500), (-1, 500)])
def test_a_computed_status_is_a_final_one(tmp_path: Path, code: int, status: int) -> None:
    """A status that a final answer cannot have is our failure; the client is not left waiting for another answer."""
    document = tmp_path / "refuse.xml"
    document.write_text(REFUSE.format(code=code))

    async def scenario(running: Product) -> None:
        assert (await running.call("/orders/items/7")).status == status
        assert running.backend.received == b""

    in_product(tmp_path, str(document), scenario)
