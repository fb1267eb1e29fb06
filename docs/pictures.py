"""The pictures of README.md and of pages in docs/: ``make docs`` draws them, a test compares them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from docs.drawing import Picture
from docs.job_picture import job_picture
from docs.models_picture import models_picture
from docs.scale_pictures import scale_picture
from docs.simulation_pictures import SIMULATION
from docs.start_picture import start_picture

IMAGES = Path(__file__).parent / "images"


def pictures() -> Iterator[tuple[Path, str]]:
    """Every picture: its path and its text."""
    yield IMAGES / "overview.svg", _overview()
    yield IMAGES / "request.svg", _request()
    yield IMAGES / "scopes.svg", _scopes()
    yield IMAGES / "job.svg", job_picture()
    yield IMAGES / "start.svg", start_picture()
    yield IMAGES / "ai-gateway.svg", models_picture()
    yield IMAGES / "scale.svg", scale_picture()
    yield from ((IMAGES / name, draw()) for name, draw in SIMULATION)


def _overview() -> str:
    """The gateway and what is around it, on the README's first screen."""
    picture = Picture(
        920,
        330,
        "A client's request passes the gateway, which checks its token against the issuer's keys, runs the policies "
        "and sends it to a backend with a caller-objectid header that no client can forge",
    )
    picture.box((24, 112, 132, 76), ("Client", "Bearer token"))
    picture.box((256, 28, 368, 216), kind="frame")
    picture.text(440, 52, "Gateway", "title", "middle")
    picture.box((276, 112, 100, 76), ("inbound", "validate-jwt", "set-header"), "blue")
    picture.box((390, 112, 100, 76), ("backend", "forward, retry"), "blue")
    picture.box((504, 112, 100, 76), ("outbound", "headers, body"), "blue")
    picture.box((316, 204, 288, 28), ("on-error",), "red")
    picture.text(440, 84, "your APIM policies, XML or YAML, compiled at load", "small", "middle")
    picture.arrow("M156 142H274")
    picture.arrow("M274 160H158")
    picture.text(208, 134, "GET /orders/7", "code", "middle")
    picture.text(208, 178, "200, or why not", "small", "middle")
    picture.arrow("M376 150H388")
    picture.arrow("M490 150H502")
    picture.box((764, 28, 132, 64), ("Backends", "any HTTP service"))
    picture.box((764, 124, 132, 64), ("Notifications", "batch job → 202"), "green")
    picture.box((764, 256, 132, 50), ("D365 F&O", "batch jobs"))
    picture.box((484, 270, 152, 38), ("Your callback URL",))
    picture.arrow("M624 64H762")
    picture.text(694, 56, "caller-objectid", "code", "middle")
    picture.arrow("M624 150H762")
    picture.arrow("M846 188V254")
    picture.text(840, 226, "start, poll", "small", "end")
    picture.arrow("M764 170H704V289H638")
    picture.text(698, 226, "callback", "small", "end")
    picture.box((24, 244, 132, 62), ("Entra ID", "or any issuer: keys"))
    picture.arrow("M156 274H296V190")
    picture.text(226, 266, "fetched in advance", "small", "middle")
    return picture.svg()


def _request() -> str:
    """How a request travels, from listener to answer."""
    picture = Picture(
        900,
        470,
        "A request passes the wire's checks and routing; its pipeline runs inbound, backend and outbound; a refusal "
        "or failure leads to on-error; the management plane has its own listener",
    )
    picture.text(24, 36, "Data plane", "title")
    picture.text(124, 36, "listen: 127.0.0.1:8080, public", "small")
    picture.box((24, 56, 852, 262), kind="frame")
    picture.box((44, 84, 130, 84), ("Wire", "one strict parser,", "one normal path"))
    picture.box((206, 84, 130, 84), ("Routing", "host, path, method", "→ API, operation"))
    picture.box((368, 84, 130, 84), ("inbound", "check, limit,", "rewrite"), "blue")
    picture.box((530, 84, 130, 84), ("backend", "forward-request,", "retry"), "blue")
    picture.box((692, 84, 130, 84), ("outbound", "change the", "response"), "blue")
    for start, end in ((174, 204), (336, 366), (498, 528), (660, 690)):
        picture.arrow(f"M{start} 126H{end}")
    picture.text(595, 76, "the operation's pipeline, compiled at load", "small", "middle")
    picture.box((206, 236, 616, 54), ("on-error", "context.LastError names the policy and the reason"), "red")
    failures = {271: "no API: 404", 433: "refused or failed", 595: "unreachable, too slow", 757: ""}
    for x, words in failures.items():
        picture.arrow(f"M{x} 168V234", "fail")
        picture.text(x + 10, 198, words, "small")
    picture.text(281, 216, "no key: 401", "small")
    picture.arrow("M822 126H852V342")
    picture.arrow("M822 263H840V342")
    picture.box((692, 344, 184, 40), ("Answer to the client",), "green")
    picture.arrow("M109 168V364H690", "fail")
    picture.text(119, 216, "malformed: 400", "small")
    picture.box((24, 404, 852, 44), kind="frame")
    picture.text(44, 431, "Management plane", "title")
    picture.text(
        180, 431, "management: 127.0.0.1:8081, private: /healthz, /readyz, /metrics, /traces, the console", "small"
    )
    return picture.svg()


def _scopes() -> str:
    """How <base/> nests the scopes of one section."""
    picture = Picture(
        900,
        250,
        "The effective inbound section: the operation's policies, around the API's, around the product's, around the "
        "global ones; each base element is replaced by the section of the next broader scope",
    )
    nested = [("Operation", 24, 20, 852, 208), ("API", 150, 50, 600, 148), ("Product", 276, 80, 348, 90)]
    for name, x, y, width, height in nested:
        picture.box((x, y, width, height), kind="box")
        picture.text(x + 14, y + 22, name, "title")
    picture.box((396, 112, 108, 40), ("Global",), "blue")
    for x, words in ((44, "set-variable"), (164, "validate-jwt"), (290, "rate-limit")):
        picture.text(x, 136, words, "code")
    for x, words in ((534, "quota"), (640, "set-header"), (762, "rewrite-uri")):
        picture.text(x, 136, words, "code")
    picture.text(
        450, 218, "<base /> stands for the next broader scope; policies before it run first", "small", "middle"
    )
    return picture.svg()
