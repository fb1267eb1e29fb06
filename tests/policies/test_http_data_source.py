"""http-data-source: the call that it makes, and what its answer becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import LoadError
from tests.graphql.rig import Rig, backend, looped
from tests.policies.bench import Bench, get

NULL = "@(context.Response.StatusCode == 404 ? null : &quot;&quot;)"


def rig_of(folder: Path, port: int, request: str = "", rest: str = "") -> Rig:
    """A gateway whose field ``Query.user`` has this source."""
    rig = Rig(folder, target="")
    url = f"<set-url>http://127.0.0.1:{port}/x</set-url>"
    rig.files["u.xml"] = f"<http-data-source><http-request>{request}{url}</http-request>{rest}</http-data-source>"
    rig.settings = "resolvers: [{type: Query, field: user, policy: u.xml}]"
    return rig


@pytest.mark.parametrize(
    ("request_", "seen"),
    [
        ("", "GET /x|"),
        (
            "<set-method>PUT</set-method><set-body>@(context.GraphQL.Arguments.ToString())</set-body>",
            'PUT /x|{"id":"5"}',
        ),
        ('<set-method>POST</set-method><set-body template="liquid">{{body.arguments.id}}</set-body>', "POST /x|5"),
    ],
)
@looped
async def test_calls(tmp_path: Path, request_: str, seen: str) -> None:
    """Method and body come from the document; nothing of the client's request goes along by itself."""
    calls: list[str] = []

    def answer(line: str, body: bytes) -> object:
        calls.append(f"{line}|{''.join(body.decode().split())}")
        return {"id": 1}

    async with backend(answer) as port:
        assert await rig_of(tmp_path, port, request_).ask("{user(id:5){id}}") == [
            (200, {"data": {"user": {"id": "1"}}})
        ]
    assert calls == [seen]


@pytest.mark.parametrize(
    ("status", "response", "value"),
    [
        (200, "", {"id": "1"}),
        (404, "", None),
        (404, f"<http-response><set-body>{NULL}</set-body></http-response>", None),
        (500, '<http-response><set-body>{"id": "instead"}</set-body></http-response>', {"id": "instead"}),
    ],
)  # fmt: skip
@looped
async def test_error_statuses(tmp_path: Path, status: int, response: str, value: object) -> None:
    """Without http-response an error status is an error of the field; with one, what it makes of the answer counts."""
    async with backend(lambda line, body: (status, b'{"id": 1}')) as port:
        ((_, answer),) = await rig_of(tmp_path, port, "", response).ask("{user(id:5){id}}")
    assert answer["data"] == {"user": value}
    assert ("errors" in answer) is (status >= 400 and not response)


@looped
async def test_the_time_for_the_call(tmp_path: Path) -> None:
    """forward-request in the document limits the call."""
    rest = '<backend><forward-request timeout="0.05" /></backend>'
    async with backend(lambda line, body: (200, b"{}")) as port:
        rig = rig_of(tmp_path, port, "", rest)
        rig.files["u.xml"] = rig.files["u.xml"].replace(f"127.0.0.1:{port}", "192.0.2.1")
        ((status, answer),) = await rig.ask("{user(id:5){id}}")
    assert (status, answer["data"]) == (200, {"user": None})


def test_it_is_no_policy_of_a_section(bench: Bench) -> None:
    """It stands in a resolver, nowhere else."""
    source = "<http-data-source><http-request><set-url>http://a/</set-url></http-request></http-data-source>"
    with pytest.raises(LoadError, match="wrong-section"):
        bench.run(f"<backend>{source}</backend>", get("/"))
