"""Try it: compose a request, send it through the pipeline, and see every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.management.console import figures, forms, traces_page
from gateway.management.console.forms import Hand
from gateway.management.console.markup import Html, badge, code, element, facts, section
from gateway.management.console.words import words

PATH = "/console/try"
REMEMBERED = ("method", "path", "stub")  # what may be in an address
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
STUBS = {"": "for real", **{status: f"a stub that answers {status}" for status in ("200", "404", "500", "503")}}


def content(hand: Hand, given: Mapping[str, str], routes: Sequence[str]) -> list[Html]:
    """The form, filled with *given*; *routes*: paths to choose from."""
    if not hand.can_act:
        return [_closed(given)]
    return [
        element("p", "The request goes through the same policies as any other, as if sent from this machine."),
        element(
            "p",
            "With a stub only the backend is left out: counters, caches and whatever else policies call are real.",
            class_="quiet",
        ),
        hand.form("try", *_fields(given, routes)),
        element("p", "Same as ", code(command(given)), class_="quiet"),
    ]


def _closed(given: Mapping[str, str]) -> Html:
    text = "To send requests from this page, set console: {actions: true} and log in. From a shell: "
    return element("p", text, code(command(given)))


def command(given: Mapping[str, str]) -> str:
    """What sends the same request from a shell; a token and a body are left to whoever types it."""
    path = given.get("path", "/").replace("'", "%27")
    return f"curl -i -X {given.get('method', 'GET')} 'http://GATEWAY{path}' -H \"Authorization: Bearer $TOKEN\""


def _fields(given: Mapping[str, str], routes: Sequence[str]) -> list[Html]:
    options = [element("option", value=route) for route in routes]
    return [
        forms.choice("Method", "method", {method: method for method in METHODS}, given.get("method", "GET")),
        forms.text("Path and query", "path", given.get("path", "/"), size=46, required="", list="routes"),
        element("datalist", *options, id="routes"),
        forms.choice("Backend", "stub", STUBS, given.get("stub", "")),
        forms.area("Token (Authorization: Bearer)", "token", given.get("token", ""), rows=3),
        forms.area("Other headers, one NAME: VALUE per line", "headers", given.get("headers", ""), rows=3),
        forms.area("Body", "body", given.get("body", ""), rows=4),
        element("p", element("button", "Send it", type="submit", class_="main")),
    ]


def outcome(report: Mapping[str, Any]) -> list[Html]:
    """What has come of a request that was sent."""
    status, record = report["status"], report["record"]
    kind = "good" if status < 400 else "bad" if status >= 500 else "warn"
    said = words(record) if record is not None else (f"The answer is {status} {report['reason']}.",)
    head = element("p", badge(str(status), kind), " ", element("strong", said[0]), f" {report['elapsed_ms']:.1f} ms")
    lines = "\n".join(f"{name}: {value}" for name, value in report["headers"])
    trace = report["trace"]
    steps = traces_page.shown(trace)[1:] if trace is not None else [element("p", "No step was noted.")]
    answer = [("Headers", element("pre", lines)), ("Body", element("pre", report["body"] or figures.NOTHING))]
    return [
        element(
            "div", head, *(element("p", sentence) for sentence in said[1:]), class_=f"verdict {kind}", role="status"
        ),
        section("The answer", facts(answer)),
        section("Step by step", *steps),
    ]
