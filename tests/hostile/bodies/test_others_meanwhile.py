"""Requests that cost as much as one may: other clients are answered while each is worked on."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from gateway.wire.messages import Request, Response
from tests.hostile.wire.test_fair_loop import GET, LONGEST_S
from tests.hostile.wire.turns import flood, watched_turns
from tests.policies.bench import Bench, new_context
from tests.speed import on_this_machine
from tests.wire.rig import Answerer, ask, serving


# Bodies are made by the test that sends them: each worker reads this file, and one of them runs the tests.
def _rows() -> bytes:
    return json.dumps([{"id": number, "name": f"n{number}", "tags": ["a", "b"]} for number in range(30_000)]).encode()


def _numbers() -> bytes:
    return json.dumps(list(range(100_000))).encode()


def _elements() -> bytes:
    return b"<a>" + b"".join(b'<b c="%d">%d</b>' % (number, number) for number in range(30_000)) + b"</a>"


def _words() -> bytes:
    return " ".join(random.Random(1).choices(["alpha", "beta", "gamma", "delta"], k=1_500_000)).encode()


def _compressed_words() -> bytes:
    return gzip.compress(_words(), 9)


def _words_to_replace() -> bytes:
    return _words() + b"a" * 1_000_000


@dataclass(frozen=True)
class Attack:
    """A policy, and the body that makes it work longest; *schemas* as the configuration has them."""

    policies: str
    body: bytes | Callable[[], bytes]
    kind: str = "application/json"
    coding: str = ""
    schemas: dict[str, bytes] = field(default_factory=dict)

    @property
    def request(self) -> bytes:
        """As it is sent."""
        body = self.body if isinstance(self.body, bytes) else self.body()
        coding = f"Content-Encoding: {self.coding}\r\n" if self.coding else ""
        head = f"POST /hit HTTP/1.1\r\nHost: h\r\nContent-Type: {self.kind}\r\n{coding}"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _set(expression: str) -> str:
    return f'<set-variable name="x" value="{expression.replace("<", "&lt;").replace(chr(34), "&quot;")}"/>'


def _liquid(template: str) -> str:
    return f'<set-body template="liquid">{template}</set-body>'


BODY = "context.Request.Body.As<{}>(true)"
VALIDATE = (
    '<validate-content unspecified-content-type-action="prevent" max-size="9000000" size-exceeded-action="prevent">'
    '<content type="application/json" validate-as="json" action="prevent" schema-id="s"/></validate-content>'
)
ATTACKS = {
    "reads and writes JSON": Attack(_set(f"@({BODY.format('JToken')}.ToString().Length)"), _rows),
    "reads XML": Attack(_set(f"@({BODY.format('XElement')}.ToString().Length)"), _elements, "text/xml"),
    "loops": Attack(_set("@{ int n = 0; while (true) n++; return n; }"), b""),
    "a pattern that backtracks": Attack(
        _set(f'@(Regex.IsMatch({BODY.format("string")}, "(a|aa)+$"))'), b"a" * 60 + b"!"
    ),
    "sorts": Attack(_set(f"@({BODY.format('JArray')}.OrderBy(i => -(int)i).Count())"), _numbers),
    "upper case": Attack(_set(f"@({BODY.format('string')}.ToUpper().Length)"), "éß".encode() * 600_000),
    "gzip": Attack(_set(f"@({BODY.format('string')}.Length)"), _compressed_words, coding="gzip"),
    "find and replace": Attack('<find-and-replace from="a" to="bb"/>', _words_to_replace),
    "JSON to XML": Attack('<json-to-xml apply="always" consider-accept-header="false"/>', _numbers),
    "XML to JSON": Attack(
        '<xml-to-json kind="direct" apply="always" consider-accept-header="false"/>', _elements, "text/xml"
    ),
    "a template over a large body": Attack(_liquid("{% for row in body %}{{ row.name }}{% endfor %}"), _rows),
    "a template over a range": Attack(
        _liquid("{% for i in (1..body.n) %}{{ i | Plus: 1 }}{% endfor %}"), b'{"n": 90000}'
    ),
    "a schema over a large body": Attack(VALIDATE, _rows, schemas={"s": b'{"uniqueItems": true}'}),
    "a schema over a small body": Attack(
        VALIDATE,
        b'{"a":' * 40 + b"2" + b"}" * 40,
        schemas={
            "s": json.dumps(
                {
                    "anyOf": [
                        {"properties": {"a": {"$ref": "#"}}, "required": ["a"], "minProperties": 1},
                        {"properties": {"a": {"$ref": "#"}}, "required": ["a"], "maxProperties": 9},
                    ]
                }
            ).encode()
        },
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_others_are_answered_meanwhile(bench: Bench, name: str) -> None:
    """While one client sends nothing but such requests, no turn of the loop takes long and others get their answers."""
    attack, sent = ATTACKS[name], ATTACKS[name].request
    pipeline = bench.use(schemas=attack.schemas).compile(attack.policies)

    def respond(request: Request) -> Response | asyncio.Future[Response]:
        return pipeline.execute(new_context(request)) if request.path == "/hit" else Response(404)  # type: ignore[return-value]

    async def scenario() -> None:
        answered = 0
        async with serving(Answerer(respond)) as server:
            await ask(server.port, sent, "POST")  # starts the workers and compiles what waits for a request
            over = asyncio.Event()
            running = asyncio.create_task(flood(server.port, sent * 20, over.is_set))
            async with watched_turns() as turns:
                end = (
                    time.thread_time() + 0.5
                )  # of the one thread that all of this shares, however loaded the machine is
                while time.thread_time() < end:
                    await ask(server.port, GET)
                    answered += 1
            over.set()
            await running
        assert turns.longest_s < on_this_machine(LONGEST_S)
        assert answered >= 5

    asyncio.run(scenario())
