"""judging.py: which checks are found, what is printed, the exit code."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.commands.explain.judging import Question, config_of_policy, explained, moment, outcome, read_token, text
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.entra.directory import API
from gateway.emulators.serving import serve_here
from gateway.errors import GatewayError
from gateway.pipeline.masking import Masking

SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ="
INLINE = f"""
inbound:
  - choose:
      - when:
          condition: '@(context.Request.Method == "POST")'
          do:
            - validate-jwt:
                header-name: Authorization
                issuer-signing-keys: ["{SECRET}"]
                audiences: [api://inline]
      - otherwise:
          - set-header: {{name: X, value: a}}
"""
REMOTE = """
inbound:
  - validate-jwt:
      header-name: Authorization
      openid-config: {url: "{{metadata}}"}
      audiences: ["{{audience}}"]
"""


def inline_token(**claims: object) -> str:
    """A token with the document's own key."""
    entra = EntraEmulator()
    key = b"secret-secret-secret-secret-1234"
    return entra.mint_with("HS256", key, **{"aud": "api://inline", **claims})


def ran(*arguments: str) -> int:
    """The exit code of ``gateway explain``."""
    with pytest.raises(SystemExit) as ended:
        main(["explain", *arguments])
    return int(str(ended.value.code))


@pytest.fixture
def inline(tmp_path: Path) -> str:
    """A document that holds its key."""
    path = tmp_path / "inline.yaml"
    path.write_text(INLINE)
    return str(path)


def test_accepted(inline: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A good token is accepted by the check inside a branch; the token and the key are not printed."""
    token = inline_token()
    assert ran(token, "--policy", inline) == 0
    printed = capsys.readouterr().out
    assert "validate-jwt (api scope, inbound, choose[1]/validate-jwt[1])" in printed
    assert "→ accepted" in printed
    assert token not in printed
    assert SECRET not in printed


def test_refused(inline: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A refused token gives its reason, expected and found, as text and as JSON."""
    token = inline_token(aud="api://other")
    assert ran(token, "--policy", inline) == 1
    printed = capsys.readouterr().out
    assert "FAIL audience  TokenAudienceNotAllowed  (decides)" in printed
    assert ran(token, "--policy", inline, "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["accepted"], found["reason"]) == (False, "TokenAudienceNotAllowed")
    (step,) = [step for step in found["checks"][0]["steps"] if step["name"] == "audience"]
    assert (step["expected"], step["found"]) == ("api://inline", "api://other")


def test_at_another_time(inline: str) -> None:
    """A token is judged at the time that is asked for."""
    token = inline_token()
    assert ran(token, "--policy", inline, "--at", "2099-01-01T00:00:00Z") == 1


def test_offline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without keys a token cannot be judged, unless another check refuses it."""
    path = tmp_path / "remote.yaml"
    path.write_text(REMOTE)
    entra = EntraEmulator()
    given = ["--policy", str(path), "--offline", "--named-value", f"metadata={entra.metadata_url()}"]
    given += ["--named-value", f"audience={API}"]
    assert ran(entra.mint(aud=API), *given) == 2
    assert "cannot be judged" in capsys.readouterr().out
    assert ran(entra.mint(aud=API, lifetime_s=-60), *given) == 1
    assert "refused: TokenExpired" in capsys.readouterr().out


def test_keys_are_fetched(tmp_path: Path) -> None:
    """Keys come from the issuers that the document names."""

    async def scenario() -> None:
        entra = EntraEmulator()
        async with serve_here(entra):
            path = tmp_path / "remote.yaml"
            path.write_text(REMOTE)
            config = config_of_policy(path, {"metadata": entra.metadata_url(), "audience": API})
            good = await explained(Question(entra.mint(aud=API), entra.clock()), config)
            bad = await explained(Question(entra.mint(aud=API, key=entra.foreign_key), entra.clock()), config)
            assert [outcome(good), outcome(bad)] == [0, 1]
            assert any("TokenSignatureKeyNotFound" in line for line in text(bad, Masking()))

    asyncio.run(scenario())


TWO = """
apis:
  - {id: one, path: one, policy: inline.yaml, operations: [{id: read, method: GET, url-template: /}]}
  - {id: two, path: two}
"""
QUESTIONS = {
    "several APIs": ([], "name one API with --api; there are: one, two"),
    "unknown API": (["--api", "three"], "name one API"),
    "unknown operation": (
        ["--api", "one", "--operation", "none"],
        "name one operation with --operation; there are: read",
    ),
    "no check": (["--api", "two"], "no policy in it checks a token"),
    "bad time": (["--api", "one", "--at", "noon"], "'noon' is not a time"),
}


@pytest.mark.parametrize(("more", "expected"), QUESTIONS.values(), ids=QUESTIONS)
def test_questions_without_an_answer(
    inline: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], expected: str
) -> None:
    """What cannot be judged ends with exit code 2 and the reason."""
    (tmp_path / "config.yaml").write_text(TWO)
    assert ran("x.y.z", "-c", str(tmp_path / "config.yaml"), *more) == 2
    assert expected in capsys.readouterr().err


def test_operation_of_a_configuration(inline: str, tmp_path: Path) -> None:
    """A configuration's API and operation are judged by their effective policy."""
    (tmp_path / "config.yaml").write_text(TWO)
    config = str(tmp_path / "config.yaml")
    assert ran(inline_token(), "-c", config, "--api", "one", "--operation", "read") == 0


def test_neither_or_both(inline: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Either a document or a configuration has to be named, not both."""
    assert ran("x") == 2
    assert ran("x", "--policy", inline, "-c", inline) == 2
    assert "name either" in capsys.readouterr().err


def test_where_tokens_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token is an argument, a file or standard input, with or without its scheme."""
    (tmp_path / "token").write_text("Bearer a.b.c\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("a.b.c\n"))
    assert [read_token("a.b.c"), read_token(f"@{tmp_path}/token"), read_token("-")] == ["a.b.c"] * 3
    with pytest.raises(GatewayError, match="cannot be read"):
        read_token("@/nowhere")


MOMENTS = {"5": 5.0, "1970-01-01T00:00:05": 5.0, "1970-01-01T01:00:05+01:00": 5.0}


@pytest.mark.parametrize(("written", "seconds"), MOMENTS.items(), ids=MOMENTS)
def test_moments(written: str, seconds: float) -> None:
    """A time is ISO 8601, UTC where it names no zone, or seconds."""
    assert moment(written) == seconds
