"""A receiver of CloudEvents is asked before anything is delivered to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.lives import ends
from gateway.emulators.entra import EntraEmulator
from gateway.notifications.callbacks.classification import CallbackAnswer, Decision, Doubt, classify
from gateway.notifications.callbacks.consent import refusal
from gateway.notifications.settings import CallbackSettings
from tests.notifications.conftest import Running, d365_settings, fast_settings, running
from tests.notifications.receiver import Receiver, answer, drop

ORIGIN = "gateway.example.com"

ANSWERS = {
    "granted": (CallbackAnswer(200, allowed_origin=ORIGIN), None),
    "granted in another case": (CallbackAnswer(200, allowed_origin="Gateway.Example.COM"), None),
    "granted to all": (CallbackAnswer(204, allowed_origin="*"), None),
    "granted, whatever the status": (CallbackAnswer(405, allowed_origin="*"), None),
    "granted to somebody else": (CallbackAnswer(200, allowed_origin="eventgrid.azure.net"), Decision.PERMANENT),
    "granted to a suffix": (CallbackAnswer(200, allowed_origin="example.com"), Decision.PERMANENT),
    "no header": (CallbackAnswer(200), Decision.PERMANENT),
    "no such method": (CallbackAnswer(405), Decision.PERMANENT),
    "redirect": (CallbackAnswer(302), Decision.PERMANENT),
    "our own guard": (CallbackAnswer(error="url-refused"), Decision.PERMANENT),
    "out of order": (CallbackAnswer(503), Decision.RETRY),
    "too many": (CallbackAnswer(429, retry_after="9"), Decision.RETRY),
    "cut": (CallbackAnswer(error="remote-protocol", doubt=Doubt.POSSIBLE), Decision.RETRY),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_refusal(case: str) -> None:
    """Consent must name our origin or all; a consent request is never in doubt, because it delivers nothing."""
    found, decision = ANSWERS[case]
    refused = refusal(found, ORIGIN)
    assert (None if refused is None else classify(refused, False)) is decision
    assert refused is None or refused.doubt is Doubt.NONE


@pytest.mark.parametrize("origin", ["", "https://a.b", "a b", "a.b\r\nx: y", "-a.b", "a..b"])
def test_origin(origin: str) -> None:
    """The configured origin is a DNS name and cannot smuggle anything into a header."""
    with pytest.raises(ValueError, match="webhook-origin"):
        CallbackSettings(webhook_origin=origin)


@pytest.fixture(scope="module")
def asking(entra: EntraEmulator, d365: D365Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that has a name to ask with."""
    path: Path = tmp_path_factory.mktemp("store") / "notifications.db"
    settings = fast_settings(f"sqlite:///{path}", d365_settings(entra, d365))
    with running(
        settings.model_copy(update={"callbacks": settings.callbacks.model_copy(update={"webhook_origin": ORIGIN})})
    ) as found:
        yield found


def test_asked_first(asking: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """The consent request precedes the event, both with our origin; an interrupted one is repeated."""
    d365.script(701, ends("Finished", 1, 1))
    receiver.script("/701", drop(), answer(200, webhook_allowed_origin=ORIGIN))
    job = asking.create(receiver.url("/701"), 701, profile="cloudevents").json()
    asking.until(job["id"], "delivered")
    calls = receiver.received("/701")
    assert [call.method for call in calls] == ["OPTIONS", "OPTIONS", "POST"]
    assert {call.headers["webhook-request-origin"] for call in calls} == {ORIGIN}
    assert [call.body for call in calls[:2]] == [b"", b""]


def test_no_grant(asking: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """A receiver that does not grant gets nothing: a dead letter that says why."""
    d365.script(702, ends("Finished", 1, 1))
    job = asking.create(receiver.url("/702"), 702, profile="cloudevents").json()
    found = asking.until(job["id"], "dead")
    assert [attempt["error"] for attempt in found["attempts"]] == ["consent-refused"]
    assert [call.method for call in receiver.received("/702")] == ["OPTIONS"]


def test_others_are_not_asked(asking: Running, d365: D365Emulator, receiver: Receiver) -> None:
    """Data Factory and Logic Apps do not know consent requests; other profiles are delivered immediately."""
    d365.script(703, ends("Finished", 1, 1))
    job = asking.create(receiver.url("/703"), 703, profile="plain").json()
    asking.until(job["id"], "delivered")
    [call] = receiver.received("/703")
    assert (call.method, "webhook-request-origin" in call.headers) == ("POST", False)
