"""RFC 9113 and RFC 7541, row by row, against a gateway that runs."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from tests.wire.server.http2.listener import gateway
from tests.wire.server.http2.recorder import recording
from tests.wire.server.http2.runner import NEEDLESS, Outcome, run
from tests.wire.server.http2.tables import NOT_OURS, ROWS
from tests.wire.server.test_serve import Files

# Of connection errors one is enough: TLS cannot be closed in one direction, so the gateway waits for the client.
_FATAL = "connection "
OVER_TLS = [
    row for row in ROWS if row.section in ("§4.1", "§6.7", "§8.1", "§8.2.2") and not row.right[0].startswith(_FATAL)
] + [row for row in ROWS if row.what == "PING of 7 octets"]


async def _outcomes(folder: Path) -> tuple[dict[str, Outcome], dict[str, Outcome]]:
    files = Files(folder)
    context = ssl.create_default_context(cafile=files.ca)
    context.set_alpn_protocols(["h2"])
    async with (
        recording() as recorder,
        gateway(folder, recorder.port) as clear,
        gateway(folder, recorder.port, tls=files.listener) as secure,
    ):
        plain = {row.name: await run(row, clear.port, recorder) for row in ROWS}
        return plain, {row.name: await run(row, secure.port, recorder, context) for row in OVER_TLS}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Outcome], dict[str, Outcome]]:
    """What becomes of each row, in the clear and over TLS."""
    return asyncio.run(_outcomes(tmp_path_factory.mktemp("rows")))


@pytest.mark.parametrize("name", [row.name for row in ROWS])
def test_a_row(outcomes: tuple[dict[str, Outcome], dict[str, Outcome]], name: str) -> None:
    """The gateway does what the row demands, and every frame that it sends is lawful."""
    row = next(row for row in ROWS if row.name == name)
    outcome = outcomes[0][name]
    assert outcome == NEEDLESS or outcome.word in row.right
    assert outcome.checked


def test_the_same_over_tls(outcomes: tuple[dict[str, Outcome], dict[str, Outcome]]) -> None:
    """TLS changes nothing about what a frame means."""
    plain, secure = outcomes
    assert {name: plain[name] for name in secure} == secure


def test_few_rows_are_needless(outcomes: tuple[dict[str, Outcome], dict[str, Outcome]]) -> None:
    """Only a shrunken table is nothing that the gateway announces."""
    assert [name for name, outcome in outcomes[0].items() if outcome == NEEDLESS] == [
        "§4.3.1 no size update after the server's table shrank"
    ]


def test_rows_have_names_of_their_own() -> None:
    """No row is hidden behind another with the same name, and each demand without a row says why."""
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    assert all(demand.reason for demand in NOT_OURS)
