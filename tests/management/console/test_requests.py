"""The pages of requests: found by what one knows of them, explained in words, followed while the page is open."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gateway.management.console.requests_page import again, shown
from gateway.management.console.words import words
from gateway.telemetry.requests.record import RecordedCaller, RequestOutcome, RequestRecord
from tests.acceptance.rig import Product
from tests.management.console.rig import look, text_of
from tests.management.console.test_pages import visit


def record(**changes: Any) -> dict[str, Any]:
    """A refused request's record, as JSON has it."""
    facts: dict[str, Any] = {
        "outcome": RequestOutcome.REFUSED,
        "api": "orders",
        "status": 401,
        "source": "validate-jwt",
        "reason": "TokenAudienceNotAllowed",
        "expected": ["api://orders"],
        "found": ["api://other"],
        "place": "policies/a.xml:7",
        "elapsed_ms": 12.0,
        "caller": RecordedCaller(
            object_id="o-1", claims={"iss": "https://i.example", "roles": ["a", "b"]}, verified=True
        ),
    }
    return dict(RequestRecord("id-1", 1e9, "GET", "/orders/1", **{**facts, **changes}).as_json())


def test_the_list_and_each_request(tmp_path: Path) -> None:
    """Refusals are listed, found by their facts, and each page says why and what was asked; unknown ones are 404."""

    async def look_around(running: Product) -> None:
        everything = text_of((await look(running.gateway, "/console/requests")).text)
        for part in (
            "GET /evil/token",
            "TokenSignatureInvalid validate-jwt",
            "BackendConnectionFailure",
            "OperationNotFound",
        ):
            assert part in everything
        page = (await look(running.gateway, "/console/requests?reason=TokenSignatureInvalid&status=4xx")).text
        links = re.findall(r'href="(/console/requests/[^"]+)"', page)
        assert len(links) == 1
        one = text_of((await look(running.gateway, links[0])).text)
        assert "Policy validate-jwt operation inbound Reason TokenSignatureInvalid" in one
        assert re.search(r"Place \S+caller-objectid.xml:\d+", one)
        assert "caller-objectid" in one
        assert "No request that is kept fits" in text_of(
            (await look(running.gateway, "/console/requests?api=none")).text
        )
        assert "status is a number" in text_of((await look(running.gateway, "/console/requests?status=<b>")).text)
        assert (await look(running.gateway, "/console/requests/none")).status_code == 404

    visit(tmp_path, look_around)


# changes → what the page says
SAID: list[tuple[dict[str, Any], str]] = [
    ({}, "401 The token's audience is api://other, and api://orders is accepted here. Request"),
    ({}, "Expected api://orders Found api://other"),
    ({}, "Object id o-1 Token verified iss https://i.example roles a , b"),
    ({"caller": RecordedCaller(verified=False)}, "Token not verified: anybody can write this"),
    ({"status": None, "outcome": RequestOutcome.LEFT, "reason": "ClientConnectionFailure"}, "left "),
    ({"outcome": RequestOutcome.ANSWERED, "status": 200, "reason": ""}, "200 The request was answered with 200."),
    ({"trace": "gone"}, "Its trace is no longer kept."),
    ({}, "Its steps were not kept."),
    ({"reason": "Unheard", "detail": "So it is.", "expected": None, "found": None}, "401 So it is."),
]


@pytest.mark.parametrize(("changes", "said"), SAID)
def test_one_request(changes: dict[str, Any], said: str) -> None:
    """The first sentence says what was expected and what was found; the rest is there to be compared."""
    assert said in text_of("".join(shown(record(**changes), None)))


@pytest.mark.parametrize("value", ["<img src=x>", ["<b>"], {"<i>": "<u>"}])
def test_what_a_caller_has_sent_is_text(value: Any) -> None:
    """Paths, claims and values of the record become no mark-up."""
    hostile = record(found=value, detail="<b>", caller=RecordedCaller(claims={"sub": "<script>"}))
    assert not re.search(r"<(img|b|i|u|script)\b", "".join(shown({**hostile, "path": "/<b>", "api": "<i>"}, None)))


def test_words_of_a_claim() -> None:
    """What a claim must be is named with the claim."""
    said = words(record(reason="TokenClaimNotFound", expected={"claim": "roles", "values": ["Reader"]}, found=None))
    assert said[0] == "The token has no claim roles, which is required here with the value Reader."


def test_nothing_is_made_up() -> None:
    """Where neither side is known the message is repeated, and nothing is called missing."""
    said = words(record(expected=None, found=None, detail="Audience validation failed. Access denied."))
    assert said[0] == "Audience validation failed. Access denied."


def test_try_again() -> None:
    """The same request can be sent again: its method and path are filled in, and nothing secret is in the address."""
    assert again(record()) == "/console/try?method=GET&path=%2Forders%2F1"
