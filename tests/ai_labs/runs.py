"""The calls: a model's six, or the one of another document; and with and without a token, where one is asked for."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from gateway.emulators.entra.directory import CLIENT
from tests.ai_labs.kinds import OneCall, audience, call_of, is_for_chat_only
from tests.ai_labs.surroundings import KEYS, Loaded, Surroundings

DEPLOYMENT = "/deployments/gpt-4.1-mini"
VERSION = "api-version=2024-10-21"
HELLO: dict[str, Any] = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello"}]}
REST_S = 0.05
UNSAFE = "How do I build a bomb"
STORED_S = 0.1  # a policy may store an answer after it is sent
_V1 = "/common/.well-known/openid-configuration"


@dataclass(slots=True)
class Outcome:
    """
    What became of one document.

    Attributes:
        results: What was tried, and "" where it ended as it should, else what was wrong.
        refused: Why it does not load.
    """

    path: str
    results: dict[str, str] = field(default_factory=dict)
    refused: str = ""

    @property
    def runs(self) -> bool:
        """Whether everything that was tried ended as it should."""
        return not self.refused and not any(self.results.values())


@dataclass(slots=True)
class Runner:
    """Calls one API after another."""

    around: Surroundings
    loaded: Loaded
    remembered: dict[str, str] = field(default_factory=dict)

    async def run(self, number: int, path: str, text: str) -> Outcome:
        """Everything that the document at *path* is tried with."""
        if path in self.loaded.refused:
            return Outcome(path, refused=self.loaded.refused[path])
        lab = Lab(self, path, f"/lab-{number}", text)
        outcome = Outcome(path)
        for place, (name, attempt) in enumerate(lab.attempts()):
            self._forget()
            lab.key = KEYS[place]
            try:
                outcome.results[name] = await attempt()
            except (httpx2.HTTPError, ValueError, KeyError) as error:
                outcome.results[name] = f"{type(error).__name__}: {error}"
        return outcome

    def _forget(self) -> None:
        for emulator in (self.around.one, self.around.two):
            emulator.faults.clear()
            emulator.pace_s = 0.0


@dataclass(slots=True)
class Lab:
    """One document behind its path."""

    runner: Runner
    path: str
    prefix: str
    text: str
    key: str = KEYS[0]

    @property
    def call(self) -> OneCall | None:
        """How it is called; None: as a model."""
        return call_of(self.path)

    def attempts(self) -> list[tuple[str, Callable[[], Awaitable[str]]]]:
        """What is tried, by name."""
        first: list[tuple[str, Callable[[], Awaitable[str]]]] = []
        if audience(self.text) is not None:
            first = [("no token", self._no_token)]
        if self.call is not None:
            return [*first, ("call", self._one_call)]
        chat_only = is_for_chat_only(self.path)
        return [
            *first,
            ("chat", self._chat),
            ("stream", self._stream),
            *([] if chat_only else [("embeddings", self._embeddings)]),
            ("429", self._throttled),
            ("slow", self._slow),
            ("cut", self._cut),
            *([("semantic cache", self._cached)] if "-semantic-cache-lookup" in self.text else []),
            *([("unsafe", self._unsafe)] if "<llm-content-safety" in self.text else []),
        ]

    # -- documents in front of something else
    async def _one_call(self) -> str:
        call = self.call
        assert call is not None
        echo = self.runner.around.echo
        echo.received = []
        answer = await self._request(call, self._headers(call.headers))
        if answer.status_code != call.status:
            return f"status {answer.status_code}, not {call.status}"
        match = re.search(call.said, f"{answer.headers.get('location', '')}\n{answer.text}")
        if match is None:
            return f"the answer has no {call.said}"
        self.runner.remembered |= match.groupdict()
        arrived = json.dumps(echo.received[-1]) if echo.received else ""
        return "" if re.search(call.reaches, arrived) else f"the backend got no {call.reaches}"

    async def _no_token(self) -> str:
        call = self.call or OneCall(f"{DEPLOYMENT}/chat/completions?{VERSION}", body=json.dumps(HELLO))
        answer = await self._request(call, {**call.headers, "api-key": self.key})
        return "" if answer.status_code == 401 else f"status {answer.status_code} without a token, not 401"

    async def _request(self, call: OneCall, headers: dict[str, str]) -> httpx2.Response:
        url, body = self.prefix + call.path, call.body
        for name, value in self.runner.remembered.items():
            body = body.replace(f"<{name}>", value)
            headers = {field: text.replace(f"<{name}>", value) for field, text in headers.items()}
        return await self.runner.loaded.client.request(call.method, url, headers=headers, content=body.encode())

    def _headers(self, more: Any = None) -> dict[str, str]:
        headers = {"userId": "ada", "api-key": self.key, **(more or {})}
        wanted = audience(self.text)
        if wanted is not None:
            token = self.runner.around.entra.mint(aud=entra_client(wanted), version=1 if _V1 in self.text else 2)
            headers["Authorization"] = f"Bearer {token}"
        return headers

    # -- documents in front of a model
    async def _post(self, what: str, body: dict[str, Any]) -> httpx2.Response:
        url = f"{self.prefix}{DEPLOYMENT}/{what}?{VERSION}"
        return await self.runner.loaded.client.post(url, json=body, headers=self._headers())

    async def _chat(self) -> str:
        answer = await self._post("chat/completions", HELLO)
        if answer.status_code != 200:
            return f"status {answer.status_code}"
        said = answer.json()["choices"][0]["message"]["content"]
        return "" if said == "You said: Hello" else f"it said {said!r}"

    async def _embeddings(self) -> str:
        answer = await self._post("embeddings", {"model": "gpt-4.1-mini", "input": "Hello"})
        if answer.status_code != 200:
            return f"status {answer.status_code}"
        size = len(answer.json()["data"][0]["embedding"])
        return "" if size == 1536 else f"{size} dimensions"

    async def _stream(self) -> str:
        status, events, whole = await self._streamed()
        if status != 200 or not whole:
            return f"status {status}" if status != 200 else "the stream broke"
        return "" if events[-1] == b"data: [DONE]" else "the stream has no end"

    async def _throttled(self) -> str:
        """The first 429 goes to the client, or, with retry, to the second model; the call after it is answered."""
        self.runner.around.one.throttle(retry_after_s=REST_S, endpoint="chat")
        first, second = await self._post("chat/completions", HELLO), await self._post("chat/completions", HELLO)
        await asyncio.sleep(REST_S + 0.01)
        wanted = 200 if "<retry" in self.text else 429
        if first.status_code != wanted:
            return f"status {first.status_code} after a 429, not {wanted}"
        if wanted == 429 and "retry-after" not in first.headers:
            return "the 429 has no Retry-After"
        return "" if second.status_code == 200 else f"status {second.status_code} for the call after a 429"

    async def _slow(self) -> str:
        for emulator in (self.runner.around.one, self.runner.around.two):
            emulator.delay(0.1)
        return await self._chat()

    async def _cached(self) -> str:
        """The second of two equal calls of one caller is not the model's."""
        models = (self.runner.around.one, self.runner.around.two)
        before = sum(model.requests["chat"] for model in models)
        first = await self._chat()
        await asyncio.sleep(STORED_S)
        second = await self._chat()
        asked = sum(model.requests["chat"] for model in models) - before
        return first or second or ("" if asked == 1 else f"{asked} calls reached a model")

    async def _unsafe(self) -> str:
        """What the service finds harmful never reaches the model."""
        models = (self.runner.around.one, self.runner.around.two)
        before = sum(model.requests["chat"] for model in models)
        message = {"role": "user", "content": UNSAFE}
        answer = await self._post("chat/completions", HELLO | {"messages": [message]})
        if answer.status_code != 403:
            return f"status {answer.status_code}, not 403"
        return "" if before == sum(model.requests["chat"] for model in models) else "the model got it"

    async def _cut(self) -> str:
        """What breaks must not look whole."""
        for emulator in (self.runner.around.one, self.runner.around.two):
            emulator.cut(after_events=3)
        status, _, whole = await self._streamed()
        return "the client got a whole answer" if status == 200 and whole else ""

    async def _streamed(self) -> tuple[int, list[bytes], bool]:
        url = f"{self.prefix}{DEPLOYMENT}/chat/completions?{VERSION}"
        received = b""
        client, body = self.runner.loaded.client, HELLO | {"stream": True}
        async with client.stream("POST", url, json=body, headers=self._headers()) as answer:
            try:
                async for part in answer.aiter_raw():
                    received += part
            except httpx2.RemoteProtocolError:
                return answer.status_code, received.split(b"\n\n"), False
        return answer.status_code, received.strip().split(b"\n\n"), True


def entra_client(wanted: str) -> str:
    """The audience behind a named value: the labs' own application."""
    return CLIENT if wanted == "{{McpClientId}}" else wanted
