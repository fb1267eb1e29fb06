"""set-graphql-resolver: which field it answers, where, and when it does nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import LoadError
from tests.graphql.rig import Rig, backend, looped
from tests.policies.bench import Bench, get

SOURCE = """<http-data-source><http-request><set-url>http://127.0.0.1:{port}/{path}</set-url></http-request>
</http-data-source>"""


def resolver(type_: str, field: str, port: int = 1, path: str = "") -> str:
    """The policy."""
    source = SOURCE.format(port=port, path=path)
    return f'<set-graphql-resolver parent-type="{type_}" field="{field}">{source}</set-graphql-resolver>'


@looped
async def test_the_first_one_that_is_reached_counts(tmp_path: Path) -> None:
    """A resolver may depend on the request; of two for a field the first that is reached counts."""
    async with backend(lambda line, body: {"id": line}) as port:
        rig = Rig(tmp_path, target="")
        when = '<choose><when condition="@(context.Request.Method == &quot;PUT&quot;)">{}</when></choose>'
        chosen = when.format(resolver("Query", "user", port, "never"))
        others = [resolver("Query", "user", port, path) for path in ("a", "b")]
        rig.policy(backend="".join([chosen, *others, "<base />"]))
        assert await rig.ask("{user(id:1){id}}") == [(200, {"data": {"user": {"id": "GET /a"}}})]


def test_other_apis(bench: Bench) -> None:
    """In a policy of an API of another type it does nothing."""
    ran = bench.run(f"<backend>{resolver('Query', 'users')}</backend>", get("/"))
    assert ran.request.method == "GET"


@pytest.mark.parametrize(
    ("policy", "target", "code"),
    [
        (resolver("Query", "nope"), "", "unknown-field"),
        (resolver("Found", "id"), "", "unknown-field"),
        (resolver("Query", "users"), "service-url: http://a/", "not-synthetic"),
        ('<set-graphql-resolver parent-type="Query" field="users" />', "", "missing-child"),
        ('<set-graphql-resolver parent-type="Query" />', "", "missing-attribute"),
    ],
)
def test_mistakes(tmp_path: Path, policy: str, target: str, code: str) -> None:
    """Fields that the schema does not have, an API with a backend, no source, no field: the place is the policy's."""
    rig = Rig(tmp_path, target=target)
    rig.policy(backend=policy)
    with pytest.raises(LoadError, match=code) as refused:
        _ = rig.gateway
    assert refused.value.problems[0].location.file.endswith("p.xml")
