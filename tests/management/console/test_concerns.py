"""The headline's conditions: what is wrong is named, with the moment since when, and nothing else is."""

from __future__ import annotations

import pytest

from gateway.management.backends import BackendState
from gateway.management.console import concerns
from gateway.management.console.concerns import FirstSeen
from gateway.management.console.history import ApiSlice, Sample
from gateway.management.console.overview_page import headline, troubles
from gateway.management.console.state import Concern, IssuerState
from gateway.management.health import Status
from tests.management.console.rig import text_of


def issuer(ready: bool, error: str) -> IssuerState:
    return IssuerState("https://i.example", None, ready, 2, 0, 7200.0, error)


@pytest.mark.parametrize(
    ("ready", "error", "kind", "said"),
    [
        (True, "", None, ""),
        (False, "refused.", "bad", "no keys: its tokens get 503. refused"),
        (True, "timed out", "warn", "timed out; the keys of 2h ago are still used"),
    ],
)
def test_issuers(ready: bool, error: str, kind: str | None, said: str) -> None:
    """An issuer that fails is a concern even while its old keys still serve."""
    named = [(concern.kind, concern.detail) for concern in concerns.of_issuers([issuer(ready, error)])]
    assert named == ([] if kind is None else [(kind, said)])


@pytest.mark.parametrize(("open_for_s", "number"), [(None, 0), (0.0, 0), (3.2, 1)])
def test_circuits(open_for_s: float | None, number: int) -> None:
    """An open circuit is one, with the seconds that are left."""
    noted = list(concerns.of_backends([BackendState("orders", "http", open_for_s=open_for_s)]))
    assert len(noted) == number
    assert all("503 for 4 s more" in concern.detail for concern in noted)


def test_since_when() -> None:
    """A condition keeps its first moment until it is over; when it comes back it is a new one."""
    seen, one = FirstSeen(), Concern("bad", "backend a", "open for 9 s")
    assert seen.dated("x", [one], 10.0)[0].since == 10.0
    assert seen.dated("y", [], 15.0) == ()
    assert seen.dated("x", [Concern("bad", "backend a", "open for 2 s")], 20.0)[0].since == 10.0
    assert seen.dated("x", [], 30.0) == ()
    assert seen.dated("x", [one], 40.0)[0].since == 40.0


def samples(*errors: int | None) -> list[Sample]:
    """Slots of 100 requests with so many 5xx each; None: no requests."""
    return [
        Sample(slot, 0, 0, 0, ())
        if number is None
        else Sample(slot, 100, number, 0, (), (ApiSlice("a", 50, number), ApiSlice("b", 50, 0)))
        for slot, number in enumerate(errors)
    ]


@pytest.mark.parametrize(
    ("errors", "kind", "since"),
    [
        ((0,) * 8, None, None),
        ((9, 0, 0, 0, 0, 0, 0, 0), None, None),
        ((0, 0, 0, 0, 0, 0, 0, 6), "warn", 70.0),
        ((0, 0, 5, None, 5, 9, 9, 9), "bad", 20.0),
        ((0, 0, 5, 0, 5, 9, 9, 9), "bad", 20.0),
        ((5, 0, 5, 5, 5, 9, 9, 9), "bad", 20.0),
    ],
)
def test_5xx(errors: tuple[int | None, ...], kind: str | None, since: float | None) -> None:
    """The last minute's share of 5xx is a concern from the first one on, a failure from 5 %, dated by its row."""
    concern = concerns.of_answers(samples(*errors))
    assert (concern and concern.kind, concern and concern.since) == (kind, since)
    assert concern is None or "most of them from API a" in concern.detail


def test_a_reload_that_failed_is_in_the_headline() -> None:
    """A configuration that has not taken over is named on the first page, with its mistake."""
    status = Status(True, "the configuration of 10:00 has not taken over: config.yaml:3 bad-id", concern=True)
    noted = troubles({}, {"reload": status}, samples(0))
    assert [(concern.kind, concern.what) for concern in noted] == [("bad", "reload")]
    assert "failing 1 thing needs attention. reload : the configuration of 10:00 has not" in text_of(headline(noted, 0))


def test_parts_of_a_report() -> None:
    """What is not ready is a failure, and what is only worth a look a warning."""
    report = {
        "ready": False,
        "issuers": {"https://i": {"ready": False, "detail": "said elsewhere"}},
        "notifications": {
            "engine": {"ready": False, "detail": "no store"},
            "callbacks": {"ready": True, "detail": "open circuits: a.test", "concern": True},
            "d365": {"ready": True, "detail": ""},
        },
    }
    assert [(concern.kind, concern.what) for concern in concerns.of_report(report)] == [
        ("bad", "engine"),
        ("warn", "callbacks"),
    ]
