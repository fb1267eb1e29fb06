"""Try it: a composed request runs through the pipeline, for real or against a stub, and every step is shown."""

from __future__ import annotations

from pathlib import Path

import structlog.testing

from tests.acceptance.rig import Product
from tests.management.console.acting import NO_ACTIONS, Visitor, visit
from tests.management.console.rig import SECRET, text_of

TRY = "/console/actions/try"


def test_for_real_and_against_a_stub(tmp_path: Path) -> None:
    """The backend gets what was composed, but for a stub; the answer, the reason in words and each step are shown."""

    async def look_around(visitor: Visitor, running: Product) -> None:
        await visitor.login()
        assert 'value="/evil/one/7"' in (await visitor.get("/console/try?path=/evil/one/7")).text
        sent = {"method": "POST", "path": "/evil/two?x=1", "headers": "X-Mine: yes\n\n", "body": "hello"}
        real = text_of((await visitor.post(TRY, sent)).text)
        assert "POST /evil/two was sent for real. Back to the form 200 The answer is 200 OK." in real
        assert running.received("x-mine") == ["yes"]
        assert b"hello" in running.backend.received
        before = len(running.backend.received)
        stubbed = text_of((await visitor.post(TRY, {**sent, "stub": "503"})).text)
        assert "was sent to a stub. Back to the form 503" in stubbed
        back = await visitor.post(TRY, {**sent, "path": "/evil/two?sig=secret", "stub": "503"})
        assert 'href="/console/try?method=POST&amp;path=%2Fevil%2Ftwo&amp;stub=503"' in back.text
        assert "set-variable api · set-variable[1]" in stubbed
        assert len(running.backend.received) == before

    visit(tmp_path, look_around)


def test_a_refusal_and_what_must_not_be_seen(tmp_path: Path) -> None:
    """A refusal says why; the token is in neither the log nor the page, and no secret of the configuration is."""

    async def look_around(visitor: Visitor, running: Product) -> None:
        await visitor.login()
        token = running.entra.mint(aud="api://other")
        with structlog.testing.capture_logs() as lines:
            answer = await visitor.post(
                TRY, {"method": "GET", "path": "/evil/token?sig=abc", "token": f"Bearer {token}"}
            )
        text = text_of(answer.text)
        assert "TokenAudienceNotAllowed" in text
        assert [line["subject"] for line in lines if line["event"] == "console_action"] == ["GET /evil/token"]
        assert token[-40:] not in answer.text + str(lines)
        assert SECRET not in answer.text

    visit(tmp_path, look_around)


def test_what_no_client_could_send(tmp_path: Path) -> None:
    """What would break the framing towards the backend, or is the gateway's own, is refused with the reason."""

    async def look_around(visitor: Visitor, running: Product) -> None:
        await visitor.login()
        base = {"method": "GET", "path": "/evil/one/1"}
        before = len(running.backend.received)
        for changes in (
            {"method": "GET / HTTP/1.1"},
            {"method": "get"},
            {"path": "/a b"},
            {"path": "/evil/one/%2e%2e%2f"},
            {"path": "/evil/../evil/one/1"},
            {"path": "/evil/one/1#x"},
            {"path": "/evil/one/%zz"},
            {"path": f"/evil/one/{'a' * 9000}"},
            {"headers": "X: y\n" * 101},
            {"headers": f"X: {'y' * 33_000}"},
            {"path": "/a\r\nX: y"},
            {"path": "http://other/"},
            {"headers": "Host: other"},
            {"headers": "content_length: 5"},
            {"headers": "Transfer-Encoding: chunked"},
            {"headers": "no colon"},
            {"headers": "X y: z"},
            {"headers": "X: a\x0bb"},
            {"token": "a\tb"},
            {"stub": "99"},
            {"stub": "200\r\n"},
        ):
            answer = await visitor.post(TRY, {**base, **changes})
            assert (changes, answer.status_code) == (changes, 409)
        assert len(running.backend.received) == before

    visit(tmp_path, look_around)


def test_only_with_actions(tmp_path: Path) -> None:
    """Without actions the page names the command, and what is posted anyway is not sent."""

    async def look_around(visitor: Visitor, _: Product) -> None:
        await visitor.login()
        page = text_of((await visitor.get("/console/try?path=/evil/one/1")).text)
        assert "curl -i -X GET 'http://GATEWAY/evil/one/1'" in page
        assert (await visitor.post(TRY, {"method": "GET", "path": "/"})).status_code == 403

    visit(tmp_path, look_around, NO_ACTIONS)
