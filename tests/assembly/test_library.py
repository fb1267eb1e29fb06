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
