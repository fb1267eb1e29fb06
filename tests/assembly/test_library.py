"""A configuration's documents: what their mistakes may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.assembly.library import PolicyFiles, PolicyLibrary
from gateway.commands.check.report import offline_services
from gateway.documents.named_values import NamedValue
from gateway.policies import POLICIES

SECRET = "hunter2-" + "long" * 20


@pytest.mark.parametrize(
    "policy",
    [
        '<set-status code="{{key}}" />',
        '<set-header name="a: {{key}}"><value>1</value></set-header>',
        '<set-backend-service base-url="{{key}}" />',
        '<set-backend-service base-url="{{key}}.example:1 2" />',
        '<set-variable name="a" value="@(&quot;{{key}}&quot;.Nope)" />',
        '<set-query-parameter name="a" exists-action="{{key}}"><value>1</value></set-query-parameter>',
    ],
)
@pytest.mark.parametrize("secret", [SECRET, SECRET[:5]])
def test_no_mistake_quotes_a_secret(tmp_path: Path, policy: str, secret: str) -> None:
    """Any problem with a secret named value is reported without the value, whole or shortened."""
    document = tmp_path / "p.xml"
    document.write_text(f"<policies><inbound>{policy}</inbound></policies>")
    library = PolicyLibrary(POLICIES, offline_services(), {"key": NamedValue(secret, secret=True)})
    library.pipeline(PolicyFiles(api=document))
    assert library.problems
    assert not any(secret[:5] in f"{problem.message} {problem.remedy}" for problem in library.problems)


READS = "<set-variable name='who' value='@(context.Request.Headers.GetValueOrDefault(\"Caller-ObjectId\", \"\"))' />"
CHECKS = "<check-header name='X-Oid' failed-check-httpcode='403' failed-check-error-message='' ignore-case='true' />"
SETS = "<set-header name='caller-objectid' exists-action='override'><value>@(context.User.Id)</value></set-header>"


@pytest.mark.parametrize(
    ("api", "everywhere", "notes"),
    [
        (READS, "", 1),
        ("<base />" + READS, SETS, 0),
        (READS + "<base />", SETS, 1),
        (SETS + READS, "", 0),
        ("<choose><when condition='@(context.Request.Headers[\"caller-objectid\"] == null)' /></choose>", "", 1),
        (CHECKS, "", 1),
        (READS.replace("Caller-ObjectId", "X-Request-Id"), "", 0),
    ],
    ids="reads base-sets base-sets-later sets condition check-header another".split(),
)
def test_what_only_the_client_claims(tmp_path: Path, api: str, everywhere: str, notes: int) -> None:
    """A policy that reads an object id from a header that no policy before it has set is noted, with its place."""
    files = {}
    for name, content in (("api", api), ("everywhere", everywhere)):
        files[name] = tmp_path / f"{name}.xml"
        files[name].write_text(f"<policies><inbound>{content}</inbound></policies>")
    library = PolicyLibrary(POLICIES, offline_services())
    library.pipeline(PolicyFiles(**files))
    library.require()
    assert [(note.code, note.location.file) for note in library.notes] == [("client-claim", str(files["api"]))] * notes
