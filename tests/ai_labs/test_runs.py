"""The labs' harness tells documents that run from those that do not."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

from tests.ai_labs.__main__ import run
from tests.ai_labs.kinds import call_of, place
from tests.ai_labs.repository import commit, documents

WHOLE = "<policies><inbound>{}<base /></inbound><backend>{}</backend><outbound>{}<base /></outbound></policies>"
TO_POOL = '<set-backend-service backend-id="{backend-id}" />'
RETRY = """<retry count="1" interval="0" condition="@(context.Response.StatusCode == 429)">
<forward-request buffer-request-body="true" /></retry>"""
LABS = {
    "labs/good/policy.xml": WHOLE.format(TO_POOL, RETRY, ""),
    "labs/unknown/policy.xml": WHOLE.format("<no-such-policy />", "", ""),
    "labs/wrong/policy.xml": WHOLE.format(TO_POOL, "<base />", "<set-body>nothing</set-body>"),
    "labs/mcp-server/policy.xml": WHOLE.format("<set-method>GET</set-method>", "<base />", ""),
    "labs/other.xml": "<project />",
}


def _git(folder: Path, *command: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    subprocess.run(["git", *who, "-C", str(folder), *command], check=True, capture_output=True)


def test_what_runs(tmp_path: Path) -> None:
    """One document runs; one does not load; one spoils every answer, which only the cut stream does not show."""
    for path, text in LABS.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "labs"]):
        _git(tmp_path, *command)
    assert len(commit(tmp_path)) == 40
    found = sorted(documents(tmp_path), key=lambda lab: place(lab.path))
    outcomes = {outcome.path: outcome for outcome in asyncio.run(run(found))}
    assert set(outcomes) == set(LABS) - {"labs/other.xml"}
    good = outcomes["labs/good/policy.xml"]
    assert (good.runs, list(good.results)) == (True, ["chat", "stream", "embeddings", "429", "slow", "cut"])
    assert "no-such-policy" in outcomes["labs/unknown/policy.xml"].refused
    wrong = {name for name, why in outcomes["labs/wrong/policy.xml"].results.items() if why}
    assert {"chat", "stream", "embeddings", "slow"} <= wrong
    assert outcomes["labs/mcp-server/policy.xml"].results["call"].startswith("the backend got no")


def test_order() -> None:
    """The login of one lab runs before the documents that need its session."""
    assert place("z/apim-oauth/token.policy.xml") < place("a/policy.xml")
    assert call_of("labs/any/policy.xml") is None
