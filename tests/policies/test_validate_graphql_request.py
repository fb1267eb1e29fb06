"""validate-graphql-request: what a backend gets is what was judged, and nothing else passes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import LoadError
from tests.graphql.rig import ECHO, Rig, backend, looped
from tests.policies.bench import Bench, post


def validate(rules: str = "", attributes: str = "") -> str:
    """The policy."""
    inner = f"<authorize>{rules}</authorize>" if rules else ""
    return f"<validate-graphql-request {attributes}>{inner}</validate-graphql-request>"


def rule(path: str, action: str) -> str:
    """One rule."""
    return f"<rule path='{path}' action='{action}' />"


def said(answer: Any) -> str:
    """The messages of an answer."""
    return "; ".join(error["message"] for error in answer["errors"])


@pytest.mark.parametrize(
    ("policy", "query", "sent"),
    [
        (validate(), "{users{id}}", "{ users { id } }"),
        (validate(), "query A { users{id} } # x\n fragment F on User{id}", "never used"),
        (validate(attributes='max-depth="2"'), "{users{friends{id}}}", "deeper than 2"),
        (validate(attributes='max-depth="@(1 + 2)"'), "{users{friends{id}}}", "{ users { friends { id } } }"),
        (validate(attributes='max-depth="2"'), "{users{...F}} fragment F on User{friends{id}}", "deeper than 2"),
        (validate(), "{" + "users{friends{" * 4 + "id" + "}}" * 4 + "}", "deeper than 6|Cannot query"),
        (validate(attributes='max-size="20"'), "{users{id}}", "longer than 20 bytes"),
        (validate(attributes='max-size="@(10 * 10)"'), "{users{id}}", "{ users { id } }"),
        (validate(rule("/User/name", "remove")), "{users{id name}}", "{ users { id } }"),
        (validate(rule("/User/name", "remove")), "{users{name}}", "User.name"),
        (validate(rule("/__*", "reject")), "{__schema{types{name}}}", "Query.__schema"),
        (validate(rule("/Mutation/*", '@(context.Request.Headers.Count > 9 ? "allow" : "deny")')),
         'mutation{makeUser(name:"a"){id}}', "Mutation.makeUser"),
        (validate(rule("/User/id", '@(context.Request.Headers.Count > 9 ? "remove" : "ignore")')),
         "{users{id}}", "{ users { id } }"),
    ],
)  # fmt: skip
@looped
async def test_requests(tmp_path: Path, policy: str, query: str, sent: str) -> None:
    """Size, depth through fragments, schema, rules with expressions: sent on as printed, or refused with 400."""
    rig = Rig(tmp_path)
    rig.policy(policy, ECHO)
    ((status, answer),) = await rig.ask(query)
    if sent.startswith("{"):
        assert (status, " ".join(answer["query"].split())) == (200, sent)
    else:
        assert status == 400
        assert "data" not in answer
        assert any(part in said(answer) for part in sent.split("|"))


@looped
async def test_the_variables_of_errors(tmp_path: Path) -> None:
    """`GraphQLErrors` and the variable that is named have the messages, of refusals and of removed fields."""
    rig = Rig(tmp_path)
    errors = 'new { a = context.Variables["GraphQLErrors"], b = context.Variables["mine"] }'
    show = f"<return-response><set-body>@(JsonConvert.SerializeObject({errors}))</set-body></return-response>"
    rig.policy(validate(rule("/User/name", "remove"), 'error-variable-name="@(&quot;mi&quot; + &quot;ne&quot;)"'), show)
    rig.files["p.xml"] = rig.files["p.xml"].replace("</policies>", f"<on-error>{show}</on-error></policies>")
    (_, removed), (_, refused) = await rig.ask("{users{id name}}", "{nope}")
    assert removed["a"] == removed["b"] == ["The field User.name is not allowed and was removed."]
    assert refused["a"] == refused["b"] == ["Cannot query field 'nope' on type 'Query'."]


@looped
async def test_two_policies(tmp_path: Path) -> None:
    """What either of them removes is an error in the answer, and in the variable."""
    async with backend(lambda _, body: {"data": json.loads(body)["query"].split()}) as port:
        rig = Rig(tmp_path, target=f"service-url: http://127.0.0.1:{port}")
        rig.policy("".join(validate(rule(path, "remove")) for path in ("/User/name", "/User/secret")))
        ((status, answer),) = await rig.ask("{users{id name secret}}")
    assert (status, answer["data"]) == (200, "{ users { id } }".split())
    assert sorted(error["message"].split()[2] for error in answer["errors"]) == ["User.name", "User.secret"]


@looped
async def test_the_wrong_document_never_runs(tmp_path: Path) -> None:
    """With several operations only the one that is asked for is judged and sent on."""
    rig = Rig(tmp_path)
    rig.policy(validate(rule("/User/secret", "reject")), ECHO)
    query = "query A{users{id}} query B{users{secret}}"
    (none,), (first,), (second,) = (
        await rig.ask(query),
        await rig.ask(query, operationName="A"),
        await rig.ask(query, operationName="B"),
    )
    assert (none[0], first[0], second[0]) == (400, 200, 400)
    assert first[1]["operationName"] == "A"
    assert "secret" not in first[1]["query"]


def test_other_apis(bench: Bench) -> None:
    """The policy does nothing where the API is not of type graphql, so that it may stand in a global policy."""
    ran = bench.run(validate(), post("not GraphQL"))
    assert ran.request.body is not None
    assert ran.request.body.content == b"not GraphQL"


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (validate(rule("User/name", "remove")), "bad-value"),
        (validate(rule("/User/name", "deny")), "bad-value"),
        (validate(attributes='max-depth="0"'), "bad-value"),
        ("<validate-graphql-request><authorize /></validate-graphql-request>", "missing-child"),
        (f"</inbound><outbound>{validate()}</outbound><inbound>", "wrong-section"),
    ],
)
def test_mistakes(tmp_path: Path, policy: str, code: str) -> None:
    """Paths without a slash, unknown actions, bounds of nothing, no rules, other sections."""
    rig = Rig(tmp_path)
    rig.files["p.xml"] = f"<policies><inbound>{policy}</inbound></policies>".replace("<inbound></inbound>", "")
    with pytest.raises(LoadError, match=code):
        _ = rig.gateway


@pytest.mark.parametrize("path", ["/Users/name", "/User/nmae", "/secret", "/user/name", "/Found/name", "/Filter/*"])
def test_rules_for_nothing(tmp_path: Path, path: str) -> None:
    """A rule of the API's own policy for a field that the schema does not have refuses to load."""
    rig = Rig(tmp_path)
    rig.policy(validate(rule("/User/name", "reject") + rule(path, "reject")))
    with pytest.raises(LoadError, match="unknown-field") as refused:
        _ = rig.gateway
    assert path in refused.value.problems[0].message
    assert len(refused.value.problems) == 1


def test_rules_of_a_global_policy(tmp_path: Path) -> None:
    """A global policy may have rules for the fields of other APIs."""
    rig = Rig(tmp_path)
    policy = validate(rule("/Other/name", "reject"))
    rig.files["all.xml"] = f"<policies><inbound>{policy}</inbound><backend><forward-request /></backend></policies>"
    config = rig.config() + "global-policy: all.xml\n"
    object.__setattr__(rig, "config", lambda: config)
    _ = rig.gateway
    assert rig.app is not None
