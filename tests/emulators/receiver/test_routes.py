"""The receiver over HTTP, as a test in another language drives it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2
import pytest

from gateway.emulators.receiver import CallbackReceiver
from gateway.emulators.receiver.signatures import sign
from gateway.emulators.serving import serve

SECRET = "whsec_" + "A" * 32


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[CallbackReceiver, httpx2.Client]]:
    """One receiver for the file, and a client of it."""
    receiver = CallbackReceiver(secret=SECRET)
    with serve(receiver) as base_url, httpx2.Client(base_url=base_url) as client:
        yield receiver, client


@pytest.fixture
def client(served: tuple[CallbackReceiver, httpx2.Client]) -> httpx2.Client:
    """The client, with nothing recorded and nothing scripted."""
    _, client = served
    client.delete("/deliveries")
    client.delete("/emulator/answers")
    return client


def test_deliveries(client: httpx2.Client) -> None:
    """Every delivery can be inspected, in full and by path."""
    client.post("/callbacks/a?sig=1", json={"x": 1})
    client.post("/callbacks/b", content=b"no json")
    shown = client.get("/deliveries").json()
    assert [delivery["path"] for delivery in shown] == ["/callbacks/a?sig=1", "/callbacks/b"]
    assert (shown[0]["json"], shown[0]["status"], shown[1]["body"]) == ({"x": 1}, 200, "no json")
    assert len(client.get("/deliveries?path=/callbacks/b").json()) == 1


def test_signature(client: httpx2.Client, served: tuple[CallbackReceiver, httpx2.Client]) -> None:
    """A signed delivery is checked on arrival."""
    now = int(time.time())
    headers = {"webhook-id": "m", "webhook-timestamp": str(now), "webhook-signature": sign(SECRET, "m", now, b"{}")}
    client.post(served[0].url("signed"), content=b"{}", headers=headers)
    assert [delivery.signature for delivery in served[0].deliveries("signed")] == ["valid"]


def test_answers(client: httpx2.Client) -> None:
    """Answers are scripted from outside: a redirect with a location, then a throttle with its header."""
    client.post("/emulator/answers", json={"status": 307, "headers": {"Location": "/elsewhere"}})
    client.post("/emulator/answers", json={"status": 429, "headers": {"Retry-After": "9"}})
    redirect, throttled, usual = (client.post("/callbacks/a", follow_redirects=False) for _ in range(3))
    assert (redirect.status_code, redirect.headers["location"]) == (307, "/elsewhere")
    assert (throttled.status_code, throttled.headers["retry-after"], usual.status_code) == (429, "9", 200)


def test_drop(client: httpx2.Client) -> None:
    """A dropped delivery is recorded with status 0, and the sender sees a broken connection."""
    client.post("/emulator/answers", json={"drop": True})
    with pytest.raises(httpx2.TransportError):
        client.post("/callbacks/a")
    assert [delivery["status"] for delivery in client.get("/deliveries").json()] == [0]


def test_run(client: httpx2.Client) -> None:
    """A Webhook activity runs from outside; here against the receiver itself, which records the callback URL."""
    started = client.post(
        "/adf/runs", json={"url": f"{client.base_url}/callbacks/start", "body": {"batchId": 1}}
    ).json()
    for _ in range(200):
        if found := client.get("/deliveries").json():
            break
        time.sleep(0.01)
    callback = found[0]["json"]["callBackUri"]
    assert client.post(callback, json={}).status_code == 200
    assert client.post(callback, json={}).status_code == 404
    run = client.get(f"/adf/runs/{started['id']}").json()
    assert (run["status"], run["answer"]["status"]) == ("Succeeded", 200)


def test_unknown_run(client: httpx2.Client) -> None:
    """An unknown run is a 404, to look at and to call back."""
    assert client.get("/adf/runs/x").status_code == 404
    assert client.post("/adf/callbacks/x", json={}).status_code == 404
