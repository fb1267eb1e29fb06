"""What the client library does not show: paths, fields, limits, and the control endpoints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import pytest

from gateway.emulators.faults import FaultPlan
from gateway.emulators.openai import OpenAIEmulator
from gateway.emulators.openai.quota import TokenQuota
from gateway.emulators.serving import serve

HELLO = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def served() -> Iterator[OpenAIEmulator]:
    emulator = OpenAIEmulator(deployments=["gpt-4o"])
    with serve(emulator):
        yield emulator


@pytest.fixture
def service(served: OpenAIEmulator) -> OpenAIEmulator:
    """The emulator, as if nothing had been asked or scripted yet."""
    served.name, served.clock, served.pace_s = "swedencentral", lambda: 1_800_000_000.0, 0.0
    served.quota, served.faults = TokenQuota(), FaultPlan()
    served.received.clear()
    return served


@pytest.fixture
def client(service: OpenAIEmulator) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=service.base_url, headers={"api-key": "k"}) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (CHAT, 200),
        ("/openai/v1/chat/completions", 200),
        ("/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", 200),
        ("/openai/deployments/gpt-4o/chat/completions", 404),
        ("/openai/deployments/other/chat/completions?api-version=2024-10-21", 404),
        ("/models/chat/completions?api-version=2024-05-01-preview", 200),
        ("/chat/completions", 200),
    ],
)
def test_paths(client: httpx2.Client, path: str, status: int) -> None:
    """The paths of OpenAI, Azure OpenAI and Foundry; Azure's need a version, and a deployment that exists."""
    answer = client.post(path, json=HELLO)
    assert answer.status_code == status
    assert answer.headers["x-ms-region"] == "swedencentral"
    assert ("prompt_filter_results" in answer.json()) == (status == 200 and path.startswith(("/openai/", "/models/")))


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (CHAT, b"", 400),
        (CHAT, b"[" * 50_000, 400),
        (CHAT, b'{"model": "gpt-4o"}', 400),
        (CHAT, b'{"model": "gpt-4o", "messages": "Hello"}', 400),
        (CHAT, b'{"model": 1, "messages": []}', 400),
        (CHAT, b'{"model": "gpt-5", "messages": []}', 404),
        (CHAT, json.dumps(HELLO | {"n": 1000}).encode(), 400),
        (CHAT, json.dumps(HELLO | {"max_tokens": "5"}).encode(), 400),
        (CHAT, json.dumps(HELLO | {"tools": [{"type": "function"}], "tool_choice": {}}).encode(), 200),
        ("/v1/responses", b'{"model": "gpt-4o", "input": []}', 400),
        ("/v1/completions", b'{"model": "gpt-4o", "prompt": 5}', 400),
        ("/v1/embeddings", b'{"model": "gpt-4o"}', 400),
    ],
)
def test_wrong_bodies(client: httpx2.Client, path: str, body: bytes, status: int) -> None:
    """A wrong body is refused in the form of the service, and never an accident."""
    answer = client.post(path, content=body)
    assert answer.status_code == status
    assert status == 200 or answer.json()["error"]["message"]


def test_no_key(client: httpx2.Client) -> None:
    """Without a key: 401."""
    assert httpx2.post(client.base_url.join(CHAT), json=HELLO).status_code == 401
    assert client.get("/v1/models", headers={"api-key": ""}).status_code == 401


def test_quota(service: OpenAIEmulator, client: httpx2.Client) -> None:
    """A deployment with a limit tells what is left of it, answers 429 when nothing is, and again after a minute."""
    service.quota.per_minute = 10
    first, second = client.post(CHAT, json=HELLO), client.post(CHAT, json=HELLO)
    assert (first.status_code, second.status_code) == (200, 429)
    assert first.headers["x-ratelimit-remaining-tokens"] == "0"
    assert (second.headers["retry-after"], second.headers["retry-after-ms"]) == ("60", "60000")
    service.clock = lambda: 1_800_000_060.0
    assert client.post(CHAT, json=HELLO).status_code == 200


@pytest.mark.parametrize(
    ("form", "seconds", "milliseconds"),
    [("both", "2", "2000"), ("seconds", "2", None), ("milliseconds", None, "2000"), ("none", None, None)],
)
def test_throttle(
    service: OpenAIEmulator, client: httpx2.Client, form: str, seconds: str | None, milliseconds: str | None
) -> None:
    """A 429 says in each of its forms when to come again."""
    service.throttle(retry_after_s=2, form=form)
    answer = client.post(CHAT, json=HELLO)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "429")
    assert (answer.headers.get("retry-after"), answer.headers.get("retry-after-ms")) == (seconds, milliseconds)


def test_throttle_until(service: OpenAIEmulator, client: httpx2.Client) -> None:
    """The date of a 429 is the clock's, later by what was asked; a form that does not exist is refused."""
    service.throttle(retry_after_s=30, form="date")
    answer = client.post(CHAT, json=HELLO)
    assert parsedate_to_datetime(answer.headers["retry-after"]).timestamp() == 1_800_000_030
    with pytest.raises(ValueError, match="known are both"):
        service.throttle(form="both?")


CONTROLS: list[tuple[str, dict[str, Any], int]] = [
    ("/emulator/throttle", {"times": 1, "retry_after_s": 5}, 429),
    ("/emulator/faults", {"status": 503, "endpoint": "chat"}, 503),
    ("/emulator/faults", {"status": 503, "endpoint": "embeddings"}, 200),
]


@pytest.mark.parametrize(("path", "document", "status"), CONTROLS, ids=["throttle", "fault", "elsewhere"])
def test_scripted_over_http(client: httpx2.Client, path: str, document: dict[str, Any], status: int) -> None:
    """Failures can be scripted over HTTP, for an endpoint or for all, and forgotten."""
    assert client.post(path, json=document).status_code == 200
    assert client.post(CHAT, json=HELLO).status_code == status
    client.request("DELETE", "/emulator/faults")
    assert client.post(CHAT, json=HELLO).status_code == 200


def test_control(service: OpenAIEmulator, client: httpx2.Client) -> None:
    """Answers and settings can be scripted over HTTP; a misspelt setting is refused."""
    client.post("/emulator/answers", json={"text": "Paris", "times": 1})
    assert client.post(CHAT, json=HELLO).json()["choices"][0]["message"]["content"] == "Paris"
    assert client.post("/emulator/settings", json={"pace_s": 0.001, "name": "b"}).status_code == 200
    assert (service.pace_s, service.name) == (0.001, "b")
    assert client.post("/emulator/settings", json={"pace": 1}).status_code == 400
    assert client.post("/emulator/throttle", json={"form": "?"}).status_code == 400
    assert client.get("/emulator").json()["requests"] == {"chat": 1}
    assert service.received[0]["path"] == CHAT


def test_pace(service: OpenAIEmulator, client: httpx2.Client) -> None:
    """A stream arrives event by event, each as late as was asked for."""
    service.pace_s = 0.01
    with client.stream("POST", CHAT, json=HELLO | {"stream": True}) as answer:
        parts = list(answer.iter_raw())
        assert answer.headers["content-type"].startswith("text/event-stream")
    assert len(parts) > 3
    assert parts[-1] == b"data: [DONE]\n\n"


def test_cut_whole_answer(service: OpenAIEmulator, client: httpx2.Client) -> None:
    """An answer that does not stream can be cut after its head."""
    service.cut(after_events=0)
    with pytest.raises(httpx2.RemoteProtocolError):
        client.post(CHAT, json=HELLO)
