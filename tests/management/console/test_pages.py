"""The pages of a running gateway: what they show, and what they never do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2

from gateway.management.console.overview_page import content
from gateway.management.guard import HEADERS
from tests.acceptance.rig import Product
from tests.management.console.rig import CONFIG, HOSTILE, SECRET, hostile_product, look, text_of

PAGES = [
    "/",
    "/console/requests",
    "/console/apis",
    "/console/apis/evil",
    "/console/apis/plain",
    "/console/dependencies",
    "/console/traces",
]
TRACED = ("Ocp-Apim-Trace: true", "Apim-Debug-Authorization: trace-secret")


async def traffic(running: Product) -> None:
    """One of everything: answered, refused, not found, and a backend that is down."""
    token = running.entra.mint()
    await running.call("/evil/one/1?x=<script>&sig=signature-secret", *TRACED)
    await running.call("/evil/one/2?teapot=1")
    await running.call("/evil/token", f"Authorization: Bearer {token[:-4]}AAAA", *TRACED)
    await running.call("/nothing")
    await running.call("/down/x")


def visit(directory: Path, look_around: Callable[[Product], Awaitable[None]], config: str = CONFIG) -> None:
    """Have some traffic, then look."""

    async def run() -> None:
        async with hostile_product(directory, config) as running:
            await traffic(running)
            await look_around(running)

    asyncio.run(run())


def test_overview(tmp_path: Path) -> None:
    """Readiness, answers by class, refusals by policy and reason, and the process."""

    async def look_around(running: Product) -> None:
        text = text_of((await look(running.gateway, "/")).text)
        assert "failing 2 things need attention." in text
        assert re.search(r"backend down : circuit open: requests get 503 for \d+ s more – since", text)
        assert "5xx : 20.0 % of the last minute's answers (1 of 5), most of them from API down – since" in text
        assert "All 2xx 3xx 4xx 5xx left numbers 5 1 0 3 1 0" in text
        assert "Answers with 5xx 20.0 %" in text  # the ten seconds that are not over count as well
        assert "No request in the last" not in text
        for line in ("validate-jwt TokenSignatureInvalid 1", "configuration OperationNotFound 1"):
            assert line in text
        counted = r"Counted by policies since the start .* apim_teapots_evil who <img src=x> (\d) ([\d.]+) "
        found = re.search(counted, text)
        assert found is not None
        assert float(found[2]) == 2.5 * int(found[1])
        assert re.search(r"Processes and configuration .* gateway ready \d+ \d+s 5", text)

    visit(tmp_path, look_around)


def test_overview_says_what_is_missing(tmp_path: Path) -> None:
    """A gateway that is not ready says which part and why; one that drains says that."""

    async def look_around(running: Product) -> None:
        running.gateway.readiness.draining = True
        text = text_of((await look(running.gateway, "/")).text)
        assert "process : draining, takes no new requests (gateway)" in text

    visit(tmp_path, look_around)
    assert "process : no answer (worker-2)" in text_of("".join(content({"worker-2": None}, {}, 0.0)))


def test_apis(tmp_path: Path) -> None:
    """Each API has path, backend and counts; requests for none of them are told apart; notes are marked."""

    async def look_around(running: Product) -> None:
        text = text_of((await look(running.gateway, "/console/apis")).text)
        assert "/evil up 3 3 1 0 2 0 0" in text
        assert "down /down down 1 1 0 0 0 1 0" in text
        assert "Requests that matched no API: 1." in text
        assert "1 note /evil" in text

    visit(tmp_path, look_around)


def test_one_api(tmp_path: Path) -> None:
    """Operations with their counts, effective policies in order with their scope, and the notes on its documents."""

    async def look_around(running: Product) -> None:
        text = text_of((await look(running.gateway, "/console/apis/evil")).text)
        assert "GET /one/{id} 2 1 0 1 0 0" in text
        assert "two POST /two 0 0 0 0 0 0" in text
        assert "GET /one/{id}, POST /two Section Policies" in text
        inbound = "set-variable api policy.xml:4 → choose api policy.xml:5 → set-body api #<b> policy.xml:7"
        assert f"inbound {inbound}" in text
        assert "backend forward-request global (default global policy):1 outbound set-header api policy.xml:10" in text
        assert '<li id="source-0-10">' in (await look(running.gateway, "/console/apis/evil")).text
        assert "subject-is-not-object-id" in text
        plain = text_of((await look(running.gateway, "/console/apis/plain")).text)
        assert "every request (product gold) Section Policies inbound set-header product gold.xml:1" in plain

    visit(tmp_path, look_around)


def test_dependencies(tmp_path: Path) -> None:
    """Issuers with their keys, backends with circuit and connections."""

    async def look_around(running: Product) -> None:
        text = text_of((await look(running.gateway, "/console/dependencies")).text)
        assert re.search(r"/openid-configuration http://\S+ ready \d+ \d+s ago –", text)
        assert re.search(r"up http http://127.0.0.1:\d+/base closed 0 1 0", text)
        assert re.search(r"down http http://127.0.0.1:1/ open for \d+ s 0 0 0", text)
        assert "both pool down (priority 1, weight 1) , up (priority 2, weight 3) – – – –" in text

    visit(tmp_path, look_around)


def test_traces(tmp_path: Path) -> None:
    """The list leads to each trace, which shows its steps: what changed, what was refused and why."""

    async def look_around(running: Product) -> None:
        page = (await look(running.gateway, "/console/traces")).text
        assert "401 TokenSignatureInvalid" in text_of(page)
        paths = re.findall(r'href="(/console/traces/[^"]+)"', page)
        assert len(paths) == 2
        refused, answered = [text_of((await look(running.gateway, path)).text) for path in paths]
        assert re.search(r"validate-jwt .* TokenSignatureInvalid", refused)
        assert "variables[seen] – {{hidden}}" in answered
        assert "set-variable api · set-variable[1]" in answered
        assert "Authorization: *****" in refused

    visit(tmp_path, look_around)


def test_nothing_hostile_becomes_mark_up(tmp_path: Path) -> None:
    """Names, ids and URLs full of mark-up are text, and no page holds a foreign script, a handler or a style."""

    async def look_around(running: Product) -> None:
        for path in PAGES:
            answer = await look(running.gateway, path)
            assert (path, HOSTILE in answer.text) == (path, False)
            elements = re.findall(r"<[^>]*>", answer.text)
            elements.remove('<script src="/console/script.js" defer>')
            assert not [one for one in elements if re.search(r"<(script|img|b\b|style)|\son|\sstyle=", one)], path
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS

    visit(tmp_path, look_around)


def test_no_secret_is_shown(tmp_path: Path) -> None:
    """Secret named values, backend credentials, tokens, the tracing secret and signatures are on no page."""

    async def look_around(running: Product) -> None:
        traces = (await look(running.gateway, "/console/traces")).text
        paths = [*PAGES, *re.findall(r'href="(/console/traces/[^"]+)"', traces), "/console/state.json"]
        for path in paths:
            page = (await look(running.gateway, path)).text
            assert not [text for text in (SECRET, "trace-secret", "eyJ", "signature-secret") if text in page]

    visit(tmp_path, look_around)


def test_rebinding(tmp_path: Path) -> None:
    """Under another site's name nothing is served, neither the console nor the endpoints for programs."""

    async def look_around(running: Product) -> None:
        for path in (*PAGES, "/console/state.json", "/console/style.css", "/console/live?page=/"):
            answer = await look(running.gateway, path, host="evil.example")
            assert (path, answer.status_code, answer.text) == (path, 421, "Not served under this name.\n")
        for other, status in (("/readyz", 421), ("/traces", 421), ("/healthz", 200), ("/none", 404)):
            assert (await look(running.gateway, other, host="evil.example")).status_code == status
        for other in ("/readyz", "/traces"):
            assert (await look(running.gateway, other, host="127.1.2.3:8081")).status_code == 200

    visit(tmp_path, look_around)


def test_read_only(tmp_path: Path) -> None:
    """Nothing can be posted, and unknown pages are 404."""

    async def look_around(running: Product) -> None:
        transport = httpx2.ASGITransport(running.gateway.management)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for path in PAGES:
                assert (await client.post(path)).status_code == 405
            for path in (
                "/console/apis/none",
                "/console/traces/none",
                "/console/notifications",
                "/console/x",
                "/favicon.ico",
            ):
                assert (await client.get(path)).status_code == 404

    visit(tmp_path, look_around)


def test_switched_off(tmp_path: Path) -> None:
    """With `console: false` there is no page; health, metrics and traces are unchanged."""

    async def look_around(running: Product) -> None:
        assert (await look(running.gateway, "/")).status_code == 404
        for path in ("/healthz", "/readyz", "/metrics", "/traces"):
            assert (await look(running.gateway, path)).status_code == 200

    visit(tmp_path, look_around, f"console: false\n{CONFIG}")
