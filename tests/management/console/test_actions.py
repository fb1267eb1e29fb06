"""Actions of the console: off unless switched on, for those who are logged in, from our own forms, and in the log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import structlog.testing

from tests.acceptance.rig import Product
from tests.management.console.acting import NO_ACTIONS, TOKEN, Visitor, visit
from tests.management.console.rig import text_of

RELOAD = "/console/actions/reload"
WITHDRAW = "/console/actions/withdraw-key"


def test_login(tmp_path: Path) -> None:
    """A page leads to the login, the token back to the page, and logging out ends it."""

    async def look_around(visitor: Visitor, _: Product) -> None:
        sent = await visitor.get("/console/dependencies?x=1")
        assert (sent.status_code, sent.headers["location"]) == (
            303,
            "/console/login?next=/console/dependencies%3Fx%3D1",
        )
        assert 'type="password"' in (await visitor.get("/console/login")).text
        wrong = await visitor.login("wrong")
        assert (wrong.status_code, "That is not the token" in wrong.text) == (401, True)
        right = await visitor.login()
        assert (right.status_code, right.headers["location"]) == (303, "/console/dependencies")
        assert right.headers["set-cookie"].endswith("; Path=/; Max-Age=28800; HttpOnly; SameSite=Strict")
        assert (await visitor.get("/")).status_code == 200
        assert (await visitor.post("/console/logout", {})).status_code == 303
        assert (await visitor.get("/")).status_code == 303

    visit(tmp_path, look_around)


ELSEWHERE = ["https://evil.example/", "//evil.example", "/\\evil.example", "/metrics", "console/x"]


def test_a_login_leads_to_no_other_site(tmp_path: Path) -> None:
    """Where to go after the login is a page of the console, whatever the address says."""

    async def look_around(visitor: Visitor, _: Product) -> None:
        for onward in ELSEWHERE:
            answer = await visitor.post("/console/login", {"token": TOKEN, "next": onward})
            assert (onward, answer.headers["location"]) == (onward, "/")

    visit(tmp_path, look_around)


def test_too_many_guesses(tmp_path: Path) -> None:
    """After ten wrong tokens the right one has to wait, too, and nothing else tells whether it was right."""

    async def look_around(visitor: Visitor, _: Product) -> None:
        answers = [await visitor.post("/console/login", {"token": f"wrong-{number}"}) for number in range(11)]
        assert [answer.status_code for answer in answers] == [401] * 9 + [429] * 2
        assert (await visitor.post("/console/login", {"token": TOKEN})).status_code == 429

    visit(tmp_path, look_around)


def test_an_action_is_done_and_logged(tmp_path: Path) -> None:
    """A key is withdrawn by the button, the page says so, and the log has who did what; no secret is in it."""

    async def look_around(visitor: Visitor, running: Product) -> None:
        await visitor.login()
        page = (await visitor.get("/console/dependencies")).text
        assert "Same as gateway keys withdraw KID --issuer URL -c config.yaml" in text_of(page)
        kid = next(iter(running.gateway.issuers.statuses())).url
        with structlog.testing.capture_logs() as lines:
            answer = await visitor.post(WITHDRAW, {"kid": "k1", "back": "/console/dependencies"})
        assert (answer.status_code, "done Withdrawn." in text_of(answer.text)) == (200, True)
        (line,) = [line for line in lines if line["event"] == "console_action"]
        assert {**line, "client": ""} == {
            "event": "console_action",
            "log_level": "info",
            "action": "withdraw-key",
            "person": "console login",
            "client": "",
            "subject": "k1",
            "outcome": "done",
        }
        unknown = await visitor.post(WITHDRAW, {"kid": "k1", "issuer": kid + "x"})
        assert (unknown.status_code, "no policy uses the issuer" in unknown.text) == (409, True)
        with structlog.testing.capture_logs() as lines:
            failed = await visitor.post("/console/actions/replay", {"job": "job-7"})
        noted = [(line["subject"], line["outcome"]) for line in lines if line["event"] == "console_action"]
        assert (failed.status_code, noted) == (409, [("job-7", "failed")])

    visit(tmp_path, look_around)


# what is posted → the answer; the secret of the form is right unless it is given
ATTACKS: dict[str, tuple[str, dict[str, str], dict[str, str], int]] = {
    "another-origin": (RELOAD, {}, {"origin": "http://evil.example"}, 403),
    "another-port": (RELOAD, {}, {"origin": "http://localhost:3000"}, 403),
    "null-origin": (RELOAD, {}, {"origin": "null"}, 403),
    "cross-site": (RELOAD, {}, {"sec-fetch-site": "cross-site"}, 403),
    "rebound-name": (RELOAD, {}, {"host": "evil.example"}, 421),
    "no-secret": (RELOAD, {"csrf": ""}, {}, 403),
    "wrong-secret": (RELOAD, {"csrf": "x" * 43}, {}, 403),
    "json": (RELOAD, {}, {"content-type": "application/json"}, 415),
    "text": (RELOAD, {}, {"content-type": "text/plain"}, 415),
    "too-large": (RELOAD, {"x": "y" * 300_000}, {}, 413),
    "too-many-fields": (RELOAD, {f"x{number}": "" for number in range(60)}, {}, 400),
    "unknown": ("/console/actions/none", {}, {}, 404),
    "no-kid": (WITHDRAW, {"kid": " "}, {}, 409),
    "no-cookie": (RELOAD, {}, {"cookie": "gateway-console=made-up"}, 401),
    "worker-door": ("/console/perform.json", {}, {}, 404),
}


def test_attacks(tmp_path: Path) -> None:
    """What no form of ours has sent does nothing, even in the browser of someone who is logged in."""

    async def look_around(visitor: Visitor, _: Product) -> None:
        await visitor.login()
        for attack, (path, values, fields, status) in ATTACKS.items():
            with structlog.testing.capture_logs() as lines:
                answer = await visitor.post(path, values, **fields)
            assert (attack, answer.status_code) == (attack, status)
            assert [line["outcome"] for line in lines if line["event"] == "console_action"] in ([], ["failed"])

    visit(tmp_path, look_around)


def test_no_path_takes_another_sites_posts(tmp_path: Path) -> None:
    """The whole management plane refuses what another site makes a browser send, whatever it shows."""

    async def look_around(visitor: Visitor, _: Product) -> None:
        shown = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        for path in ("/withdrawn-keys", "/console/login", RELOAD):
            for fields in ({"origin": "http://evil.example"}, {"sec-fetch-site": "same-site"}):
                answer = await visitor.client.post(path, content=b'{"kid": "k"}', headers={**shown, **fields})
                assert (answer.status_code, answer.text) == (403, "Another site has made the browser send this.\n")

    visit(tmp_path, look_around)


def test_off_unless_switched_on(tmp_path: Path) -> None:
    """Without `actions` pages name commands in place of buttons, and a form that is posted anyway is refused."""

    async def look_around(visitor: Visitor, _: Product) -> None:
        await visitor.login()
        page = (await visitor.get("/console/dependencies")).text
        assert "/console/actions/" not in page
        assert "To do it: gateway keys withdraw" in text_of(page)
        assert (await visitor.post(RELOAD, {})).status_code == 403

    visit(tmp_path, look_around, NO_ACTIONS)


def test_a_program_needs_no_form(tmp_path: Path) -> None:
    """A program with the token as a bearer acts without a page: no other site can make it."""

    async def look_around(visitor: Visitor, _: Product) -> None:
        answer = await visitor.post(WITHDRAW, {"kid": "k9"}, authorization=f"Bearer {TOKEN}")
        assert answer.status_code == 200

    visit(tmp_path, look_around)


def test_someone_a_proxy_has_logged_in(tmp_path: Path) -> None:
    """A trusted proxy's header is enough to look and to act with a form, and is in the log."""

    async def look_around(visitor: Visitor, _: Product) -> None:
        await visitor.get("/console/dependencies", **{"x-user": "ann@example.org"})
        assert visitor.csrf
        with structlog.testing.capture_logs() as lines:
            await visitor.post(WITHDRAW, {"kid": "k9"}, **{"x-user": "ann@example.org"})
            refused = await visitor.post(WITHDRAW, {"kid": "k9"}, **{"x-user": "bob@example.org"})
        acted: list[Any] = [line["person"] for line in lines if line["event"] == "console_action"]
        assert (acted, refused.status_code) == (["ann@example.org"], 403)

    visit(tmp_path, look_around)
