"""Synthetic APIs: queries answered by resolvers, within bounds, and without anything of a backend in an error."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from time import thread_time

import pytest
from structlog.testing import capture_logs

from gateway.errors import LoadError
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Request
from tests.graphql.rig import Rig, backend, looped

USERS: list[object] = [{"id": 1, "username": "ann"}, {"id": 2, "username": "bob"}]


FIXED: dict[str, object] = {
    "/users": USERS,
    "/nested": {"friends": [{"friends": [{"friends": [{"id": 1, "name": "n"}] * 15}] * 15}] * 15},
    "/xml": (200, b"<user><id>7</id><name>x</name></user>"),
    "/big": [{"id": number, "name": "n"} for number in range(8000)],
    "/text": (200, b"plain, no JSON"),
    "/slow": (200, b""),
    "/broken": (500, b'{"secret": "db at 10.0.0.1"}'),
}


def source(url: str, request: str = "", response: str = "", more: str = "") -> str:
    """An http-data-source."""
    answer = f"<http-response>{response}</http-response>" if response else ""
    return (
        f"<http-data-source><http-request><set-method>GET</set-method><set-url>{url}</set-url>{request}"
        f"</http-request>{more}{answer}</http-data-source>"
    )


def answers(line: str, body: bytes) -> object:
    """The REST services behind the API."""
    method, _, path = line.partition(" ")
    if path.startswith("/friends/"):
        return [{"id": path.rpartition("/")[2] + "f", "name": "friend"}]
    if path == "/make":
        return {"id": 9, "name": json.loads(body)["name"], "method": method}
    return FIXED.get(path, {"id": path, "name": "echo"})


LIST = """<set-body template="liquid">[{% JSONArrayFor elem in body %}{"id": "{{elem.id}}", "name": "{{elem.username}}"}
{% endJSONArrayFor %}]</set-body>"""
MAKE = """<set-header name="Content-Type" exists-action="override"><value>application/json</value></set-header>
<set-body>@{ var args = context.Request.Body.As<JObject>(true)["arguments"]; JObject made = new JObject();
 made.Add("name", args["name"]); return made.ToString(); }</set-body>"""


def synthetic(folder: Path, port: int, settings: str = "", **sources: str) -> Rig:
    """A rig whose resolvers are *sources*, by ``Type_field``; HOST stands for the services."""
    rig = Rig(folder, target="")
    listed = []
    for name, text in sources.items():
        rig.files[f"{name}.xml"] = text.replace("HOST", f"http://127.0.0.1:{port}")
        type_, _, field = name.partition("_")
        listed.append(f"{{type: {type_}, field: {field}, policy: {name}.xml}}")
    rig.settings = f"resolvers: [{', '.join(listed)}]\n    {settings}"
    return rig


@pytest.mark.parametrize(
    ("sources", "query", "expected"),
    [
        ({"Query_users": source("HOST/users", response=LIST)}, "{users{id name}}",
         {"users": [{"id": "1", "name": "ann"}, {"id": "2", "name": "bob"}]}),
        ({"Query_user": source('@($"HOST/u/{context.GraphQL.Arguments["id"]}")')}, '{user(id:"5"){id name}}',
         {"user": {"id": "/u/5", "name": "echo"}}),
        ({"Query_user": source('@("HOST/u/" + context.Request.Body.As<JObject>(true)["arguments"]["id"])')},
         "query($i:ID!){a:user(id:$i){id} b:user(id:2){id}}", {"a": {"id": "/u/7"}, "b": {"id": "/u/2"}}),
        ({"Query_users": source("HOST/users"),
          "User_friends": source('@($"HOST/friends/{context.GraphQL.Parent["id"]}")')},
         "{users{id friends{id name}}}",
         {"users": [{"id": str(n), "friends": [{"id": f"{n}f", "name": "friend"}]} for n in (1, 2)]}),
        ({"Query_users": source("HOST/users"),
          "User_friends": source('@{ var id = context.ParentResult.AsJObject()["id"].ToString(); '
                                 'return $"HOST/friends/{id}"; }')},
         "{users{friends{id}}}", {"users": [{"friends": [{"id": "1f"}]}, {"friends": [{"id": "2f"}]}]}),
        ({"Mutation_makeUser": source("HOST/make", MAKE).replace("GET", "POST")},
         'mutation{makeUser(name:"zoe"){id name}}', {"makeUser": {"id": "9", "name": "zoe"}}),
        ({"Query_node": source("HOST/n", response='<set-body>{"__typename":"Robot","id":3,"model":"m"}</set-body>')},
         "{node{__typename id ... on Robot{model}}}", {"node": {"__typename": "Robot", "id": "3", "model": "m"}}),
        ({"Query_user": source("HOST/xml", response='<xml-to-json kind="direct" apply="always" consider-accept-header='
          '"false" /><set-body>@(context.Response.Body.As<JObject>()["user"].ToString())</set-body>'
          '<find-and-replace from="x" to="y" />')}, "{user(id:1){id name}}", {"user": {"id": "7", "name": "y"}}),
        ({"Query_users": source("HOST/users"), "User_name": source("HOST/text")}, "{users{name}}",
         {"users": [{"name": "plain, no JSON"}] * 2}),
        ({"Query_users": source("HOST/slow")}, "{users{id}}", {"users": None}),
        ({}, "{__schema{queryType{name}} users{id}}", {"__schema": {"queryType": {"name": "Query"}}, "users": None}),
    ],
)  # fmt: skip
@looped
async def test_queries(tmp_path: Path, sources: dict[str, str], query: str, expected: object) -> None:
    """
    The examples of APIM's documentation and more: lists by Liquid, arguments in both ways, parents in both ways,
    mutations, interfaces by `__typename`, XML, plain text, empty answers, introspection, fields without a resolver.
    """
    async with backend(answers) as port:
        rig = synthetic(tmp_path, port, **sources)
        assert await rig.ask(query, variables={"i": 7} if "$i" in query else None) == [(200, {"data": expected})]


@looped
async def test_resolvers_of_a_policy(tmp_path: Path) -> None:
    """set-graphql-resolver in the API's backend section works the same, behind which forward-request runs the query."""
    async with backend(answers) as port:
        rig = Rig(tmp_path, target="")
        text = source("HOST/users").replace("HOST", f"http://127.0.0.1:{port}")
        rig.policy(
            '<set-header name="X"><value>1</value></set-header>',
            f'<set-graphql-resolver parent-type="Query" field="users">{text}</set-graphql-resolver><base />',
            '<set-header name="Y"><value>2</value></set-header>',
        )
        assert await rig.ask("{users{id}}") == [(200, {"data": {"users": [{"id": "1"}, {"id": "2"}]}})]


@pytest.mark.parametrize(
    "url", ["HOST/broken", "http://127.0.0.1:1/", "nowhere", '@("" + context.GraphQL.Arguments["x"]["y"])']
)
@looped
async def test_failures(tmp_path: Path, url: str) -> None:
    """An error status, a closed port, no URL, a failing expression: null, an error without details, and a log line."""
    async with backend(answers) as port:
        rig = synthetic(tmp_path, port, Query_user=source(url), Query_users=source("HOST/users"))
        with capture_logs() as lines:
            ((status, answer),) = await rig.ask("{user(id:1){id} users{id}}")
    assert status == 200
    assert answer["data"] == {"user": None, "users": [{"id": "1"}, {"id": "2"}]}
    assert answer["errors"] == [{"message": "The field could not be resolved.", "path": ["user"]}]
    assert "graphql_resolver_failed" in {line["event"] for line in lines}


@looped
async def test_values_of_a_backend_stay_out_of_errors(tmp_path: Path) -> None:
    """What does not fit the schema is an error that does not repeat it."""
    async with backend(lambda line, body: {"id": {"secret": "s3cret"}, "name": ["s3cret"]}) as port:
        rig = synthetic(tmp_path, port, Query_user=source("HOST/"))
        ((status, answer),) = await rig.ask("{user(id:1){id name}}")
    assert status == 200
    assert "s3cret" not in json.dumps(answer["errors"])


@pytest.mark.parametrize(
    ("query", "variables", "status"),
    [
        ("{nope}", None, 400),
        ("query($n:Int){users(first:$n){id}}", {"n": "x"}, 400),
        ("query($f:Filter){users(filter:$f){id}}", {"f": {"nope": 1}}, 400),
        ("subscription{onUser{id}}", None, 400),
        ("mutation{deleteUser(id:1)}", None, 200),
    ],
)
@looped
async def test_requests_that_are_not_run(tmp_path: Path, query: str, variables: object, status: int) -> None:
    """A synthetic API validates every request against its schema, and its variables; without a policy too."""
    rig = synthetic(tmp_path, 1, Query_users=source("http://127.0.0.1:1/"))
    ((answered, answer),) = await rig.ask(query, variables=variables)
    assert answered == status
    assert ("data" in answer) is (status == 200)


@looped
async def test_calls_are_bounded(tmp_path: Path) -> None:
    """Not more calls than the settings say, and not more at a time; what is beyond is an error."""
    running, most, calls = 0, 0, 0

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal running, most, calls
        await reader.readuntil(b"\r\n\r\n")
        running, calls = running + 1, calls + 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\n{"id":1}')
        writer.close()

    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    rig = synthetic(tmp_path, port, "max-resolver-calls: 6\n    max-concurrent-calls: 2", Query_user=source("HOST/"))
    ((_, answer),) = await rig.ask("{" + " ".join(f"a{number}:user(id:1){{id}}" for number in range(9)) + "}")
    server.close()
    assert (calls, most, len(answer["errors"])) == (6, 2, 3)
    assert sum(value is not None for value in answer["data"].values()) == 6


@looped
async def test_removed_fields(tmp_path: Path) -> None:
    """A field that a rule removes is not resolved, and its error is in the answer."""
    rule = '<authorize><rule path="/User/name" action="remove" /></authorize>'
    async with backend(answers) as port:
        rig = synthetic(tmp_path, port, Query_users=source("HOST/users"))
        rig.policy(f"<validate-graphql-request>{rule}</validate-graphql-request>")
        ((_, answer),) = await rig.ask("{users{id name}}")
    assert answer["data"] == {"users": [{"id": "1"}, {"id": "2"}]}
    assert answer["errors"] == [{"message": "The field User.name is not allowed and was removed."}]


NAMES = " ".join(f"a{number}:name" for number in range(240))


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ("{users{id name a:id b:id}}", 8000),
        ("{user(id:1){friends{friends{friends{id name}}}}}", 15),
        (f"{{__schema{{types{{fields{{{NAMES}}}}}}}}}", None),
    ],
    ids="long-list short-lists introspection".split(),
)
@looped
async def test_large_answers_leave_turns_to_others(tmp_path: Path, query: str, size: int | None) -> None:
    """8,000 objects in one list, 3,375 in short ones, 20,000 of introspection: no turn is much over a slice."""
    async with backend(answers) as port:
        rig = synthetic(tmp_path, port, Query_users=source("HOST/big"), Query_user=source("HOST/nested"))
        await rig.ask("{users{id}}")
        handle = rig.gateway
        content = Body(json.dumps({"query": query}).encode())
        asking = asyncio.ensure_future(
            handle(Request("POST", "/graphql", headers=Headers([("Content-Type", "application/json")]), body=content))
        )
        longest, began = 0.0, thread_time()
        while not asking.done():
            turn = thread_time()
            await asyncio.sleep(0)
            longest = max(longest, thread_time() - turn)
        spent = thread_time() - began
    assert spent > 0.02
    assert longest < spent / 2
    data = json.loads((await asking).body.content)["data"]
    lists = [data.get("users") or data.get("user", {}).get("friends")]
    assert [len(items) for items in lists if items] == [size] * (size is not None)


@pytest.mark.parametrize(
    ("sources", "target", "code"),
    [
        ({"Query_nope": source("http://a/")}, "", "unknown-field"),
        ({"Filter_name": source("http://a/")}, "", "unknown-field"),
        ({"Query_users": source("http://a/")}, "service-url: http://a/", "not-synthetic"),
        ({"Query_users": "<policies />"}, "", "wrong-root"),
        ({"Query_users": "<http-data-source />"}, "", "missing-child"),
        ({"Query_users": source("http://a/", response="<cors />")}, "", "unknown-element"),
        ({"Query_users": "<sql-data-source />"}, "", "cloud-only"),
        ({"Query_users": "<cosmosdb-data-source />"}, "", "cloud-only"),
        ({"Query_users": source("@(nope)")}, "", "unknown"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, sources: dict[str, str], target: str, code: str) -> None:
    """Fields that the schema does not have, backends besides resolvers, documents of other kinds."""
    rig = synthetic(tmp_path, 1, **sources)
    rig.target = target
    with pytest.raises(LoadError, match=code):
        _ = rig.gateway


def test_two_resolvers_of_a_field(tmp_path: Path) -> None:
    """One field has one resolver."""
    rig = synthetic(tmp_path, 1, Query_users=source("http://a/"))
    rig.settings = rig.settings.replace(
        "resolvers: [", "resolvers: [{type: Query, field: users, policy: Query_users.xml}, "
    )
    with pytest.raises(LoadError, match="duplicate-resolver"):
        _ = rig.gateway
