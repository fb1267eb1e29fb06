"""The examples of docs/graphql.md run as they stand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from gateway.assembly.app import build
from gateway.config import parse
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response
from tests.graphql.rig import backend, looped

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "graphql"
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def blocks(language: str) -> list[str]:
    """The blocks of the page in *language*."""
    page = (ROOT / "docs" / "graphql.md").read_text()
    return [text for kind, text in _BLOCK.findall(page) if kind == language]


def test_the_files_are_those_of_the_page() -> None:
    """What the page shows of a file is the whole file."""
    shown = {}
    for text in (*blocks("graphql"), *blocks("xml")):
        first, _, rest = text.partition("\n")
        shown[re.sub(r"[#<!> ]|--", "", first).rpartition("/")[2]] = rest
    assert shown == {file.name: file.read_text() for file in EXAMPLES.iterdir()}


async def ask(folder: Path, config: str, port: int, query: str) -> tuple[int, Any]:
    """Status and JSON of an answer of the gateway that *config* makes; *port* is that of what is behind it."""
    text = re.sub(r"127\.0\.0\.1:\d{4}", f"127.0.0.1:{port}", config)
    gateway = build(parse(text, "config.yaml", folder, {}))
    try:
        content = Body(json.dumps({"query": query}).encode())
        request = Request("POST", "/graphql", headers=Headers([("Content-Type", "application/json")]), body=content)
        answer = gateway.dispatcher.handle(request)
        response = answer if isinstance(answer, Response) else await answer
        if response.body.stream is not None:
            await response.body.buffer(1_000_000)
        return response.status_code, json.loads(response.body.content)
    finally:
        await gateway.aclose()


@looped
async def test_the_examples(tmp_path: Path) -> None:
    """The pass-through API refuses and removes as it says; the synthetic one answers from its REST service."""
    configs = blocks("yaml")
    assert len(configs) == 2

    def answers(line: str, body: bytes) -> object:
        users = [{"id": 1, "username": "ann"}]
        return users if line.startswith("GET") else {"data": {"asked": json.loads(body)["query"]}}

    async with backend(answers) as port:
        folder = tmp_path / "examples" / "graphql"
        folder.mkdir(parents=True)
        for file in EXAMPLES.iterdir():
            (folder / file.name).write_text(re.sub(r"127\.0\.0\.1:\d{4}", f"127.0.0.1:{port}", file.read_text()))
        status, answer = await ask(tmp_path, configs[0], port, "{users{id email}}")
        assert (status, answer["data"]["asked"].split()) == (200, "{ users { id } }".split())
        assert len(answer["errors"]) == 1
        assert (await ask(tmp_path, configs[0], port, "{__schema{types{name}}}"))[0] == 400
        assert (await ask(tmp_path, configs[0], port, "mutation{deleteUser(id:1)}"))[0] == 200
        expected = (200, {"data": {"users": [{"id": "1", "name": "ann"}]}})
        assert await ask(tmp_path, configs[1], port, "{users{id name}}") == expected
